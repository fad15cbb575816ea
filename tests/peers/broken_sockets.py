"""A peer on a socket that is broken: `python broken_sockets.py NAME PORT`."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from odd_sockets import ShortLived
from peer_records import Client, Refused
from peer_rfc import Honest

if TYPE_CHECKING:
    from peer_wire import Answer


class LosesCodes(ShortLived, Honest):
    """Forgets a code after three seconds, however few there are."""

    def redeem(self, form: dict[str, str], client: Client) -> Answer:
        grant = self.grants.get(form.get("device_code", ""))
        if grant and grant.state == "pending" and time.time() > grant.ends - self.lifetime + 3:
            raise Refused("invalid_grant", "this code is unknown")
        return super().redeem(form, client)


if __name__ == "__main__":
    globals()[sys.argv[1]]().listen(int(sys.argv[2]))

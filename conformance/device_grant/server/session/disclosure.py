"""Whether an answer discloses a secret that its request did not know, and that is not what was asked for."""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from device_grant.judging import Judgement
from device_grant.protocol import Operation

if TYPE_CHECKING:
    from device_grant.protocol import Exchange, Request

DISCLOSED = "invariants::errors_repeat_no_secret"
"""Under whose name it is said: what the exchange alone shows of the same rule, that invariant says."""
_RULE = "rfc6749-10.8-no-cleartext-secrets"
_SECRETS = ("client_secret", "device_code", "refresh_token", "access_token")
_SHORTEST, _LONGEST = 12, 4096
"""Characters of a value that counts as a secret: shorter ones turn up by chance, longer ones are generated junk."""


class KnownSecrets:
    """Those of a case, as they become known: of its clients, and of the answers that it got."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def learn(self, name: str, value: object) -> None:
        """Take note of a secret."""
        if isinstance(value, str) and _SHORTEST <= len(value) <= _LONGEST:
            self._names.setdefault(value, name)

    def disclosed_in(self, exchange: Exchange) -> Judgement | None:
        """What is to be said of an answer of an endpoint; None where there is nothing that it could tell."""
        if exchange.response is None or exchange.request.operation is Operation.OTHER:
            return None
        judgement = self._judged(exchange) if self._names else None
        for name in _SECRETS:
            self.learn(name, exchange.get(name))
        return judgement

    def _judged(self, exchange: Exchange) -> Judgement:
        assert exchange.on_the_wire is not None
        members = exchange.outcome.members
        shown = " ".join(
            [
                exchange.on_the_wire.text,
                *(str(value) for value in members.values()),
                *(value for _, value in exchange.on_the_wire.headers),
            ]
        )
        disclosed = [value for value in self._names if value in shown]
        if disclosed:
            # What a success is for may be the same as before: the token of a grant that is asked for again.
            due = [members.get(name) for name in _SECRETS] if exchange.outcome.ok else []
            sent = _sent(exchange.request)
            disclosed = [value for value in disclosed if value not in due and value not in sent]
        names = ", ".join(dict.fromkeys(self._names[value] for value in disclosed))
        return Judgement(_RULE, not disclosed, f"the answer tells {names}, which the request did not have")


def _sent(request: Request) -> str:
    """All that a request says, as it is and decoded."""
    texts = [request.content.decode("utf-8", errors="replace"), request.url, *(value for _, value in request.headers)]
    scheme, _, credentials = (request.header("authorization") or "").partition(" ")
    if scheme.lower() == "basic":
        with suppress(binascii.Error):  # a broken header discloses nothing
            texts.append(base64.b64decode(credentials).decode("utf-8", errors="replace"))
    joined = " ".join(texts)
    return f"{joined} {unquote_plus(joined)}"

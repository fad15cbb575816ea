"""An honest server that the suite launches, and that does one deed before it listens; `PORT DIALECT DEED`."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from hostile.deeds import DEEDS
from hostile.wire import HostileServer

if __name__ == "__main__":
    port, dialect, deed = sys.argv[1:4]
    if not deed.startswith("late "):
        DEEDS[deed.removesuffix(" and ends")]()
    if deed.endswith(" and ends"):
        sys.exit(1)

    def lie(exchange):
        if deed.startswith("late ") and exchange.answer.place == "start":
            DEEDS[deed.removeprefix("late ")]()
        return exchange.answer

    with HostileServer(dialect, lie, int(port)):
        time.sleep(600)

"""Clients that turn against the suite, and how the command meets one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from hostile.modes import AWS, RFC
from hostile.running import Run, run

HERE = Path(__file__).parent
PLAIN = "waiting::test_pending_until_approved"


@dataclass(frozen=True)
class ClientMode:
    """One deed of a client: `early` before its login, `late` after it."""

    when: str
    deed: str
    dialects: tuple[str, ...] = (RFC,)
    checks: tuple[str, ...] = (PLAIN,)
    deadline: float = 120
    terminal: bool = True
    rare: bool = False
    browser: bool = False

    @property
    def name(self) -> str:
        return f"client: {self.deed}, {self.when}" + (", again and again" if len(self.checks) > 1 else "")


EARLY = (
    "escapes", "raw octets", "long line", "long line of escapes", "many lines", "flood", "endless flood", "children",
    "daemon", "silent daemon", "daemon without a name", "stubborn children", "ends", "killed", "crashed", "stopped",
    "sleeps", "closes its outputs", "kills its group", "leaves files", "noise", "many requests",
    "large request", "large field", "lying markers", "many markers", "unsupported", "escapes in requests", "no http",
    "endless head", "false length", "deep json", "odd target",
)  # fmt: skip
LATE = ("escapes", "daemon", "stubborn children", "killed", "leaves files", "fills home", "pipes and links", "sleeps")
MODES = [
    *(ClientMode("early", deed, (RFC,) if number % 2 else (AWS,)) for number, deed in enumerate(EARLY)),
    *(ClientMode("late", deed, (AWS,) if number % 2 else (RFC,)) for number, deed in enumerate(LATE)),
    *(
        ClientMode("early", deed, (RFC,), ("answers::*", "ending::*", "starting::*", "keeping::*"), 180)
        for deed in ("ends", "lying markers", "daemon")
    ),
]


def meet(mode: ClientMode, dialect: str, folder: Path) -> Run:
    command = ["{python}", str(HERE / "client_peer.py"), mode.when, mode.deed, str(folder)]
    lines = ['name = "hostile"', f'dialect = "{dialect}"', "[run]", f"command = {json.dumps(command)}", "deadline = 8"]
    (folder / "client.toml").write_text("\n".join(lines))
    chosen = [part for name in mode.checks for part in ("--check", name)]
    return run(["client", "client.toml", *chosen, "--report", "report"], folder, mode.deadline, terminal=mode.terminal)

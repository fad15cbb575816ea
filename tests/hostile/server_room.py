"""All modes of servers, and how the command meets one."""

from __future__ import annotations

import json
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from hostile.running import Run, run
from hostile.wire import HostileServer

if TYPE_CHECKING:
    from hostile.modes import Mode

SUBJECTS = ("framing", "values", "documents", "announced", "unheard", "launched")
HERE = Path(__file__).parent
USER = """
def approve(http, grant):
    http.post("/decide", data={"user_code": grant.user_code, "decision": "approve"})

def deny(http, grant):
    http.post("/decide", data={"user_code": grant.user_code, "decision": "deny"})
"""


def modes(subject: str = "") -> list[Mode]:
    """The modes of one subject, or of all."""
    chosen = [subject] if subject else [name for name in SUBJECTS if (HERE / f"{name}.py").exists()]
    return [mode for name in chosen for mode in import_module(f"hostile.{name}").MODES]


def _where(mode: Mode, dialect: str, server: HostileServer | None, folder: Path) -> list[str]:
    if server:
        return ["[endpoints]", f'base = "{server.base}"']
    command = ["{python}", str(HERE / "launched_peer.py"), "{port}", dialect, mode.launched, str(folder)]
    start = f"command = {json.dumps(command)}\nready_timeout = 15"
    return ["[endpoints]", 'base = "http://127.0.0.1:{port}"', "[serve]", start]


def meet(mode: Mode, dialect: str, folder: Path) -> Run:
    """Run the command against this mode, in an empty folder."""
    with nullcontext() if mode.launched else HostileServer(dialect, mode.lie) as server:
        user = 'login = "alice"\npassword = "wonderland-4711"' if mode.login else 'module = "user.py"'
        lines = [
            'name = "hostile"',
            f'dialect = "{dialect}"',
            *_where(mode, dialect, server, folder),
            f"[user]\n{user}",
            "[clock]",
            "longest_wait = 2",
            *([] if mode.defaults else ["[limits]", "exchange = 4", "silence = 4", "retry_after = 4"]),
        ]
        (folder / "target.toml").write_text("\n".join(lines))
        (folder / "user.py").write_text(USER)
        chosen = [part for name in mode.checks for part in ("--check", name)] if mode.command == "run" else []
        report = ["--report", "report"] if mode.command == "run" else []
        return run(
            [mode.command, "target.toml", *chosen, *report],
            folder,
            mode.deadline,
            terminal=mode.terminal,
            browser=mode.browser,
        )

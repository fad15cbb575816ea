"""The user of `[user] prompt`: whoever runs the suite, asked at the terminal."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import segno

from device_grant.errors import UsageError
from device_grant.targets.ports import GrantView, Pages, UserError

if TYPE_CHECKING:
    import httpx


class Terminal(Protocol):
    """As much of a text file as asking needs."""

    def write(self, text: str, /) -> int:
        """Show text."""

    def flush(self) -> None:
        """Show it now."""

    def readline(self) -> str:
        """The answer with its newline; empty at the end."""


class PromptUser:
    """Whoever runs the suite, asked at the terminal."""

    pages: Pages | None = None

    def __init__(self, terminal: Terminal | None = None) -> None:
        """`terminal` is read and written; by default the controlling terminal.

        Raises UsageError where there is none.
        """
        # Standard input and output belong to pytest, which captures them.
        self._terminal = terminal if terminal is not None else _controlling_terminal()
        self._asking = threading.Lock()

    def approve(self, http: httpx.Client, grant: GrantView) -> None:  # noqa: ARG002 - the person has a browser
        """Raises UserError if the person answers n."""
        self._ask("allow", grant)

    def deny(self, http: httpx.Client, grant: GrantView) -> None:  # noqa: ARG002 - the person has a browser
        """Raises UserError if the person answers n."""
        self._ask("REFUSE", grant)

    def _ask(self, action: str, grant: GrantView) -> None:
        with self._asking:
            self._ask_alone(action, grant)

    def _ask_alone(self, action: str, grant: GrantView) -> None:
        uri = grant.verification_uri_complete or grant.verification_uri
        out = self._terminal
        out.write("\n")
        try:
            picture = io.StringIO()
            segno.make(uri, error="l").terminal(out=picture, compact=True)
            out.write(picture.getvalue())
        except segno.DataOverflowError:
            out.write("(the address is too long for a QR code)\n")
        out.write(f"  open  {_plain(grant.verification_uri)}\n  code  {_plain(grant.user_code)}\n")
        out.write(f"Please {action} the request there, then press Enter (n if the page does not let you): ")
        out.flush()
        answer = out.readline()
        if not answer:
            raise UsageError("user.prompt: the terminal was closed before an answer came")
        if answer.strip().lower() in ("n", "no"):
            raise UserError(f"the person at the terminal could not {action.lower()} the request")


def _controlling_terminal() -> Terminal:
    try:
        return _ControllingTerminal()
    except OSError as error:
        raise UsageError(
            "user.prompt: there is no terminal to ask at; use [user] module or command where nobody sits"
        ) from error


class _ControllingTerminal:
    """Two files, since one text file for both directions would want to seek, which a terminal cannot."""

    def __init__(self) -> None:
        path = Path("/dev/tty")
        self._in = path.open(encoding="utf-8", errors="replace")
        self._out = path.open("w", encoding="utf-8", errors="replace")

    def write(self, text: str, /) -> int:
        return self._out.write(text)

    def flush(self) -> None:
        self._out.flush()

    def readline(self) -> str:
        return self._in.readline()


def _plain(text: str) -> str:
    """Text of the target without control characters, which could repaint the terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)

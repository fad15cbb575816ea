"""The user of `[user] prompt`: whoever runs the suite, asked at the terminal."""

from __future__ import annotations

import io
import os
import shutil
import textwrap
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import segno

from device_grant.errors import UsageError
from device_grant.targets.ports import GrantView, Nobody, Pages, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

_SKIPPED = "the person at the terminal skipped the rest"
_CLOSED = "the terminal was closed before an answer came"
_WIDE = 100
_VERBS = {"approve": "ALLOW", "deny": "REFUSE"}


class Terminal(Protocol):
    """As much of a text file as asking needs."""

    @property
    def columns(self) -> int:
        """Its width in characters; 0: it is no terminal, and shows no picture."""

    def write(self, text: str, /) -> int:
        """Show text."""

    def flush(self) -> None:
        """Show it now."""

    def readline(self) -> str:
        """The answer with its newline; empty at the end."""


class PromptUser:
    """Whoever runs the suite, asked at the terminal: one question at a time."""

    pages: Pages | None = None

    def __init__(self, terminal: Terminal | None = None) -> None:
        """`terminal` is read and written; by default the controlling terminal.

        Raises UsageError where there is none, or where several processes would ask at it.
        """
        if terminal is None and "PYTEST_XDIST_WORKER" in os.environ:
            raise UsageError("user.prompt: one process asks at the terminal: leave -n out")
        # Standard input and output belong to pytest, which captures them.
        self._terminal = terminal if terminal is not None else _controlling_terminal()
        self._asking = threading.Lock()
        self._shows = ""
        self._total = self._first = 0
        self._number = 0
        self._pictured = ""
        """The address that was shown as a picture last."""
        self._decided: set[str] = set()
        self.skipped = ""
        """Why nobody is asked any more; empty while somebody is."""

    def expect(self, total: int, first: int) -> None:
        """So many decisions are to come, of which the `first` ones are a verdict worth having by themselves."""
        self._total, self._first = total, first

    @contextmanager
    def about(self, shows: str) -> Iterator[None]:
        """Within: what is asked is to show this."""
        with self._asking:
            self._shows = shows
            try:
                yield
            finally:
                self._shows = ""

    def approve(self, http: httpx.Client, grant: GrantView) -> None:  # noqa: ARG002 - the person has a browser
        """Raises UserError if the person answers n, Nobody if they answer s."""
        self._ask("approve", grant)

    def deny(self, http: httpx.Client, grant: GrantView) -> None:  # noqa: ARG002 - the person has a browser
        """Raises as approve does."""
        self._ask("deny", grant)

    def _ask(self, action: str, grant: GrantView) -> None:
        if self.skipped:
            raise Nobody(self.skipped)
        out = self._terminal
        out.write("\n" + (self._opening() if not self._number else ""))
        self._number += 1
        out.write(self._question(action, grant))
        out.flush()
        answer = out.readline()
        word = answer.strip().lower()
        if not answer or word in ("s", "skip", "q", "quit"):
            self.skipped = _SKIPPED if answer else _CLOSED
            out.write("\nNobody is asked any more: the rest stays untested.\n")
            out.flush()
            raise Nobody(self.skipped)
        if word in ("n", "no"):
            raise UserError(f"the person at the terminal could not {action} the request")
        self._decided.add(grant.user_code)

    def _opening(self) -> str:
        """What is said before the first question."""
        if not self._total:
            return ""
        said = f"About {self._total} decisions" if self._total > 1 else "One decision"
        said += " at the verification page, in your own browser."
        if 0 < self._first < self._total:
            said += f" The first {self._first} tell the most. The rest can be skipped."
        return f"{self._wrapped(said)}\n\n"

    def _question(self, action: str, grant: GrantView) -> str:
        of = f" of about {self._total}" if self._total >= self._number else ""
        shows = f": to see {self._shows}" if self._shows else ""
        lines = [self._wrapped(f"Decision {self._number}{of}{shows}"), ""]
        lines += self._picture(grant)
        lines.append(f"  open  {_plain(grant.verification_uri)}")
        typed = _plain(grant.user_code)
        lines.append(f'  code  "{typed}"' if grant.hint else f"  code  {typed}")
        if grant.verification_uri_complete:
            lines.append(f"  or    {_plain(grant.verification_uri_complete)}")
        if grant.user_code in self._decided:
            again = (
                "This code was decided on before: the page should not take it again. Try, and answer n if it does not."
            )
            lines.append(self._wrapped(again))
        if grant.hint:
            lines.append(self._wrapped(f"Type just what is between the quotes: {_plain(grant.hint)}."))
        lines += ["", f"Please {_VERBS[action]} it there."]
        if self._first and self._number == self._first + 1:
            done = f"The first {self._first} decisions are done: if they are enough for you, skip the rest."
            lines.append(self._wrapped(done))
        return "\n".join(lines) + "\nEnter: done · n: the page refuses · s: skip the rest > "

    def _wrapped(self, sentence: str) -> str:
        """Between words, as the terminal would not; addresses and codes are left whole, to be clicked and copied."""
        return "\n".join(textwrap.wrap(sentence, self._terminal.columns or _WIDE))

    def _picture(self, grant: GrantView) -> list[str]:
        """A QR code of the address, the complete one if there is one; an address is shown so once."""
        uri = grant.verification_uri_complete or grant.verification_uri
        if not self._terminal.columns or uri == self._pictured:
            return []
        self._pictured = uri
        picture = io.StringIO()
        try:
            segno.make(uri, error="l").terminal(out=picture, compact=True, border=2)
        except segno.DataOverflowError:
            return ["(the address is too long for a QR code)"]
        lines = picture.getvalue().splitlines()
        return lines if _width(lines) <= self._terminal.columns else ["(the terminal is too narrow for a QR code)"]


def _width(lines: list[str]) -> int:
    """The widest of them in characters, escape sequences not counted."""
    import re

    return max((len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines), default=0)


def _controlling_terminal() -> Terminal:
    try:
        return _ControllingTerminal()
    except OSError as error:
        raise UsageError(
            "user.prompt: there is no terminal to ask at; use --login NAME, or [user] module or command, where nobody "
            "sits"
        ) from error


class _ControllingTerminal:
    """Two files, since one text file for both directions would want to seek, which a terminal cannot."""

    def __init__(self) -> None:
        path = Path("/dev/tty")
        self._in = path.open(encoding="utf-8", errors="replace")
        self._out = path.open("w", encoding="utf-8", errors="replace")

    @property
    def columns(self) -> int:
        try:
            return os.get_terminal_size(self._out.fileno()).columns
        except OSError:
            return shutil.get_terminal_size().columns

    def write(self, text: str, /) -> int:
        return self._out.write(text)

    def flush(self) -> None:
        self._out.flush()

    def readline(self) -> str:
        return self._in.readline()


def _plain(text: str) -> str:
    """Text of the target without control characters, which could repaint the terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)

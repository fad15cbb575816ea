"""The person at the verification page: a module of functions, a command, or whoever runs the suite."""

from __future__ import annotations

import importlib.util
import inspect
import io
import sys
import threading
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import httpx
import segno

from device_grant.errors import DeviceGrantError, SuiteError, UsageError
from device_grant.processes import completed, exit_words, last_lines
from device_grant.targets.adapter import fill
from device_grant.targets.ports import GrantView, Pages, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    from device_grant.targets.ports import User

_COMMAND_TIMEOUT = 120.0
_STEPS = {
    "sign_in": ("http",),
    "confirmation": ("http", "grant"),
    "enter": ("http", "user_code", "verification_uri"),
}
"""Optional functions of a user module, by the names that they have in Pages, and what they are given."""
_FUNCTIONS = {"approve": ("http", "grant"), "deny": ("http", "grant")} | _STEPS


class ModuleUser:
    """`approve(http, grant)` and `deny(http, grant)` of a Python file; optional: the functions that Pages names.

    The functions raise `device_grant.targets.ports.UserError` where the page does not let them decide.
    """

    def __init__(self, file: Path) -> None:
        """Import the file; raises UsageError if a function is missing or wrong, SuiteError if importing it fails."""
        self._file = file
        functions = vars(_imported(file))
        missing = [name for name in ("approve", "deny") if not callable(functions.get(name))]
        if missing:
            raise UsageError(
                f"{file}: has no function {' and no function '.join(missing)}; a user module defines "
                "approve(http, grant) and deny(http, grant)"
            )
        wrong = [name for name in _STEPS if name in functions and not callable(functions[name])]
        if wrong:
            raise UsageError(f"{file}: {wrong[0]} is not a function; leave it out or make it one")
        for name, names in _FUNCTIONS.items():
            if name in functions and not _takes(functions[name], names):
                raise UsageError(f"{file}: {name} does not take what it is given: define {name}({', '.join(names)})")
        self._functions: dict[str, Callable[..., object]] = functions
        self.pages: Pages | None = Pages(
            sign_in=partial(self._call, "sign_in") if "sign_in" in functions else None,
            confirmation=partial(self._page, "confirmation") if "confirmation" in functions else None,
            enter=partial(self._page, "enter") if "enter" in functions else None,
        )

    def approve(self, http: httpx.Client, grant: GrantView) -> None:
        """Raises UserError, or SuiteError naming file and line if the module itself broke."""
        self._call("approve", http, grant)

    def deny(self, http: httpx.Client, grant: GrantView) -> None:
        """Raises as approve does."""
        self._call("deny", http, grant)

    def _page(self, name: str, http: httpx.Client, *what: GrantView | str) -> httpx.Response:
        answer = self._call(name, http, *what)
        if not isinstance(answer, httpx.Response):
            raise SuiteError(
                f"{self._file}: {name} returned {type(answer).__name__}, but must return the httpx.Response"
            )
        return answer

    def _call(self, name: str, http: httpx.Client, *what: object) -> object:
        try:
            return self._functions[name](http, *what)
        except (UserError, DeviceGrantError):
            raise
        except httpx.TransportError as error:
            # The target went away under the user's hands: a fact about the target, not a fault of the module.
            raise UserError(f"{name}: the verification page did not answer: {error or type(error).__name__}") from error
        except Exception as error:
            raise SuiteError(f"{_place(error, self._file)}: {name} raised {type(error).__name__}: {error}") from error


class CommandUser:
    """A command that decides; exit status 0 means that the decision was made."""

    pages: Pages | None = None

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._command = tuple(command)
        self._folder = folder

    def approve(self, http: httpx.Client, grant: GrantView) -> None:  # noqa: ARG002 - the command brings its own client
        """Raises UserError with the last line of its standard error, UsageError if it cannot be started."""
        self._run("approve", grant)

    def deny(self, http: httpx.Client, grant: GrantView) -> None:  # noqa: ARG002 - the command brings its own client
        """Raises as approve does."""
        self._run("deny", grant)

    def _run(self, action: str, grant: GrantView) -> None:
        values = {
            "python": sys.executable,
            "dir": str(self._folder),
            "action": action,
            "user_code": grant.user_code,
            "verification_uri": grant.verification_uri,
            "verification_uri_complete": grant.verification_uri_complete or "",
        }
        # Codes and addresses come from the target: a leading dash would be an option of the command.
        for name in ("user_code", "verification_uri", "verification_uri_complete"):
            if values[name].startswith("-"):
                raise UserError(f"{name} starts with a dash, which a command would take for an option")
        program, *arguments = (fill(word, values) for word in self._command)
        if "/" in program:
            program = str(self._folder / program)
        try:
            done = completed([program, *arguments], folder=self._folder, seconds=_COMMAND_TIMEOUT)
        except OSError as error:
            raise UsageError(f"user.command: {program} cannot be started: {error.strerror}") from error
        if done.status is None:
            raise UserError(f"the user command took longer than {_COMMAND_TIMEOUT:g} s to {action}")
        if done.status:
            said = last_lines(done.errors.decode(errors="replace"), 1)
            raise UserError(said or f"the user command ended with {exit_words(done.status)}")


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


def user_of(value: str) -> User:
    """The user that an option names: `prompt`, or a Python file relative to the working directory.

    Raises UsageError, or SuiteError if importing the file fails.
    """
    if value == "prompt":
        return PromptUser()
    file = Path(value).expanduser()
    if not file.is_file():
        raise UsageError(f"user {value!r}: there is no such file; give a Python file, or prompt")
    return ModuleUser(file.resolve())


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


def _imported(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"device_grant_user_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Helper modules beside the file can be imported while it is.
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    except FileNotFoundError as error:
        if error.filename != str(file):
            raise SuiteError(f"{_place(error, file)}: importing it raised {error}") from error
        raise UsageError(f"{file}: there is no such file") from error
    except SyntaxError as error:
        raise SuiteError(f"{error.filename or file}:{error.lineno}: {error.msg}") from error
    except ModuleNotFoundError as error:
        # What a user module needs had another place before this package had a name of its own.
        if (error.name or "").partition(".")[0] == "conformance":
            raise UsageError(
                f"{_place(error, file)}: there is no {error.name}; "
                "import UserError and GrantView from device_grant.targets, all else from device_grant"
            ) from error
        raise SuiteError(f"{_place(error, file)}: importing it raised {type(error).__name__}: {error}") from error
    except Exception as error:
        raise SuiteError(f"{_place(error, file)}: importing it raised {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(file.parent))
    return module


def _takes(function: Callable[..., object], names: tuple[str, ...]) -> bool:
    """Whether it can be called with that many arguments, as far as it tells."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return True
    try:
        signature.bind(*names)
    except TypeError:
        return False
    return True


def _place(error: BaseException, file: Path) -> str:
    """File and line of the innermost frame that is in the user module, else of the innermost at all."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename) == file]
    chosen = inside or list(frames)
    return f"{chosen[-1].filename}:{chosen[-1].lineno}" if chosen else str(file)

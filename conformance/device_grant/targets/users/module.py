"""The user of `[user] module`: a Python file whose functions go through the verification page."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from device_grant.browser.unreadable import UNREADABLE
from device_grant.errors import DeviceGrantError, UsageError
from device_grant.judging import StopCheck
from device_grant.targets.ports import GrantView, Pages, UserError, UserModuleError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_STEPS = {
    "sign_in": ("http",),
    "confirmation": ("http", "grant"),
    "enter": ("http", "user_code", "verification_uri"),
    "authorize": ("http", "url"),
    "refuse": ("http", "url"),
}
"""Optional functions of a user module, by the names that they have in Pages, and what they are given."""
_PUBLIC = "device_grant.targets"
"""Where user modules import from."""
_FUNCTIONS = {"approve": ("http", "grant"), "deny": ("http", "grant")} | _STEPS


class ModuleUser:
    """`approve(http, grant)` and `deny(http, grant)` of a Python file; optional: the functions that Pages names.

    The functions raise `device_grant.targets.UserError` where the page does not let them decide.
    """

    def __init__(self, file: Path) -> None:
        """Import the file; raises UsageError where a function is missing or wrong, UserModuleError where it breaks."""
        self._file = file
        functions = vars(imported(file))
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
            authorize=partial(self._page, "authorize") if "authorize" in functions else None,
            refuse=partial(self._page, "refuse") if "refuse" in functions else None,
        )

    def approve(self, http: httpx.Client, grant: GrantView) -> None:
        """Raises UserError, or UserModuleError naming file and line if the module itself broke."""
        self._call("approve", http, grant)

    def deny(self, http: httpx.Client, grant: GrantView) -> None:
        """Raises as approve does."""
        self._call("deny", http, grant)

    def _page(self, name: str, http: httpx.Client, *what: GrantView | str) -> httpx.Response:
        answer = self._call(name, http, *what)
        if not isinstance(answer, httpx.Response):
            raise UserModuleError(
                f"{self._file}: {name} returned {type(answer).__name__}, but must return the httpx.Response"
            )
        try:
            _ = answer.request, answer.content
        except RuntimeError as error:
            # Made by hand, or streamed and left unread.
            raise UserModuleError(f"{self._file}: {name} returned a response that is no page: {error}") from error
        return answer

    def _call(self, name: str, http: httpx.Client, *what: object) -> object:
        try:
            return self._functions[name](http, *what)
        except (UserError, DeviceGrantError, StopCheck):
            raise
        except UNREADABLE as error:
            # The target went away under the user's hands, or sent what httpx cannot do anything with: a fact about the
            # target, not a fault of the module.
            raise UserError(f"{name}: the verification page did not answer: {error or type(error).__name__}") from error
        except Exception as error:
            raise UserModuleError(
                f"{place_of(error, self._file)}: {name} raised {type(error).__name__}: {error}"
            ) from error


def imported(file: Path) -> ModuleType:
    """A Python file that somebody wrote for a target, imported; raises UsageError or UserModuleError."""
    spec = importlib.util.spec_from_file_location(f"device_grant_user_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file}: not a Python file")
    _refuse_internal_imports(file)
    module = importlib.util.module_from_spec(spec)
    # Helper modules beside the file can be imported while it is.
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    except FileNotFoundError as error:
        if error.filename != str(file):
            raise UserModuleError(f"{place_of(error, file)}: importing it raised {error}") from error
        raise UsageError(f"{file}: there is no such file") from error
    except SyntaxError as error:
        raise UserModuleError(f"{error.filename or file}:{error.lineno}: {error.msg}") from error
    except ModuleNotFoundError as error:
        # What a user module needs had another place before this package had a name of its own.
        if (error.name or "").partition(".")[0] == "conformance":
            raise UsageError(
                f"{place_of(error, file)}: there is no {error.name}; "
                f"import UserError and GrantView from {_PUBLIC}, all else from device_grant"
            ) from error
        raise UserModuleError(
            f"{place_of(error, file)}: importing it raised {type(error).__name__}: {error}"
        ) from error
    except Exception as error:
        raise UserModuleError(
            f"{place_of(error, file)}: importing it raised {type(error).__name__}: {error}"
        ) from error
    finally:
        sys.path.remove(str(file.parent))
    return module


def _broke(error: BaseException, file: Path) -> str:
    return f"{place_of(error, file)}: importing it raised {type(error).__name__}: {error}"


def _refuse_internal_imports(file: Path) -> None:
    """Raise UsageError for an import from below `device_grant.targets`, which would break with any release of ours."""
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except (OSError, SyntaxError, ValueError):
        return  # importing it tells
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(place), level=0):
                places = [place]
            case ast.Import(names=names):
                places = [name.name for name in names]
            case _:
                continue
        for place in places:
            if place.startswith(f"{_PUBLIC}."):
                raise UsageError(
                    f"{file}:{node.lineno}: {place} is internal: import UserError and GrantView from {_PUBLIC}"
                )


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


def place_of(error: BaseException, file: Path) -> str:
    """File and line of the innermost frame that is in the user module, else of the innermost at all."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename) == file]
    chosen = inside or list(frames)
    return f"{chosen[-1].filename}:{chosen[-1].lineno}" if chosen else str(file)

"""The account with which a person signs in, and where its password comes from and may go to."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from device_grant.browser.page import split
from device_grant.errors import UsageError
from device_grant.targets.config import PASSWORD_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Account:
    """A name and its password, which is a secret."""

    name: str
    password: str = field(repr=False)

    def hidden(self, text: str) -> str:
        """The text without the password, which a page may say again."""
        return text.replace(self.password, "<password>") if self.password else text


def account_of(
    name: str, *, password: str = "", variable: str = "", ask: Callable[[str], str] | None = None
) -> Account:
    """The account of that name: its password as given, from an environment variable, or typed at the terminal.

    Raises UsageError where there is none. What was typed is put into the environment, so that no worker asks again.
    """
    if password:
        return Account(name, password)
    result = os.environ.get(variable or PASSWORD_VARIABLE, "")
    if result:
        return Account(name, result)
    if variable:
        raise UsageError(f"the password of {name}: the environment has no variable {variable}, or it is empty")
    typed = (ask or _typed)(name)
    if not typed:
        raise UsageError(f"the password of {name}: nothing was typed")
    os.environ[PASSWORD_VARIABLE] = typed
    return Account(name, typed)


def _typed(name: str) -> str:
    # Standard input belongs to pytest: the controlling terminal is asked, without echo.
    try:
        with Path("/dev/tty").open(encoding="utf-8"):
            return getpass.getpass(f"Password of {name}: ")
    except OSError:
        raise UsageError(
            f"the password of {name}: there is no terminal to ask at; put it into an environment variable and "
            "name that with --password-env, or password_env in [user]"
        ) from None
    except EOFError:
        return ""


def origin(url: httpx.URL | str) -> str:
    """Scheme, host and port of a URL; the password belongs to one of them."""
    parts = split(str(url))
    try:
        port = parts.port
    except ValueError:
        port = None
    port = port or _DEFAULT_PORTS.get(parts.scheme)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"

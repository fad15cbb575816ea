"""The person at the verification page: a module of functions, a command, whoever runs the suite, or an account."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from device_grant.errors import UsageError
from device_grant.targets.users.command import CommandUser, run_command
from device_grant.targets.users.module import ModuleUser
from device_grant.targets.users.prompt import PromptUser

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.targets.config import Located, UserSection
    from device_grant.targets.ports import User
    from device_grant.targets.users.login import LoginUser

__all__ = [
    "CommandUser",
    "ModuleUser",
    "PromptUser",
    "assertions_of",
    "locks_of",
    "login_user",
    "open_second",
    "open_user",
    "passwords_of",
    "user_of",
]


def user_of(value: str) -> User:
    """The user that an option names: `prompt`, or a Python file relative to the working directory.

    Raises UsageError, or UserModuleError if importing the file fails.
    """
    if value == "prompt":
        return PromptUser()
    file = Path(value).expanduser()
    if not file.is_file():
        raise UsageError(f"user {value!r}: there is no such file; give a Python file, or prompt")
    return ModuleUser(file.resolve())


def in_process_by_hand(spec: str) -> UsageError:
    """What is wrong with a person who is to open pages that are at no address."""
    return UsageError(
        f"{spec} is called in process, where no browser of yours can open its pages: serve it and give its URL, or use "
        "--login NAME"
    )


def open_user(located: Located) -> User | None:
    """The user that target.toml names; None if it names none.

    Raises UsageError or UserModuleError if there is no such user.
    """
    section, folder = located.config.user, located.folder
    if section.module:
        return ModuleUser(folder / section.module)
    if section.command:
        return CommandUser(section.command, folder)
    if section.login:
        return login_user(section, located.config.endpoints.verification)
    return PromptUser() if section.prompt else None


def open_second(located: Located) -> User | None:
    """The second account that target.toml names; None if it names none.

    Where the first has an account too, the pages are told the same of both. Raises as `open_user` does.
    """
    section, folder = located.config.user, located.folder
    if section.second.module:
        return ModuleUser(folder / section.second.module)
    if not section.second.login:
        return None
    import msgspec

    own = msgspec.structs.replace(
        section, login=section.second.login, password=section.second.password, password_env=section.second.password_env
    )
    return login_user(own, located.config.endpoints.verification)


def locks_of(located: Located) -> Callable[[str], object] | None:
    """What locks and unlocks the second account by the commands of target.toml; None if it names none."""
    second = located.config.user.second
    if not second.lock:
        return None

    def lock(action: str) -> None:
        run_command(second.lock if action == "lock" else second.unlock, located.folder, {}, action)

    return lock


def assertions_of(located: Located) -> Callable[[str, float], str] | None:
    """What makes assertions of a trusted token issuer by the file of `[iam] module`; None if it names none."""
    from device_grant.targets.users.assertions import AssertionsOfFile

    module = located.config.iam.module
    return AssertionsOfFile(located.folder / module) if module else None


def switches_of(located: Located) -> Callable[[str, str], object] | None:
    """What disables and enables clients by the commands of target.toml; None if it names none."""
    able = {client.id: client for client in located.config.clients if client.disable}
    if not able:
        return None

    def switch(client_id: str, action: str) -> None:
        client = able[client_id]
        run_command(client.disable if action == "disable" else client.enable, located.folder, {}, action)

    return switch


def login_user(section: UserSection, verification: str = "") -> LoginUser:
    """The user of `[user] login`; `verification` is the page for the code, if target.toml knows it.

    Raises UsageError where its password is nowhere.
    """
    from device_grant.targets.users.login import LoginUser, account_of

    account = account_of(section.login, password=section.password, variable=section.password_env)
    return LoginUser(
        account,
        selectors=section.pages.given(),
        origins=section.origins,
        headers=section.headers,
        verification=verification,
    )


def passwords_of(user: User | None) -> tuple[str, ...]:
    """The passwords that a user types, which must be written nowhere; none where it does not say them."""
    return tuple(getattr(user, "passwords", ()))

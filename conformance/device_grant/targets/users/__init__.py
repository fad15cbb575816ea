"""The person at the verification page: a module of functions, a command, or whoever runs the suite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from device_grant.errors import UsageError
from device_grant.targets.users.command import CommandUser
from device_grant.targets.users.module import ModuleUser
from device_grant.targets.users.prompt import PromptUser

if TYPE_CHECKING:
    from device_grant.targets.config import Located
    from device_grant.targets.ports import User

__all__ = ["CommandUser", "ModuleUser", "PromptUser", "open_user", "user_of"]


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


def open_user(located: Located) -> User | None:
    """The user that target.toml names; None if it names none.

    Raises UsageError or UserModuleError if there is no such user.
    """
    section, folder = located.config.user, located.folder
    if section.module:
        return ModuleUser(folder / section.module)
    if section.command:
        return CommandUser(section.command, folder)
    return PromptUser() if section.prompt else None

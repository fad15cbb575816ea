"""Options of the commands that test a server, and the target that is meant where none is named."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from device_grant.catalogue.model import DIALECTS
from device_grant.errors import UsageError
from device_grant.targets.supplied import Supplied, option_name

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")
_HERE = "./target.toml"
_NOTHING_NAMED = (
    "name what to test: the URL of a server, asgi:module:app, wsgi:module:app, a target.toml, "
    "or embedded, the reference server (this folder has no target.toml)"
)


def target_options(command: F) -> F:
    """Add the argument TARGET and what is said about it: dialect, user, fault, and what it knows beforehand."""
    for each in reversed(dataclasses.fields(Supplied)):
        said = each.metadata
        command = click.option(option_name(each.name), metavar=said["metavar"], help=said["help"])(command)
    fault = "A misbehaviour of the embedded server, to see what it looks like."
    command = click.option("--fault", multiple=True, help=fault)(command)
    user = "Who approves: a module with approve and deny, or yourself."
    command = click.option("--user", metavar="FILE|prompt", help=user)(command)
    dialect = f"{' or '.join(DIALECTS)}, or a provider's such as github, where the target does not say."
    command = click.option("--dialect", metavar="D", help=dialect)(command)
    return click.argument("target", required=False)(command)


def target_here(target: str | None) -> str:
    """The target that was named, or the target.toml of the working directory.

    Raises UsageError where neither is there: an embedded server that is tested by mistake would look like success.
    """
    if target is not None:
        return target
    if Path(_HERE).is_file():
        return _HERE
    raise UsageError(_NOTHING_NAMED)

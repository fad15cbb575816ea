"""`device-grant completion`: what a shell needs to complete commands, options and their values.

Values are read out of the text of the suite's own files: a shell that waits for a second asks for no completion, and
importing the checks takes longer.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, get_completion_class

from device_grant.catalogue.model import DIALECTS
from device_grant.implementations import PACKAGE, described

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_DEVICE_GRANT_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what makes SHELL complete commands, options, targets, ids, checks and faults.

    bash: eval "$(device-grant completion bash)" in ~/.bashrc; zsh: the same with zsh in ~/.zshrc;
    fish: device-grant completion fish > ~/.config/fish/completions/device-grant.fish
    """
    from device_grant.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has these three
    click.echo(kind(cli, {}, "device-grant", _VARIABLE).source())


@add_completion_class
class _Bash(BashComplete):
    """As click has it, but for the colons in names of checks, at which bash parts words."""

    source_template = """\
%(complete_func)s() {
    local response kind value words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]}
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n : cur words cword
    fi
    COMPREPLY=()
    response=$(IFS=$'\\n' COMP_WORDS="${words[*]}" COMP_CWORD=$cword %(complete_var)s=bash_complete "$1")
    while IFS=, read -r kind value; do
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done <<<"$response"
    if declare -F __ltrim_colon_completions >/dev/null; then
        __ltrim_colon_completions "$cur"
    fi
}
complete -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null || complete -F %(complete_func)s %(prog_name)s
"""

    def source(self) -> str:
        """Without asking which bash is installed: the script is for the one that reads it."""
        return self.source_template % self.source_vars()


class Valued(click.types.StringParamType):
    """A text of which some values are known."""

    def __init__(self, values: Callable[[], Iterable[str]], *, files: bool = False) -> None:
        self._values, self._files = values, files

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Those that begin so, and files where a path may stand too."""
        del ctx, param
        known = [CompletionItem(value) for value in self._values() if value.startswith(incomplete)]
        return [*known, CompletionItem(incomplete, type="file")] if self._files else known


def offer(name: str, command: click.Command) -> None:
    """Let the options and arguments of a command know their values."""
    party = "client" if name == "client" else "server"
    values: dict[str, Valued] = {
        "dialect": Valued(lambda: DIALECTS),
        "only": Valued(requirements),
        "requirement": Valued(requirements),
        "check": Valued(partial(checks, party)),
        "fault": Valued(partial(faults, party)),
        "faults": Valued(partial(faults, party)),
        "profile": Valued(profiles),
        "user": Valued(lambda: ["prompt"], files=True),
        "client_auth": Valued(_methods),
        "target": Valued(partial(targets, "servers", "embedded"), files=True),
        "given": Valued(partial(targets, "servers", "embedded"), files=True),
    }
    if name == "client":
        values["name"] = Valued(partial(targets, "clients", "honest"), files=True)
        values["claim"] = Valued(claims)
    if name == "drift":
        values["only"] = values["check"]
    for param in command.params:
        if param.name in values and isinstance(param.type, click.types.StringParamType):
            param.type = values[param.name]


def requirements() -> list[str]:
    """The ids of the catalogue, in its order."""
    return [id_ for file in sorted((PACKAGE / "catalogue").glob("*.yaml")) for id_ in _read(file, r"^  - id: (\S+)$")]


def checks(party: str) -> list[str]:
    """The names of the checks on servers or on clients."""
    return sorted(
        f"{file.stem.removeprefix('test_')}::{function}"
        for file in (PACKAGE / party / "checks").rglob("test_*.py")
        # What judges every exchange stands beside the checks, and is asked for by the ids that it judges.
        if file.stem not in ("test_invariants", "test_rules")
        for function in _read(file, r"^(?:async )?def (test_\w+)\(")
    )


def faults(party: str) -> list[str]:
    """The names of the misbehaviours of the embedded server, or of the reference client."""
    place = PACKAGE / "reference" / party
    files = [place / "faults.py"] if (place / "faults.py").is_file() else sorted((place / "faults").glob("*.py"))
    return [name for file in files for name in _read(file, r"^    (\w+): bool = \w*fault\(")]


def profiles() -> list[str]:
    """How much may be generated."""
    from device_grant.server.session.profile import PROFILES

    return list(PROFILES)


def claims() -> list[str]:
    """What a client that is a command can do."""
    from device_grant.client.drivers.config import Claims

    return [name for name in Claims.__struct_fields__ if not getattr(Claims(), name)]


def targets(kind: str, own: str) -> list[str]:
    """The names of what comes with the suite; other forms have colons or are files."""
    return [own, *described(kind)]


def _methods() -> tuple[str, ...]:
    from device_grant.targets.supplied import METHODS

    return METHODS


def _read(file: Any, pattern: str) -> list[str]:
    return re.findall(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)

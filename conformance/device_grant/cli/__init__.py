"""The command `device-grant`: parses, calls, prints; everything else lives in the rooms below."""

from __future__ import annotations

import errno
import io
import re
import sys
from typing import Any

import click

from device_grant import __version__
from device_grant.cli.ending import INTERRUPTED, interruptible
from device_grant.errors import DeviceGrantError, ExitCode

COMMANDS = {
    "run": ("device_grant.cli.run", "run"),
    "doctor": ("device_grant.cli.setup.doctor", "doctor"),
    "init": ("device_grant.cli.setup.init", "init"),
    "client": ("device_grant.cli.client", "client"),
    "learn": ("device_grant.cli.learn", "learn"),
    "measure": ("device_grant.cli.measure", "measure"),
    "record": ("device_grant.cli.recordings.record", "record"),
    "replay": ("device_grant.cli.recordings.replay", "replay"),
    "judge": ("device_grant.cli.recordings.judge", "judge"),
    "drift": ("device_grant.cli.recordings.drift", "drift"),
    "serve": ("device_grant.cli.serve", "serve"),
    "schema": ("device_grant.cli.schema", "schema"),
    "list": ("device_grant.cli.requirements.catalogue", "list_requirements"),
    "explain": ("device_grant.cli.requirements.catalogue", "explain"),
    "openapi": ("device_grant.cli.openapi", "openapi"),
    "report": ("device_grant.cli.results.report", "report"),
    "merge": ("device_grant.cli.results.merge", "merge"),
    "diff": ("device_grant.cli.results.diff", "diff"),
    "matrix": ("device_grant.cli.matrix.command", "matrix"),
    "completion": ("device_grant.cli.completion", "completion"),
}
"""Commands by name: module and function, imported when they are asked for."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""Errors of writing that are of the machine's making, and not of ours."""


_LONGEST = 2_000
"""Characters of the line that says why a command ended."""


class _Commands(click.Group):
    """Imports a command only when it is needed, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which people meet them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        import importlib

        module, function = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), function)
        if ctx.resilient_parsing:
            from device_grant.cli.completion import offer

            offer(cmd_name, command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Suggest the nearest command for a mistyped one."""
        name = args[0] if args else ""
        if name and name not in COMMANDS and not name.startswith("-"):
            import difflib

            close = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; commands: {', '.join(COMMANDS)}"
            raise click.UsageError(f"no such command {name!r}{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="device-grant")
def cli() -> None:
    """Test OAuth 2.0 device grant servers (RFC 8628 and AWS SSO OIDC) for conformance.

    Exit codes: 0 conformant or as the baseline expects; 1 unexpected failure; 2 usage; 3 error of the suite;
    4 target unreachable; 5 nothing ran.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit; every error is one line on standard error, and none is a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a server says may hold what no encoding has, such as half of a surrogate pair.
            stream.reconfigure(errors="backslashreplace")
    with interruptible() as interruption:
        try:
            code = _code(arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, 1 would accuse a target
            from device_grant.cli.crash import crashed

            code = complain(crashed(error), ExitCode.SUITE_ERROR)
    # Else a caller could not tell a person's Ctrl-C from a terminal that was closed.
    sys.exit(interruption.code if code == INTERRUPTED and interruption.code else code)


def _code(arguments: list[str] | None) -> int:
    code: Any
    try:
        code = cli.main(arguments, prog_name="device-grant", standalone_mode=False)
    except click.exceptions.Exit as wanted:
        code = wanted.exit_code
    except click.Abort:
        code = complain("interrupted", INTERRUPTED)
    except click.BadParameter as error:
        code = complain(error.format_message() + _near(error), ExitCode.USAGE)
    except click.UsageError as error:
        context = f" (see `{error.ctx.command_path} --help`)" if error.ctx else ""
        code = complain(error.format_message() + context, ExitCode.USAGE)
    except click.ClickException as error:
        code = complain(error.format_message(), ExitCode.USAGE)
    except DeviceGrantError as error:
        code = complain(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = complain("interrupted", INTERRUPTED)
    except OSError as error:
        code = _not_written(error)
    try:
        sys.stdout.flush()
    except OSError as error:
        code = code or _not_written(error)
        _lead_nowhere()
    return code if isinstance(code, int) else 0


def _not_written(error: OSError) -> int:
    """Say which file could not be written; raises the error again if it is of another kind."""
    _lead_nowhere()
    if isinstance(error, BrokenPipeError):
        # The reader of our output went away, as `head` does; nothing more can be said to it.
        return 0
    if error.errno not in _FULL:
        raise error
    return complain(f"{error.filename or 'output'}: cannot be written ({error.strerror})", ExitCode.USAGE)


def _lead_nowhere() -> None:
    from device_grant.report.terminal.console import lead_nowhere

    lead_nowhere()


def _near(error: click.BadParameter) -> str:
    """The value of a fixed list that was meant."""
    kind = error.param.type if error.param is not None else None
    given = re.match(r"'(.*?)' is not one of", error.message)
    if not isinstance(kind, click.Choice) or given is None:
        return ""
    import difflib

    close = difflib.get_close_matches(given[1], kind.choices, n=1, cutoff=0.4)
    return f" Did you mean {close[0]}?" if close else ""


def complain(message: str, code: int) -> int:
    """Say on standard error, in one line, what is wrong; returns the code."""
    from device_grant.report.text import one_line

    # It may quote the log of a launched server, or an address from its metadata: megabytes, and escapes among them.
    click.echo(f"device-grant: {one_line(message, _LONGEST)}", err=True)
    return int(code)

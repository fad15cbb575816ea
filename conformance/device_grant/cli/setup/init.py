"""`device-grant init`: what a folder needs for tests: target.toml or client.toml, and a workflow for CI."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from device_grant.catalogue.model import RFC8628
from device_grant.cli.options.behind import WithBehind, behind
from device_grant.cli.options.targets import target_options
from device_grant.cli.setup.workflow import workflow_text
from device_grant.errors import DeviceGrantError, ExitCode, UsageError
from device_grant.targets.config import PASSWORD_VARIABLE
from device_grant.targets.supplied import Supplied

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from device_grant.targets.config import Located, TargetConfig

_WORKFLOW = Path(".github/workflows/device-grant.yml")
_TARGET, _CLIENT = Path("target.toml"), Path("client.toml")


@click.command(cls=WithBehind)
@target_options
@click.option("--name", help="Name in reports; default: the host, or the program.")
@click.option("--yes", is_flag=True, help="Ask nothing: take what is given, and the defaults.")
def init(target: str | None, *, name: str | None, yes: bool, **options: Any) -> int:
    """Write a target.toml for TARGET and a workflow for GitHub Actions, and walk the main path once.

    TARGET is a URL, asgi:module:app or wsgi:module:app. What is not given as an option is asked for; secrets are never
    written, only the names of the variables that hold them. No file that exists is changed.

    With -- and a command, a client.toml for a client: device-grant init -- my-login --issuer {issuer}.
    """
    ask = _Asking(quiet=yes or not sys.stdin.isatty())
    words = behind()
    if words:
        if target is not None:
            raise UsageError("init: give a TARGET for a server, or -- and a command for a client, not both")
        return _client(words, name, options["dialect"], ask)
    return _server(target, name, options, ask)


class _Asking:
    """Asks a person, or takes the default where there is none."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def text(self, question: str, default: str = "") -> str:
        """One line; empty is an answer."""
        if self._quiet:
            return default
        answer: str = click.prompt(question, default=default, show_default=bool(default))
        return answer.strip()

    def yes(self, question: str) -> bool:
        """Yes is the default."""
        return self._quiet or click.confirm(question, default=True)


def _server(target: str | None, name: str | None, options: dict[str, Any], ask: _Asking) -> int:
    _refuse_existing(_TARGET)
    supplied = Supplied.taken_from(options)
    spec = target or ask.text("What is tested (a URL, asgi:module:app or wsgi:module:app)")
    if not spec:
        raise UsageError("init: name what is tested: a URL, asgi:module:app or wsgi:module:app")
    dialect = options["dialect"] or ask.text("Its dialect (rfc8628 or aws-sso-oidc)", RFC8628)
    located = _located(spec, dialect)
    user: str = options["user"] or ""
    supplied = _answered(supplied, user, ask)
    # Before anything is written: what does not fit together, and variables that are not set.
    supplied.applied(located)
    _require_password(supplied)
    _write(_TARGET, target_text(located.config, name or located.config.name, supplied, user))
    code = _walk()
    if code in (ExitCode.USAGE, ExitCode.UNREACHABLE):
        click.echo(f"\n{_TARGET} is written: mend what is said above, then run `device-grant doctor`.")
        return code
    secrets = (supplied.client_secret_env, supplied.initial_access_token_env, supplied.password_env)
    _workflow("target", [variable for variable in secrets if variable], ask)
    click.echo(
        "\nNext: device-grant run\n      device-grant run --write-baseline baseline.toml   # keeps what fails today"
    )
    return code if code != ExitCode.NOTHING_RAN else ExitCode.CONFORMANT


def _located(spec: str, dialect: str) -> Located:
    from device_grant.targets.load import resolve
    from device_grant.targets.spec import SpecForm, parse_target

    if parse_target(spec).form not in (SpecForm.LIVE, SpecForm.APPLICATION):
        raise UsageError(f"init: {spec} needs no target.toml: give a URL, asgi:module:app or wsgi:module:app")
    return resolve(spec, dialect=dialect)


def _answered(supplied: Supplied, user: str, ask: _Asking) -> Supplied:
    """What the command line says, and a person where it says nothing."""
    client = supplied.client_id or ask.text("A client id that it knows (empty: clients are registered)")
    secret = supplied.client_secret_env
    if client and not secret:
        secret = ask.text("Variable with the secret of that client (empty: it has none)")
    scope = supplied.scope or ask.text("Scope (empty: none)")
    login = supplied.login
    if not login and not user:
        login = ask.text("Account that signs in and approves (empty: nobody yet)")
    variable = supplied.password_env
    if login and not variable:
        variable = ask.text("Variable with its password", PASSWORD_VARIABLE)
    return dataclasses.replace(
        supplied,
        client_id=client,
        client_secret_env=secret,
        client_auth=supplied.client_auth or (("client_secret_basic" if secret else "none") if client else ""),
        scope=scope,
        login=login,
        password_env=variable,
    )


def _require_password(supplied: Supplied) -> None:
    variable = supplied.password_env
    asked_for = variable == PASSWORD_VARIABLE and sys.stdin.isatty()
    if supplied.login and not os.environ.get(variable) and not asked_for:
        raise UsageError(f"--password-env {variable}: the environment has no such variable, or it is empty")


def target_text(config: TargetConfig, name: str, supplied: Supplied, user: str) -> str:
    """The file: a table for whatever is known; `user` is a user module, `prompt`, or empty."""
    lines = ["# What is tested. All keys: docs/reference/target-toml.md; an editor's help: device-grant schema target"]
    lines += table("", {"name": name, "dialect": config.dialect})
    if config.serve is not None:
        lines += table("[serve]", {"app": config.serve.app})
    lines += table("[endpoints]", {"base": config.endpoints.base})
    if supplied.trust:
        lines.append(f"trust = {json.dumps(supplied.trust.split(','), ensure_ascii=False)}")
    if supplied.client_id:
        client = {
            "id": supplied.client_id,
            "secret_env": supplied.client_secret_env,
            "authentication": supplied.client_auth,
        }
        lines += table("[[clients]]", client)
    lines += table("[request]", {"scope": supplied.scope, "start_url": supplied.start_url})
    lines += table("[registration]", {"initial_access_token_env": supplied.initial_access_token_env})
    if user == "prompt":
        lines += ["", "[user]", "prompt = true"]
    elif user:
        lines += table("[user]", {"module": user})
    elif supplied.login:
        lines += table("[user]", {"login": supplied.login, "password_env": supplied.password_env})
    else:
        lines += ["", "# Nobody approves yet, which leaves half of all untested:", "# [user]"]
        lines += ['# login = "alice"', f'# password_env = "{PASSWORD_VARIABLE}"']
    if config.serve is not None:
        lines += table("[clock]", {"kind": config.clock.kind})
    return "\n".join(lines) + "\n"


def client_text(words: Iterable[str], name: str, dialect: str) -> str:
    """The file of a client that is a command."""
    command = ", ".join(json.dumps(word, ensure_ascii=False) for word in words)
    return "\n".join(
        [
            "# A client under test. Keys: docs/reference/client-toml.md; an editor's help: device-grant schema client",
            *table("", {"name": name, "dialect": dialect}),
            "",
            "[run]",
            "# {endpoint}, {issuer}, {client_id} and more are filled in, as your client is told where its server is.",
            f"command = [{command}]",
            '# build = [["go", "build", "-o", "{build}/login", "."]]   # then {build}/login in command',
            "",
            "# What it can do beyond a login:",
            "# [claims]",
            "# metadata = true",
            "# refresh = true",
            "",
        ]
    )


def table(head: str, members: Mapping[str, str]) -> list[str]:
    """The lines of a table with the members that are not empty; none without any."""
    said = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in members.items() if value]
    return [*(["", head] if head else []), *said] if said else []


def _client(words: tuple[str, ...], name: str | None, dialect: str | None, ask: _Asking) -> int:
    _refuse_existing(_CLIENT)
    spoken = dialect or ask.text("Its dialect (rfc8628 or aws-sso-oidc)", RFC8628)
    from device_grant.protocol import dialect as known_dialect

    _write(_CLIENT, client_text(words, name or Path(words[0]).name, known_dialect(spoken).name))
    _hint_of_a_file(words[0])
    if not any("{" in word for word in words):
        click.echo(
            f"Nothing in {shlex.join(words)} tells the client where its server is: use {{endpoint}} or {{issuer}} in "
            "it, or [run] env."
        )
    _workflow("client", [], ask)
    click.echo("\nNext: device-grant client client.toml")
    return int(ExitCode.CONFORMANT)


def _hint_of_a_file(program: str) -> None:
    if "/" not in program and shutil.which(program) is None and Path(program).is_file():
        click.echo(f"{program} is a file here and not on PATH: write ./{program} in {_CLIENT}.")


def _walk() -> int:
    from device_grant.cli.setup.doctor import examine
    from device_grant.engine.options import Options
    from device_grant.report.terminal.console import Screen

    click.echo()
    options = Options.chosen(
        target=str(_TARGET), only=(), profile="fast", seed=None, faults=(), command="device-grant doctor"
    )
    try:
        return examine(options, Screen())
    except DeviceGrantError as error:
        click.echo(str(error), err=True)
        return int(error.exit_code)


def _workflow(kind: str, variables: list[str], ask: _Asking) -> None:
    if _WORKFLOW.exists() or not ask.yes(f"Write {_WORKFLOW}, for GitHub Actions"):
        return
    _write(_WORKFLOW, workflow_text(kind, variables))
    click.echo("  nightly too: an issue for what newly fails, a badge on the branch device-grant-badge")
    for variable in variables:
        click.echo(f"  it needs the secret {variable} in the settings of the repository")


def _refuse_existing(file: Path) -> None:
    if file.exists():
        raise UsageError(f"{file} exists already: edit it, or go to another folder; nothing was changed")


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file}: cannot be written ({error.strerror})") from error
    click.echo(f"written: {file}")

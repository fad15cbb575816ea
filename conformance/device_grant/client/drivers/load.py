"""From what the command line says to a driver: the reference client, client.toml, a known client, a command."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from device_grant.catalogue.model import RFC8628
from device_grant.client.drivers.config import Claims, ClientConfig, LocatedClient, RunSection, SpeaksSection
from device_grant.client.drivers.furnishing import outside
from device_grant.client.scripted.placeholders import ID_TOKEN
from device_grant.errors import UsageError, one_of
from device_grant.files import is_file
from device_grant.implementations import FILES, described
from device_grant.protocol import default_dialect, field_dialects, spoken
from device_grant.protocol import dialect as known_dialect
from device_grant.targets.load import read_config
from device_grant.targets.spec import SpecForm, parse_client
from device_grant.targets.validate import unknown_dialect, unprepared, unsendable, unset, unshowable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from device_grant.client.drivers.invocation import Driver
    from device_grant.targets.spec import Spec

FILE_NAME = FILES["clients"]
_PATHS = ("device_authorization", "token", "registration", "metadata", "issuer")


def known_clients() -> dict[str, Path]:
    """Folders of the real clients that come with the suite, by name, in alphabetical order."""
    return described("clients")


def open_client(
    spec: str,
    *,
    dialect: str | None = None,
    speaks: str | None = None,
    faults: Iterable[str] = (),
    claims: Iterable[str] = (),
) -> Driver:
    """The driver of a client, not entered; raises UsageError in one line.

    `spec` is `honest` (perhaps with `:dialect` and `:operations`), a name, the path of a client.toml or of its folder,
    or `-- ` and a command, of which `claims` names what client.toml would claim. `speaks` is a dialect of the field in
    which it is answered and judged, or `rfc8628`, by which it is judged whatever it speaks.
    """
    claims = tuple(claims)
    if dialect is not None:
        known_dialect(dialect)
    named = parse_client(spec)
    if claims and named.form is not SpecForm.COMMAND:
        raise UsageError(f"--claim is for a command behind --; what {spec} can do, its client.toml says")
    if named.form is SpecForm.EMBEDDED:
        return _reference(named, dialect, faults, speaks)
    if tuple(faults):
        raise UsageError(f"--fault is for the reference client; {spec} has only the faults of its own")
    if named.form is SpecForm.CASSETTE:
        raise UsageError(f"{spec}: a recording is judged by device-grant replay {named.path}")
    if named.form is SpecForm.COMMAND:
        located = _of_command(named.command, dialect, claims)
    else:
        located = read_client(named.path, spec=spec)
    if dialect is not None and dialect != located.config.dialect:
        raise UsageError(
            f"{spec} speaks {located.config.dialect} ({located.file}), which --dialect {dialect} contradicts: "
            "leave the option out"
        )
    from device_grant.client.drivers.process import ProcessDriver

    return ProcessDriver(msgspec.structs.replace(located, config=_speaking(located.config, speaks)))


def _speaking(config: ClientConfig, name: str | None) -> ClientConfig:
    """The configuration with what --speaks says; raises UsageError for a name that is none, or does not go with it."""
    if name is None:
        return config
    for problem in _speaks(config.speaking(name)):
        raise UsageError(f"--speaks {name}: {problem.partition(': ')[2]}")
    return config.speaking(name)


def baseline_of(spec: str) -> Path | None:
    """The baseline.toml beside the client.toml that `spec` names, if there is one."""
    named = parse_client(spec)
    folder = named.path if named.form is SpecForm.CASSETTE else named.path.parent
    file = folder / "baseline.toml"
    return file if named.form in {SpecForm.CASSETTE, SpecForm.DESCRIBED} and file.is_file() else None


def read_client(file: Path, *, spec: str | None = None) -> LocatedClient:
    """Read and check one client.toml; raises UsageError with file, key and reason."""
    config = read_config(file, ClientConfig)
    located = LocatedClient(config=config, folder=file.resolve().parent, spec=spec or str(file), file=file.resolve())
    for problem in contradictions(located):
        raise UsageError(f"{file}: {problem}")
    return located


def contradictions(located: LocatedClient) -> Iterator[str]:
    """What types cannot say: each problem as `key: reason`, the gravest first."""
    config = located.config
    if not config.name.strip():
        yield "name: empty; reports need a name"
    yield from unshowable(config)
    yield from unknown_dialect(config.dialect)
    yield from _speaks(config)
    yield from _run(located)
    yield from _connect(config)
    yield from _paths(config)
    if config.clock.scale < 1:
        yield "clock.scale: time can pass faster, not slower: give a number of at least 1"
    if config.signs_in_by_code and not spoken(config.dialect).code_grant_is_tested:
        yield f"claims.authorization_code: is not tested in the dialect {config.dialect}"
    if config.claims.authorization_code and config.run.kind not in ("flow", "code"):
        yield "claims.authorization_code: is for a command that does a whole sign-in, so for the kinds flow and code"
    if not config.signs_in and not config.refreshes and not config.signs_in_by_code:
        yield "claims.login: a client that cannot sign in is tested for refreshing alone, so say claims.refresh = true"


def _speaks(config: ClientConfig) -> Iterator[str]:
    """What is wrong with the dialects of the field, the gravest first."""
    known = {**field_dialects(), RFC8628: None}
    for key, name in (("dialect", config.speaks.dialect), ("judged_as", config.speaks.judged_as)):
        if name and name not in known:
            yield f"speaks.{key}: unknown dialect {name!r}: {one_of(name, known)}"
    if config.speaks != SpeaksSection() and not spoken(config.dialect).providers_differ:
        yield f"speaks.dialect: is for clients of {RFC8628}; this one speaks {config.dialect}"


def _run(located: LocatedClient) -> Iterator[str]:
    run = located.config.run
    if not run.command:
        yield "run.command: missing; it says how the client is started"
    if run.deadline <= 0:
        yield "run.deadline: give a positive number of seconds"
    if run.side_by_side < 1:
        yield "run.side_by_side: give a number of at least 1"
    yield from unprepared("run", run, (*run.command, *run.env.values()))
    yield from unset("run", run.env)
    for key, name in (("run.requirements", run.requirements), ("run.package", run.package)):
        if name and not is_file(located.folder / name):
            yield f"{key}: there is no file {located.folder / name}"
    if run.package and not is_file((located.folder / run.package).parent / "package-lock.json"):
        yield "run.package: has no package-lock.json beside it, which npm ci needs"


def _connect(config: ClientConfig) -> Iterator[str]:
    if config.connect.how == "proxy" and not config.connect.hosts:
        yield "connect.hosts: missing; a proxy must know for which hosts it stands in"
    if config.connect.how == "endpoint" and config.connect.hosts:
        yield 'connect.hosts: are for how = "proxy"'
    for host in config.connect.hosts:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", host):
            yield f"connect.hosts: {host!r} is no host name in lower case without a port"


def _paths(config: ClientConfig) -> Iterator[str]:
    for name in _PATHS:
        value = getattr(config.endpoints, name)
        if value and not value.startswith("/"):
            yield f"endpoints.{name}: {value!r} is not a path; it starts with /"
    for number, answer in enumerate(config.answers):
        if not answer.path.startswith(("/", "{issuer}")):
            yield f"answers[{number}].path: {answer.path!r} is not a path; it starts with /"
        yield from unsendable(f"answers[{number}].headers", answer.headers)
        yield from unsendable(f"answers[{number}]", {"content_type": answer.content_type})
    if config.claims.id_token and config.response.token.get("id_token", ID_TOKEN) != ID_TOKEN:
        yield f"response.token.id_token: a fixed one cannot be checked: leave it out, or write {ID_TOKEN}"
    for number, file in enumerate(config.files):
        if outside(file.path):
            yield f"files[{number}].path: {file.path!r} is not a path below HOME, for example .config/it/tokens.json"


def _reference(spec: Spec, dialect: str | None, faults: Iterable[str], speaks: str | None) -> Driver:
    from device_grant.client.drivers.embedded import EmbeddedDriver

    chosen = spec.spoken(dialect) or default_dialect().name
    driver = EmbeddedDriver(chosen, faults, kind="operations" if spec.operations else "flow")
    driver.config = _speaking(driver.config, speaks)
    return driver


def _of_command(line: str, dialect: str | None, claims: tuple[str, ...]) -> LocatedClient:
    try:
        command = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"-- {line}: not a command: {error}") from error
    if not command:
        raise UsageError("-- needs a command behind it, for example -- ./my-client login")
    config = ClientConfig(
        name=Path(command[0]).name,
        dialect=dialect or default_dialect().name,
        run=RunSection(command=tuple(command)),
        claims=Claims(**dict.fromkeys(_claimable(claims), True)),
    )
    return LocatedClient(config=config, folder=Path.cwd(), spec=f"-- {shlex.join(command)}")


def _claimable(claims: tuple[str, ...]) -> tuple[str, ...]:
    """The same, once each is a claim that a client may make; raises UsageError."""
    known = [name for name, value in msgspec.structs.asdict(Claims()).items() if not value]
    for name in claims:
        if name not in known:
            raise UsageError(f"--claim {name}: unknown claim: {one_of(name, known)}")
    return claims

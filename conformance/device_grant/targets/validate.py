"""What types cannot say about a target.toml: members that contradict each other, and files that do not exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from device_grant.errors import UsageError
from device_grant.files import is_file
from device_grant.protocol import any_dialect
from device_grant.protocol.certificates import MUTUAL_TLS_METHODS
from device_grant.targets.addresses import unaskable
from device_grant.targets.certificates import files_of, read_certificate
from device_grant.visible import unbroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from device_grant.targets.config import KnownClient, Located, TargetConfig

_SHOWN = 60
"""Characters of a wrong value that a message repeats."""
_LONGEST_TITLE = 300
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[\t -~]*")
_APP = re.compile(r"(asgi|wsgi):[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(\(\))?")


def contradictions(located: Located) -> Iterator[str]:
    """Each problem as `key: reason`, the gravest first."""
    config = located.config
    if not config.name.strip():
        yield "name: empty; reports need a name"
    yield from unshowable(config)
    yield from unknown_dialect(config.dialect)
    yield from _serve(config)
    yield from _base(config)
    yield from _operations(config)
    yield from _trusted(config)
    yield from _user(config)
    yield from _second_user(config)
    yield from _switches(config)
    yield from _clock(config)
    yield from _clients(config)
    yield from _introspection(config)
    yield from _certificates(config)
    yield from _files(located)


class Titled(Protocol):
    """What reports call a target or a client."""

    @property
    def name(self) -> str:
        """Its own."""

    @property
    def version(self) -> str:
        """Of the software."""

    @property
    def homepage(self) -> str:
        """A URL."""

    @property
    def product(self) -> str:
        """Of which it is a version."""


def unshowable(titled: Titled) -> Iterator[str]:
    """The problems of names that a report cannot show as they are."""
    for key in ("name", "version", "homepage", "product"):
        text = getattr(titled, key)
        if unbroken(text, len(text)) != text:
            yield f"{key}: {text[:_SHOWN]!r} has characters that nobody sees: take them out"
        elif len(text) > _LONGEST_TITLE:
            yield f"{key}: longer than {_LONGEST_TITLE} characters: give a shorter one"


def unset(table: str, variables: Mapping[str, str]) -> Iterator[str]:
    """The problems of environment variables that no program can be given."""
    for name in variables:
        if not name or "=" in name:
            yield f"{table}.env: {name[:_SHOWN]!r} is no name of an environment variable"


def unsendable(table: str, headers: Mapping[str, str]) -> Iterator[str]:
    """The problems of header fields that cannot be sent (RFC 9110 sections 5.1 and 5.5)."""
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            yield f"{table}: {name[:_SHOWN]!r} is no name of a header field"
        elif not _FIELD_VALUE.fullmatch(value):
            yield f"{table}.{name}: {value[:_SHOWN]!r} cannot be sent: a header field has visible ASCII characters"


def unknown_dialect(name: str) -> Iterator[str]:
    """The problem of a file that names a dialect which nobody has registered."""
    try:
        any_dialect(name)
    except UsageError as unknown:
        yield f"dialect: {unknown}"


def _serve(config: TargetConfig) -> Iterator[str]:
    serve = config.serve
    if serve is None:
        return
    if serve.app and serve.command:
        yield "serve: has both app and command; an application is called in process, a command is launched: keep one"
    if not serve.app and not serve.command:
        yield "serve: has neither app nor command; write one, or leave [serve] out for a live endpoint"
    if serve.app and not _APP.fullmatch(serve.app):
        yield f"serve.app: {serve.app!r} is not of the form asgi:module:app or wsgi:module:app"
    if serve.app and (serve.requirements or serve.package or serve.build):
        yield "serve: requirements, package and build are for a command; an app is imported into the suite's own Python"
    yield from unprepared("serve", serve, (*serve.command, *serve.env.values()))
    yield from unset("serve", serve.env)
    if serve.ready and not serve.ready.startswith("/"):
        yield f"serve.ready: {serve.ready!r} is not a path; it starts with /"
    if serve.ready_timeout <= 0:
        yield "serve.ready_timeout: give a positive number of seconds"
    if serve.command and not config.endpoints.base:
        places = (*serve.command, *serve.env.values())
        if not any("{port}" in place for place in places):
            yield 'serve.command: nothing tells it the free port; use "{port}" in it or in env, or fix endpoints.base'


class Preparation(Protocol):
    """What is made before a program is started; `[serve]` and `[run]` say it alike."""

    @property
    def requirements(self) -> str:
        """A file for pip."""

    @property
    def requirements_options(self) -> tuple[str, ...]:
        """For pip too."""

    @property
    def build(self) -> tuple[tuple[str, ...], ...]:
        """Commands."""


def unprepared(table: str, preparation: Preparation, words: Iterable[str]) -> Iterator[str]:
    """The problems of what a table says of preparing; `words` are those in which its results are used."""
    if preparation.requirements_options and not preparation.requirements:
        yield f"{table}.requirements_options: are for requirements, which are missing"
    for number, command in enumerate(preparation.build):
        if not command or not command[0]:
            yield f"{table}.build[{number}]: an empty command; each is a list that begins with its program"
    if not preparation.build and any("{build}" in word for word in words):
        yield f"{table}: uses {{build}}, and no build says how it is made"


def _base(config: TargetConfig) -> Iterator[str]:
    base = config.endpoints.base
    if not base:
        if config.serve is None:
            yield "endpoints.base: missing; without [serve] it says where the live endpoint is"
        return
    if "{port}" in base and (config.serve is None or not config.serve.command):
        yield 'endpoints.base: "{port}" is known only to a launched command'
        return
    plain = base.replace("{port}", "1")
    why = unaskable(plain)
    if why:
        yield f"endpoints.base: {base!r} is not an http or https URL that can be asked: {why}"
        return
    parts = urlsplit(plain)
    if parts.query or parts.fragment or parts.username is not None:
        yield "endpoints.base: has no query, no fragment and no credentials"


def _operations(config: TargetConfig) -> Iterator[str]:
    for name in (
        *("metadata", "registration", "device_authorization", "token", "verification"),
        *("revocation", "introspection", "userinfo", "jwks"),
    ):
        place = getattr(config.endpoints, name)
        absolute = place.startswith(("http://", "https://"))
        why = unaskable(place if absolute else f"http://host.test/{place.removeprefix('/')}") if place else ""
        if why:
            yield f"endpoints.{name}: {place!r} is nothing that can be asked: {why}"


def _trusted(config: TargetConfig) -> Iterator[str]:
    for host in config.endpoints.trust:
        if not re.fullmatch(r"[^\s/:?#@\[\]]+|\[[0-9A-Fa-f:.]+\]", host):
            yield f"endpoints.trust: {host!r} is not the name of a host: write it alone, as login.example.com"


def _user(config: TargetConfig) -> Iterator[str]:
    user = config.user
    ways = {"module": user.module, "command": user.command, "prompt": user.prompt, "login": user.login}
    chosen = [name for name, given in ways.items() if given]
    if len(chosen) > 1:
        yield f"user: has {' and '.join(chosen)}; the user is one of module, command, prompt and login"
    if (user.password or user.password_env) and not user.login:
        yield "user: has a password and no account: name it with login"
    if user.password and user.password_env:
        yield "user: has password and password_env; keep the variable, unless the password is no secret"
    for place in user.origins:
        if not re.fullmatch(r"https?://[^/?#@]+", place):
            yield f"user.origins: {place!r} is not an origin: write scheme and host, as https://login.example.com"
    yield from unsendable("user.headers", user.headers)
    for name, selector in user.pages.given().items():
        from cssselect import HTMLTranslator, SelectorError

        try:
            HTMLTranslator().css_to_xpath(selector)
        except SelectorError as error:
            yield f"user.pages.{name}: {selector!r} is not a CSS selector: {error}"


def _switches(config: TargetConfig) -> Iterator[str]:
    for place, client in enumerate(config.clients):
        if bool(client.disable) != bool(client.enable):
            yield f"clients[{place}]: has one of disable and enable: give both, so that the client can be used again"


def _second_user(config: TargetConfig) -> Iterator[str]:
    second = config.user.second
    if bool(second.lock) != bool(second.unlock):
        yield "user.second: has one of lock and unlock: give both, so that the account can be used again"
    if second.module and second.login:
        yield "user.second: has module and login; the second user is one of them"
    if (second.password or second.password_env) and not second.login:
        yield "user.second: has a password and no account: name it with login"
    if second.login and not (second.password or second.password_env):
        yield "user.second: has an account and no password: give password or password_env"


def _clock(config: TargetConfig) -> Iterator[str]:
    kind, serve = config.clock.kind, config.serve
    if kind == "travel" and not (serve and serve.app):
        yield "clock.kind: travel is for an app in process; a launched command can have faketime, a live endpoint real"
    if kind == "faketime" and not (serve and serve.command):
        yield "clock.kind: faketime is for a launched command; an app in process can have travel, a live endpoint real"


def _clients(config: TargetConfig) -> Iterator[str]:
    seen: set[str] = set()
    for index, client in enumerate(config.clients):
        place = f"clients[{index}]"
        if not client.id:
            yield f"{place}.id: empty"
        if client.id in seen:
            yield f"{place}.id: {client.id!r} occurs twice"
        seen.add(client.id)
        if client.authentication == "none" and client.secret:
            yield f"{place}: has a secret but authentication none; choose client_secret_basic or client_secret_post"
        if client.authentication.startswith("client_secret") and not client.secret:
            yield f"{place}: authentication {client.authentication} needs a secret"
        yield from _certified(place, client)


def _certified(place: str, client: KnownClient) -> Iterator[str]:
    by_certificate = client.authentication in MUTUAL_TLS_METHODS
    if by_certificate and client.secret:
        yield f"{place}: has a secret but authentication {client.authentication}, which is by a certificate: keep one"
    if by_certificate and not client.certificate:
        yield f"{place}: authentication {client.authentication} needs a certificate and its key"
    if client.certificate and not by_certificate:
        yield (
            f"{place}: has a certificate but authentication {client.authentication}; choose tls_client_auth or "
            "self_signed_tls_client_auth, or name the certificate under [mtls]"
        )


def _certificates(config: TargetConfig) -> Iterator[str]:
    for table, certificate, key in files_of(config):
        if not (certificate and key):
            yield f"{table}: has one of certificate and key: give both"
            continue
        try:
            read_certificate(Path(certificate), Path(key))
        except UsageError as unusable:
            yield f"{table}: {unusable}"


def _introspection(config: TargetConfig) -> Iterator[str]:
    first, other = config.introspection, config.introspection.other
    for key, server in (("introspection", first), ("introspection.other", other)):
        if server.client_id and server.token:
            yield f"{key}: has client_id and token; a resource server shows who it is by one of them"
        if server.secret and not server.client_id:
            yield f"{key}: has a secret and no client_id: name the client that it belongs to"
        if server.client_id and not server.secret:
            yield f"{key}: has a client_id and no secret: give secret or secret_env"
    if (other.client_id or other.token) and not first.given:
        yield "introspection: has another resource server and no first one: give client_id and secret, or token"
    if first.given and (first.client_id, first.token) == (other.client_id, other.token):
        yield "introspection.other: is the same resource server as the first one"


def _files(located: Located) -> Iterator[str]:
    config, folder = located.config, located.folder
    named = [("user.module", config.user.module), ("user.second.module", config.user.second.module)]
    if config.serve is not None:
        named += [("serve.requirements", config.serve.requirements), ("serve.package", config.serve.package)]
    for key, name in named:
        if name and not is_file(folder / name):
            yield f"{key}: there is no file {folder / name}"
    if config.serve is not None and config.serve.package:
        lock = (folder / config.serve.package).parent / "package-lock.json"
        if not is_file(lock):
            yield f"serve.package: there is no {lock}; npm ci needs it (npm install --package-lock-only writes it)"

"""What a target knows beforehand, told on the command line: a client, a scope, an initial access token, an account."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast, get_args

import msgspec

from device_grant.errors import UsageError, one_of
from device_grant.protocol import any_dialect
from device_grant.targets.config import PASSWORD_VARIABLE, AuthenticationMethod, KnownClient, Located, UserSection

if TYPE_CHECKING:
    from collections.abc import Iterable

METHODS: tuple[str, ...] = get_args(AuthenticationMethod)


def _option(help_text: str, metavar: str) -> Any:
    return field(default="", metadata={"help": help_text, "metavar": metavar})


@dataclass(frozen=True)
class Supplied:
    """Values of options; empty: not given. Secrets are named by the environment variable that holds them."""

    client_id: str = _option("A client that the target knows, which may use the device grant.", "ID")
    client_secret_env: str = _option("Environment variable with the secret of that client.", "VARIABLE")
    client_auth: str = _option(f"How that client authenticates: {', '.join(METHODS)}.", "METHOD")
    scope: str = _option("Scope of valid requests, in place of that of target.toml.", "SCOPE")
    start_url: str = _option("Start URL of the AWS access portal (AWS SSO OIDC).", "URL")
    initial_access_token_env: str = _option("Environment variable with the token that registration wants.", "VARIABLE")
    trust: str = _option("Other hosts to which metadata may send secrets, parted by commas.", "HOSTS")
    login: str = _option("Account that signs in and decides at the pages, which are used as people use them.", "NAME")
    password_env: str = _option(f"Variable with its password ({PASSWORD_VARIABLE}; else it is asked for).", "VARIABLE")

    @classmethod
    def taken_from(cls, options: dict[str, Any]) -> Supplied:
        """Take the values of these options out of `options`, whose keys are the names of the fields."""
        return cls(**{each.name: options.pop(each.name) or "" for each in dataclasses.fields(cls)})

    @classmethod
    def read(cls, pairs: Iterable[str]) -> Supplied:
        """From pairs such as `client-id=tv`, the names being those of the options; raises UsageError."""
        known = {option_name(each.name).removeprefix("--"): each.name for each in dataclasses.fields(cls)}
        values = {}
        for pair in pairs:
            name, equals, value = pair.partition("=")
            if not equals or name not in known:
                raise UsageError(f"{pair}: write NAME=VALUE, where NAME is one of {', '.join(known)}")
            values[known[name]] = value
        return cls(**values)

    def pairs(self) -> list[str]:
        """What `read` reads."""
        return [f"{option_name(name).removeprefix('--')}={value}" for name, value in self._given()]

    def words(self) -> tuple[str, ...]:
        """The options, as they are typed."""
        return tuple(word for name, value in self._given() for word in (option_name(name), value))

    def _given(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in dataclasses.asdict(self).items() if value]

    def applied(self, located: Located) -> Located:
        """The configuration with these values: the client comes before those of target.toml.

        Raises UsageError where the values do not fit together, or a variable holds nothing.
        """
        config = located.config
        clients = config.clients
        if self.client_id:
            known = next((client for client in clients if client.id == self.client_id), None)
            clients = (self._client(known), *(client for client in clients if client is not known))
        elif self.client_secret_env or self.client_auth:
            name = "client_secret_env" if self.client_secret_env else "client_auth"
            raise UsageError(f"{option_name(name)} says something of a client: name it with --client-id")
        if self.start_url and "start_url" not in any_dialect(config.dialect).constants:
            raise UsageError(f"--start-url: {located.spec} speaks {config.dialect}, which has none: leave it out")
        config = _changed(config, clients=clients, user=self.user(config.user))
        request = _changed(config.request, scope=self.scope or None, start_url=self.start_url or None)
        token = _secret("initial_access_token_env", self.initial_access_token_env)
        registration = _changed(config.registration, initial_access_token=token or None)
        endpoints = _changed(config.endpoints, trust=(*config.endpoints.trust, *filter(None, self.trust.split(","))))
        config = _changed(config, request=request, registration=registration, endpoints=endpoints)
        supplied = msgspec.structs.replace(located, config=config)
        from device_grant.targets.validate import contradictions

        for problem in contradictions(supplied):
            raise UsageError(problem)
        return supplied

    def without_login(self) -> Supplied:
        """The same, of the target alone."""
        return dataclasses.replace(self, login="", password_env="")

    def user(self, section: UserSection) -> UserSection:
        """Who decides, with the account of these values; raises UsageError for a password without an account."""
        login = self.login or section.login
        if self.password_env and not login:
            raise UsageError("--password-env holds the password of an account: name it with --login")
        if not self.login and not self.password_env:
            return section
        own = login == section.login and not self.password_env
        return msgspec.structs.replace(
            section,
            module="",
            command=(),
            prompt=False,
            login=login,
            password=section.password if own else "",
            password_env=self.password_env or (section.password_env if own else ""),
        )

    def _client(self, known: KnownClient | None) -> KnownClient:
        secret = _secret("client_secret_env", self.client_secret_env) or (known.secret if known else "")
        usual = known.authentication if known and known.authentication != "none" else "client_secret_basic"
        method = self.client_auth or (usual if secret else "none")
        if method not in METHODS:
            raise UsageError(f"--client-auth {method}: unknown: {one_of(method, METHODS)}")
        if method == "none" and self.client_secret_env:
            raise UsageError("--client-auth none is for a client without a secret: leave --client-secret-env out")
        if method != "none" and not secret:
            raise UsageError(f"--client-auth {method} needs a secret: name the variable with --client-secret-env")
        client = known or KnownClient(id=self.client_id)
        return cast("KnownClient", _changed(client, secret=secret, authentication=method))


def option_name(field_name: str) -> str:
    """How a field of Supplied is called on the command line: `--client-id`."""
    return "--" + field_name.replace("_", "-")


def _secret(name: str, variable: str) -> str:
    if not variable:
        return ""
    value = os.environ.get(variable, "")
    if not value:
        raise UsageError(f"{option_name(name)} {variable}: the environment has no such variable, or it is empty")
    return value


def _changed(section: Any, **values: Any) -> Any:
    return msgspec.structs.replace(section, **{key: value for key, value in values.items() if value is not None})

"""target.toml: what is under test, how to reach it, who the user is, what the clock is, what it claims."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - msgspec resolves annotations at run time
from typing import Annotated, Any, Literal

import msgspec

from device_grant.catalogue.model import RFC8628

AuthenticationMethod = Literal[
    "client_secret_basic", "client_secret_post", "none", "tls_client_auth", "self_signed_tls_client_auth"
]
Language = Literal[
    "c",
    "c++",
    "c#",
    "dart",
    "elixir",
    "erlang",
    "go",
    "java",
    "javascript",
    "kotlin",
    "perl",
    "php",
    "python",
    "ruby",
    "rust",
    "scala",
    "shell",
    "swift",
    "other",
]
"""What software is written in, as reports call it; TypeScript is `javascript`, because that is what runs."""

LONGEST = 1_000_000_000
"""Seconds, some thirty years: what is longer is no time that anybody waits, and computers cannot add to it."""
Seconds = Annotated[float, msgspec.Meta(ge=0, le=LONGEST)]

PASSWORD_VARIABLE = "DEVICE_GRANT_PASSWORD"  # noqa: S105 - the name of a variable
"""Environment variable with the password of the account where no other is named."""
DEFAULT_BASE = "http://target.test"
"""Base URL of in-process targets; `test` is reserved (RFC 6761), so it can never reach a network."""


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Serve(_Section, frozen=True, kw_only=True):
    """How to bring the target up; absent for a live endpoint."""

    app: str = ""
    """In process: `asgi:module:app` or `wsgi:module:app`, imported with the file's folder on sys.path."""
    command: tuple[str, ...] = ()
    """Launched process; `{python}`, `{port}`, `{dir}` (the file's folder), `{build}` and `{tls}` are filled in."""
    ready: str = ""
    """Path that is asked until it answers 200; without it, until the port accepts a connection."""
    ready_timeout: Seconds = 60.0
    """Seconds to wait for it."""
    requirements: str = ""
    """pip requirements file, from which a virtual environment is made for `{python}`."""
    requirements_options: tuple[str, ...] = ()
    """Further options of `pip install`, such as `--no-deps`."""
    package: str = ""
    """package.json, beside it a lock file, installed by `npm ci`."""
    build: tuple[tuple[str, ...], ...] = ()
    """Commands that build it, once for the content of this folder; `{build}` is where they leave it."""
    env: dict[str, str] = {}


class EndpointsSection(_Section, frozen=True, kw_only=True):
    """Where the operations are; paths are relative to `base`; what is absent is discovered."""

    base: str = ""
    metadata: str = ""
    registration: str = ""
    device_authorization: str = ""
    token: str = ""
    revocation: str = ""
    """RFC 7009."""
    introspection: str = ""
    """RFC 7662."""
    userinfo: str = ""
    """OpenID Connect Core 5.3."""
    jwks: str = ""
    """The server's public keys (RFC 7517 section 5)."""
    verification: str = ""
    """The page at which a person types the user code, for checks of the page itself."""
    trust: tuple[str, ...] = ()
    """Other hosts that metadata may name: without it secrets are sent to the host of `base` alone, at any port."""


class KnownClient(_Section, frozen=True, kw_only=True):
    """A client that the target knows beforehand; absent: clients are registered dynamically."""

    id: str
    secret: str = ""
    secret_env: str = ""
    """Environment variable that holds the secret, in place of `secret`."""
    authentication: AuthenticationMethod = "none"
    certificate: str = ""
    """File in PEM with the certificate that it shows, and those of its chain after it."""
    key: str = ""
    """File in PEM with the private key of that certificate."""
    grants: tuple[str, ...] = ("device_code", "refresh_token")
    """Grants the client may use; a client without `device_code` serves the unauthorized_client checks."""
    name: str = ""
    """What the pages are to call it; empty: unknown."""
    disable: tuple[str, ...] = ()
    """Command that disables it at the server, run in the folder of target.toml."""
    enable: tuple[str, ...] = ()
    """Command that enables it again."""


class RequestDefaults(_Section, frozen=True, kw_only=True):
    """Defaults for valid requests."""

    scope: str = ""
    start_url: str = "https://example.awsapps.com/start"
    """AWS dialect: startUrl."""
    registration: dict[str, Any] = {}
    """Members that this server insists on at registration, canonical names."""
    resources: tuple[str, ...] = ()
    """Resources for which every client may ask for tokens (RFC 8707), two of them, best on one host."""
    pkce_client: str = ""
    """Id of a public client that has to use PKCE in the device grant, where there is one besides the others."""


class RegistrationSection(_Section, frozen=True, kw_only=True):
    """What clients need in order to be registered dynamically."""

    initial_access_token: str = ""
    """Sent as a Bearer token with every registration (RFC 7591 section 3); empty: registration is open."""
    initial_access_token_env: str = ""
    """Environment variable that holds it."""
    without: tuple[str, ...] = ()
    """Members that are not sent, canonical names: this server refuses registrations that have them."""


class PageSelectors(_Section, frozen=True, kw_only=True):
    """CSS selectors of what `login` does not find, or takes for something else; empty: it is told by its words."""

    username: str = ""
    password: str = ""
    code: str = ""
    """The field for the user code."""
    submit: str = ""
    """The button that goes on from a page with fields."""
    approve: str = ""
    deny: str = ""

    def given(self) -> dict[str, str]:
        """Those that say something, by name."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value}


class SecondUser(_Section, frozen=True, kw_only=True):
    """Another account, for checks of what two people do: a module or a login."""

    module: str = ""
    """File as that of the first user."""
    login: str = ""
    """Name of the account."""
    password: str = ""
    """Its password, where that is no secret."""
    password_env: str = ""
    """Environment variable with its password."""
    lock: tuple[str, ...] = ()
    """Command that locks the account, run in the folder of target.toml."""
    unlock: tuple[str, ...] = ()
    """Command that unlocks it again."""


class UserSection(_Section, frozen=True, kw_only=True):
    """Who decides at the verification page: one of module, command, prompt, login; none: approval is untestable."""

    module: str = ""
    """File with `approve(http, grant)` and `deny(http, grant)`, and optionally the functions that Pages names."""
    command: tuple[str, ...] = ()
    """Command; `{action}`, `{user_code}`, `{verification_uri}`, `{verification_uri_complete}` are filled in."""
    prompt: bool = False
    """Ask the person who runs the suite, showing a QR code."""
    login: str = ""
    """Name of an account with which the pages are used as a person uses them."""
    password: str = ""
    """Its password, where that is no secret."""
    password_env: str = ""
    """Environment variable with its password; with neither, DEVICE_GRANT_PASSWORD, else it is asked for."""
    origins: tuple[str, ...] = ()
    """Where else the password may go, besides the target and its verification_uri."""
    headers: dict[str, str] = {}
    """Sent with every request of a person; `{address}` is an address of the browser's own."""
    pages: PageSelectors = PageSelectors()
    second: SecondUser = SecondUser()
    """Somebody else, with an account of their own."""


class ClockSection(_Section, frozen=True, kw_only=True):
    """Which clock the target lives by."""

    kind: Literal["travel", "faketime", "real"] = "real"
    longest_wait: Seconds = 60.0
    """Seconds that one wait may take on a real clock; what needs longer is untestable."""
    side_by_side: Annotated[int, msgspec.Meta(ge=1, le=256)] | None = None
    """Checks under way at a moment on a real clock, those that only wait counted too; None: as many as there are."""
    cached: bool = False
    """Under libfaketime: the program learns of a wait at the next whole second, instead of asking a file whenever it
    looks at its clock; for programs that look very often, as those of the JVM do."""


class LimitsSection(_Section, frozen=True, kw_only=True):
    """What a target may cost a run; what goes beyond is said, and nothing is concluded from it."""

    answer: Annotated[int, msgspec.Meta(ge=1024, le=2**30)] = 1_048_576
    """Octets of the content of an answer, content codings undone, that are read; a longer one counts as unread."""
    exchange: Annotated[float, msgspec.Meta(gt=0, le=LONGEST)] = 30.0
    """Real seconds for one exchange, from the connection to the last octet of the answer."""
    silence: Seconds = 30.0
    """Real seconds that a run waits for answers that do not come; then a place that has not answered twice in a row
    is asked no more."""
    retry_after: Seconds = 300.0
    """Real seconds that a run waits on a real clock because the server says Retry-After or 429; then it waits no
    more."""


class LearningSection(_Section, frozen=True, kw_only=True):
    """What is known beforehand of how its state machine can be learned."""

    left_out: dict[str, str] = {}
    """Inputs that it cannot be asked, by name, each with the reason: `deny` where no page has a way to refuse."""


class Lifetimes(_Section, frozen=True, kw_only=True):
    """Configured lifetimes in seconds, for checks that must know them beforehand; 0: unknown."""

    device_code: Seconds = 0
    interval: Seconds = 0


class MutualTls(_Section, frozen=True, kw_only=True):
    """The certificate that clients show which are registered for none of their own; absent: made for the run."""

    certificate: str = ""
    """File in PEM with the certificate, and those of its chain after it; the server must accept it."""
    key: str = ""
    """File in PEM with its private key."""


class SigningKeys(_Section, frozen=True, kw_only=True):
    """AWS dialect: what requests for tokens are signed with, and the application that they are for."""

    access_key: str = ""
    """Id of the key; without one the signed operation is not tested."""
    secret_key: str = ""
    """The key itself, where it is no secret."""
    secret_key_env: str = ""
    """Environment variable that holds it."""
    session_token: str = ""
    """What comes with temporary keys, where it is no secret."""
    session_token_env: str = ""
    """Environment variable that holds it."""
    region: str = "us-east-1"
    application: str = ""
    """ARN of the application: its client id."""
    module: str = ""
    """File with `assertion(kind, now)`, which makes assertions of a trusted token issuer."""


class OtherResourceServer(_Section, frozen=True, kw_only=True):
    """A service that asks what tokens are good for (RFC 7662): it shows who it is as a client, or by a token."""

    client_id: str = ""
    secret: str = ""
    """Its secret, where that protects nothing."""
    secret_env: str = ""
    """Environment variable that holds it."""
    authentication: Literal["client_secret_basic", "client_secret_post"] = "client_secret_basic"
    token: str = ""
    """Sent as a Bearer token in place of id and secret."""
    token_env: str = ""
    """Environment variable that holds it."""
    resource: str = ""
    """URI by which tokens for it are asked for (RFC 8707); empty: it takes those that nobody asked a resource for."""


class IntrospectionSection(OtherResourceServer, frozen=True, kw_only=True):
    """Who introspects tokens; absent: the suite's own confidential client asks, for what was issued to it."""

    other: OtherResourceServer = OtherResourceServer()
    """Another resource server, which is to learn nothing of tokens that are for the first."""

    @property
    def given(self) -> bool:
        """Whether there is one."""
        return bool(self.client_id or self.token)


class TargetConfig(_Section, frozen=True, kw_only=True):
    """The whole file."""

    name: str
    version: str = ""
    homepage: str = ""
    language: Literal[Language, ""] = ""
    """What it is written in: the matrix can be narrowed to a language. Empty: not said."""
    product: str = ""
    """The software of which this is one version: versions of a product are set side by side. Empty: its name."""
    dialect: str = RFC8628
    """Name of a registered dialect."""
    polite: bool = False
    """Whether the server is somebody else's: every run of it is one of `--polite`."""
    serve: Serve | None = None
    endpoints: EndpointsSection = EndpointsSection()
    clients: tuple[KnownClient, ...] = ()
    request: RequestDefaults = RequestDefaults()
    registration: RegistrationSection = RegistrationSection()
    user: UserSection = UserSection()
    clock: ClockSection = ClockSection()
    lifetimes: Lifetimes = Lifetimes()
    learning: LearningSection = LearningSection()
    limits: LimitsSection = LimitsSection()
    mtls: MutualTls = MutualTls()
    iam: SigningKeys = SigningKeys()
    introspection: IntrospectionSection = IntrospectionSection()
    claims: dict[str, bool] = {}
    """What it says that it can do: `slow_down`, `refresh_token`, `registration`, `metadata` …; an absent claim
    means that the suite finds out."""


class Located(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration and the folder that its paths are relative to."""

    config: TargetConfig
    folder: Path
    spec: str
    """What was given on the command line, for example `nanoidp`."""
    file: Path | None = None
    """The target.toml; None where the specification is a URL or names an application."""

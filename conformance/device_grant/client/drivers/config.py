"""client.toml: the client under test, how it is started, how it reaches the scripted server, what it claims."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - msgspec resolves annotations at run time
from typing import Annotated, Any, Literal

import msgspec

from device_grant.catalogue.model import RFC8628
from device_grant.protocol import field_dialects
from device_grant.targets.config import Language, Seconds  # noqa: TC001 - msgspec resolves annotations at run time

UNSUPPORTED = 75
"""Exit status by which an adapter says that its client cannot do the operation (EX_TEMPFAIL of sysexits)."""


class _ClientSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class RunSection(_ClientSection, frozen=True, kw_only=True):
    """How one run of the client is started."""

    command: tuple[str, ...] = ()
    """Program and arguments; placeholders are filled in."""
    kind: Literal["flow", "operations", "refresh", "code"] = "flow"
    """`flow`: one command does a whole login and exits. `operations`: one operation a run, no polling loop.

    `code`: one command signs in by the authorization code grant and exits; it has no device grant.
    `refresh`: it cannot sign in, and refreshes what a login before has left (`[[files]]`).
    """
    requirements: str = ""
    """pip requirements file, from which a virtual environment is made for `{python}`."""
    requirements_options: tuple[str, ...] = ()
    """Further options of `pip install`, such as `--no-deps`."""
    package: str = ""
    """package.json, beside it a lock file, installed by `npm ci`."""
    build: tuple[tuple[str, ...], ...] = ()
    """Commands that build it, once for the content of this folder; `{build}` is where they leave it."""
    env: dict[str, str] = {}
    deadline: Seconds = 20.0
    """Real seconds that a run may take beyond the waits which its scenario asks for; starting included."""
    side_by_side: Annotated[int, msgspec.Meta(le=1000)] = 8
    """Scenarios that go on at the same time."""


class ConnectSection(_ClientSection, frozen=True, kw_only=True):
    """How the client gets to the scripted server."""

    how: Literal["endpoint", "proxy"] = "endpoint"
    """`endpoint`: it is told the URL. `proxy`: it cannot be, so HTTPS_PROXY leads its host names to us."""
    hosts: tuple[str, ...] = ()
    """Host names that the client asks for through the proxy, its authorization server first."""
    tls: bool = False
    """Whether the endpoint is HTTPS in every scenario, for clients that refuse plain HTTP on loopback."""
    isolated: bool = True
    """Whether nothing but our servers is in the network of the client, where the machine lets us make such a one."""


class SpeaksSection(_ClientSection, frozen=True, kw_only=True):
    """The dialect of a large provider that this client speaks: the scripted server answers as that provider's do."""

    dialect: str = ""
    """Its name, for example `entra`; empty: RFC 8628 to the letter."""
    judged_as: str = ""
    """By which dialect its requests are judged; empty: by its own. `rfc8628`: by the letter of the RFC."""


class EndpointSection(_ClientSection, frozen=True, kw_only=True):
    """Paths at the scripted server, for clients in which they are fixed."""

    issuer: str = ""
    device_authorization: str = ""
    """Default: that of the dialect in `[speaks]`, else `/device_authorization`."""
    token: str = ""
    """Default: that of the dialect in `[speaks]`, else `/token`."""
    registration: str = ""
    """Default: `/client/register` in the AWS dialect, `/register` in the other."""
    metadata: str = ""
    """Where the metadata is, besides the well-known places of RFC 8414 and OpenID Connect Discovery."""


class ResponseSection(_ClientSection, frozen=True, kw_only=True):
    """Members that this client insists on in answers, wire names; in successful ones null removes a member.

    No scenario changes them: one that is about such a member does not apply.
    Placeholders in their text are filled in: `{endpoint}`, `{issuer}`, `{client_id}`, `{scope}`; `{user_code}`,
    `{device_code}`, `{verification_uri}`, `{verification_uri_complete}`, `{access_token}`, `{refresh_token}` of this
    answer, or of the last one that had them; and `{id_token}`, signed for the client that asks.
    """

    registration: dict[str, Any] = {}
    device_authorization: dict[str, Any] = {}
    token: dict[str, Any] = {}
    id_token: dict[str, Any] = {}
    """Claims of every ID token beside the honest ones, for example Microsoft's `tid`."""
    metadata: dict[str, Any] = {}
    """Of the RFC 8414 metadata; null removes a member here too."""
    error: dict[str, Any] = {}
    """Of every OAuth error, for example Microsoft's `error_codes`."""
    error_status: Annotated[int, msgspec.Meta(ge=0, le=999)] = 0
    """HTTP status of every OAuth error, for example GitHub's 200; 0: the usual ones."""


class StaticAnswer(_ClientSection, frozen=True, kw_only=True):
    """What the server says to a request that is none of the protocol's, for example for user information."""

    path: str
    """Without query; placeholders are filled in."""
    method: str = "GET"
    status: Annotated[int, msgspec.Meta(ge=200, le=999)] = 200
    content_type: str = "application/json"
    headers: dict[str, str] = {}
    """Further ones; placeholders are filled in."""
    body: str = "{}"
    """Placeholders are filled in, as in `[response]`."""


class HomeFile(_ClientSection, frozen=True, kw_only=True):
    """A file that the client finds under a fresh HOME, as a login, or a person, has left it."""

    path: str
    """Below HOME."""
    content: str
    """Placeholders as in `run.command`, and `{access_token}`, `{expires_at}`, `{registration_expires_at}`."""


class ClientClockSection(_ClientSection, frozen=True, kw_only=True):
    """Whether the client's time can be made to pass faster."""

    scale: Annotated[float, msgspec.Meta(le=1_000_000)] = 1.0
    """How many times faster, by libfaketime; tried first, and 1 where that does not work."""


class Claims(_ClientSection, frozen=True, kw_only=True):
    """What the client can do; checks of the rest are not-applicable."""

    registration: bool | None = None
    """Registers itself. Absent: as seen in the first run."""
    refresh: bool = False
    """Can be made to do the refresh grant (operation `refresh`)."""
    confidential: bool = False
    """Takes a client secret and authenticates with it."""
    metadata: bool = False
    """Finds its endpoints from the issuer alone (RFC 8414 or OpenID Connect Discovery)."""
    keeps: bool | tuple[Literal["registrations", "tokens"], ...] = False
    """What it keeps in files under HOME for its next run; true: both."""
    login: bool = True
    """Can sign in; without it, as with the kind `refresh`, it is tested for refreshing alone."""
    shows: bool = True
    """Tells the user code and the URI to a person, on its output or by the marker `shows`."""
    tls: bool = True
    """Can reach an HTTPS endpoint whose authority the environment names."""
    authorization_code: bool = False
    """Signs in by the authorization code grant with PKCE (operation `code`), as the kind `code` does anyway."""
    device_pkce: bool = False
    """Sends code_challenge with the device authorization, always or where DEVICE_GRANT_PKCE is 1."""
    resource: bool = False
    """Asks for the resource that DEVICE_GRANT_RESOURCE names, or for one of its own (RFC 8707)."""
    dpop: bool = False
    """Sends DPoP proofs (RFC 9449) with its token requests, always or where DEVICE_GRANT_DPOP is 1."""
    dpop_required: bool = False
    """Takes no bearer token where it asked for one that is bound."""
    dpop_device_code: bool = False
    """Sends a proof with the device authorization too, always or where DEVICE_GRANT_DPOP_DEVICE_CODE is 1."""
    mtls: bool = False
    """Authenticates by the certificate that DEVICE_GRANT_CLIENT_CERTIFICATE names (RFC 8705), at all endpoints."""
    revocation: bool = False
    """Signs out by revoking its token (operation `logout`)."""
    id_token: bool = False
    """Checks the ID token of a token response, and does not sign in where it is not good."""


class ExitSection(_ClientSection, frozen=True, kw_only=True):
    """What the exit status means."""

    success: Annotated[int, msgspec.Meta(ge=-255, le=255)] = 0


class ClientConfig(_ClientSection, frozen=True, kw_only=True):
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
    run: RunSection
    connect: ConnectSection = ConnectSection()
    speaks: SpeaksSection = SpeaksSection()
    endpoints: EndpointSection = EndpointSection()
    response: ResponseSection = ResponseSection()
    answers: tuple[StaticAnswer, ...] = ()
    files: tuple[HomeFile, ...] = ()
    clock: ClientClockSection = ClientClockSection()
    claims: Claims = Claims()
    exit: ExitSection = ExitSection()

    @property
    def signs_in(self) -> bool:
        """Whether it has the device grant."""
        return self.claims.login and self.run.kind not in ("refresh", "code")

    @property
    def signs_in_by_code(self) -> bool:
        """Whether it signs in by the authorization code grant."""
        return self.claims.authorization_code or self.run.kind == "code"

    @property
    def refreshes(self) -> bool:
        """Whether it can refresh."""
        return self.claims.refresh or self.run.kind == "refresh"

    @property
    def answered_in(self) -> str:
        """Name of the dialect in which the scripted server answers."""
        return self.speaks.dialect or self.dialect

    @property
    def judged_by(self) -> str:
        """Name of the dialect by which the client is judged."""
        return self.speaks.judged_as or self.answered_in

    def speaking(self, name: str) -> ClientConfig:
        """The same client, judged by another dialect; one of the field is then also the one that it speaks."""
        own = name in field_dialects()
        chosen = SpeaksSection(dialect=name) if own else SpeaksSection(dialect=self.speaks.dialect, judged_as=name)
        return msgspec.structs.replace(self, speaks=chosen)


class LocatedClient(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration and the folder that its paths are relative to."""

    config: ClientConfig
    folder: Path
    spec: str
    """What was given on the command line."""
    file: Path | None = None
    """The client.toml; None for a command and for the reference client."""

"""Small servers of the dialects of the field: the reference behind what makes each provider's wire of the RFC's.

Written from what is known of the providers, and not from the descriptions of the suite, which they are to try. Each is
called by an application of its own, as `asgi:support.field_server:GitHub()` in target.toml; `broken` names a fault.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from device_grant.protocol import DEVICE_CODE_GRANT
from device_grant.reference.server.faults import Faults
from device_grant.reference.server.settings import Settings
from support.broken_servers import METADATA, REGISTER, START, TOKEN, Answer, Passing, behind

if TYPE_CHECKING:
    from pathlib import Path

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
OLD_GRANT = "http://oauth.net/grant_type/device/1.0"


class FieldServer:
    """By the RFC; the classes below change names, places and statuses."""

    dialect = "okta"
    start, token = "/oauth2/default/v1/device/authorize", "/oauth2/default/v1/token"
    media_types: tuple[str, ...] = (FORM,)
    metadata = False
    target: ClassVar[dict[str, dict[str, Any]]] = {}
    """Further tables of target.toml."""

    def __init__(self, broken: str = "") -> None:
        self.secrets: dict[str, str] = {}
        self.waiting: Passing | None = None
        settings = Settings(undecided_codes=10_000)
        faults = Faults.named(*broken.split()) if broken else None
        self.application = behind(self.before, self.after, settings, faults)

    async def __call__(self, scope, receive, send) -> None:
        await self.application(scope, receive, send)

    # The request.

    def before(self, request: Passing) -> Passing | Answer:
        self.waiting = request
        hidden = request.path.startswith("/.well-known/") and not (self.metadata and request.path == METADATA)
        if request.path not in (self.start, self.token):
            gone = hidden or request.path in (START, TOKEN)
            return Answer(404, b"Nothing is here.", {"content-type": "text/plain"}) if gone else request
        starts = request.path == self.start
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        whole = replace(request, path=START if starts else TOKEN)
        if media not in self.media_types:
            return whole
        try:
            pairs = self.pairs(request.body, media)
        except ValueError:
            return replace(whole, headers=request.headers | {"content-type": FORM}, body=b"")
        asked = self.asked(dict(pairs), starts=starts)
        if isinstance(asked, Answer):
            return asked
        names = [name for name, _ in pairs]
        doubled = [pair for place, pair in enumerate(pairs) if pair[0] in names[:place]]
        body = urlencode([*asked.items(), *doubled]).encode()
        return replace(whole, headers=request.headers | {"content-type": FORM}, body=body)

    def pairs(self, body: bytes, media: str) -> list[tuple[str, str]]:
        if media == JSON:
            members = json.loads(body)
            if not isinstance(members, dict):
                raise ValueError("no object")
            return [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in members.items()]
        return parse_qsl(body.decode("latin-1"), keep_blank_values=True)

    def asked(self, members: dict[str, str], *, starts: bool) -> dict[str, str] | Answer:  # noqa: ARG002 - others look at it
        """The same in the RFC's names."""
        return members

    def renamed(self, members: dict[str, str], **names: str) -> dict[str, str]:
        return {names.get(name, name): value for name, value in members.items()}

    def with_secret(self, members: dict[str, str]) -> dict[str, str]:
        """A start of a public client that has a secret, and does not send it."""
        known = self.secrets.get(members.get("client_id", ""))
        return members if known is None else {**members, "client_secret": known}

    # The answer.

    def after(self, path: str, answer: Answer) -> Answer:
        try:
            members = json.loads(answer.body)
        except ValueError:
            members = None
        if not isinstance(members, dict):
            return answer
        if path == REGISTER and members.get("client_secret"):
            self.secrets[members["client_id"]] = members["client_secret"]
        if path == METADATA:
            places = {"device_authorization_endpoint": self.start, "token_endpoint": self.token}
            base = members["issuer"].rstrip("/")
            kept = {name: value for name, value in members.items() if not name.startswith(("mtls_", "dpop_", "tls_"))}
            return self.written(200, kept | {name: base + place for name, place in places.items()}, answer)
        if path not in (self.start, self.token):
            return answer
        if "error" in members:
            return self.refused(members["error"], members, answer)
        return self.granted(members, answer, starts=path == self.start)

    def granted(self, members: dict[str, Any], answer: Answer, *, starts: bool) -> Answer:  # noqa: ARG002 - others look at it
        return self.written(answer.status, members, answer)

    def refused(self, error: str, members: dict[str, Any], answer: Answer) -> Answer:  # noqa: ARG002 - others look at it
        return self.written(answer.status, members, answer)

    def written(self, status: int, members: dict[str, Any] | None, answer: Answer) -> Answer:
        body = b"" if members is None else json.dumps(members).encode()
        return replace(answer, status=status, body=body)


class Okta(FieldServer):
    metadata = True


class GitLab(FieldServer):
    dialect, start, token, metadata = "gitlab", "/oauth/authorize_device", "/oauth/token", True

    def granted(self, members, answer, *, starts):
        return self.written(answer.status, members if starts else members | {"created_at": 1767225600}, answer)


class Keycloak(FieldServer):
    dialect = "keycloak"
    start = "/realms/master/protocol/openid-connect/auth/device"
    token = "/realms/master/protocol/openid-connect/token"
    metadata = True


class Authentik(FieldServer):
    dialect, start, token, metadata = "authentik", "/application/o/device/", "/application/o/token/", True

    def asked(self, members, *, starts):
        return self.renamed(members, scopes="scope") if starts else members


class GitHub(FieldServer):
    dialect, start, token = "github", "/login/device/code", "/login/oauth/access_token"
    media_types = (FORM, JSON)

    def granted(self, members, answer, *, starts):
        if starts:
            members = {name: value for name, value in members.items() if name != "verification_uri_complete"}
        else:
            members = {
                "access_token": members["access_token"],
                "token_type": "bearer",
                "scope": ",".join(members.get("scope", "").split()),
            }
        return self.written(200, members, answer)

    def refused(self, error, members, answer):
        names = {"invalid_grant": "incorrect_device_code", "invalid_client": "incorrect_client_credentials"}
        members = {**members, "error": names.get(error, error)}
        return self.written(200, members | ({"interval": 10} if error == "slow_down" else {}), answer)

    def written(self, status, members, answer):
        if "json" in self.waiting.headers.get("accept", ""):
            return super().written(status, members, answer)
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in members.items()}
        return replace(
            answer, status=status, body=urlencode(texts).encode(), headers=answer.headers | {"content-type": FORM}
        )


class Google(FieldServer):
    dialect, start, token = "google", "/device/code", "/token"
    statuses: ClassVar[dict[str, int]] = {"authorization_pending": 428, "slow_down": 403, "access_denied": 403}

    def asked(self, members, *, starts):
        return self.with_secret(members) if starts else members

    def granted(self, members, answer, *, starts):
        if starts:
            members = self.renamed(members, verification_uri="verification_url")
            members.pop("verification_uri_complete", None)
        return self.written(answer.status, members, answer)

    def refused(self, error, members, answer):
        return self.written(self.statuses.get(error, answer.status), members, answer)


class OldGoogle(Google):
    dialect, start, token = "google-legacy", "/o/oauth2/device/code", "/o/oauth2/token"
    media_types = (FORM, JSON)

    def asked(self, members, *, starts):
        if starts:
            return self.with_secret(members)
        if members.get("grant_type") == OLD_GRANT:
            members = members | {"grant_type": DEVICE_CODE_GRANT}
        return self.renamed(members, code="device_code")


class Entra(FieldServer):
    dialect, start, token = "entra", "/common/oauth2/v2.0/devicecode", "/common/oauth2/v2.0/token"
    names: ClassVar[dict[str, str]] = {
        "access_denied": "authorization_declined",
        "invalid_grant": "bad_verification_code",
    }
    target: ClassVar = {"request": {"scope": "profile"}}

    def asked(self, members, *, starts):
        if starts and not members.get("scope"):
            return Answer(400, json.dumps({"error": "invalid_request", "error_codes": [900144]}).encode())
        return members

    def granted(self, members, answer, *, starts):
        if starts:
            members = {name: value for name, value in members.items() if name != "verification_uri_complete"}
            members["message"] = f"Open {members['verification_uri']} and enter {members['user_code']}"
        return self.written(answer.status, members, answer)

    def refused(self, error, members, answer):
        why = members.get("error_description", "No.")
        trace = "\r\nTrace ID: 7d5e1d52-0f4b-4c05-9a1d-1d0f4c5e7d5e\r\nTimestamp: 2026-11-29 10:00:00Z"
        said = {**members, "error": self.names.get(error, error), "error_description": f"AADSTS70016: {why}{trace}"}
        return self.written(answer.status, said | {"error_codes": [70016], "trace_id": "7d5e1d52"}, answer)


class FirstEntra(Entra):
    dialect, start, token = "entra-v1", "/common/oauth2/devicecode", "/common/oauth2/token"

    def asked(self, members, *, starts):
        if not starts and members.get("grant_type") == "device_code":
            members = members | {"grant_type": DEVICE_CODE_GRANT}
        return super().asked(self.renamed(members, code="device_code", resource="scope"), starts=starts)

    def granted(self, members, answer, *, starts):
        answer = super().granted(members, answer, starts=starts)
        said = {
            name: str(value) if isinstance(value, int) else value
            for name, value in json.loads(answer.body).items()
            if name != "scope"
        }
        return self.written(answer.status, self.renamed(said, verification_uri="verification_url"), answer)


class Auth0(FieldServer):
    dialect, start, token, metadata = "auth0", "/oauth/device/code", "/oauth/token", True
    media_types = (FORM, JSON)
    polled = ("authorization_pending", "access_denied", "expired_token", "invalid_grant")

    def refused(self, error, members, answer):
        status = 403 if error in self.polled else 429 if error == "slow_down" else answer.status
        return self.written(status, members, answer)


class Twitch(FieldServer):
    dialect, start, token = "twitch", "/oauth2/device", "/oauth2/token"

    def asked(self, members, *, starts):
        members = self.renamed(members, scopes="scope")
        return members if starts else {name: value for name, value in members.items() if name != "scope"}

    def granted(self, members, answer, *, starts):
        if starts:
            members.pop("verification_uri_complete", None)
            members["verification_uri"] += f"?device-code={members['user_code']}"
        else:
            members |= {"scope": members.get("scope", "profile").split(), "token_type": "bearer"}
        return self.written(answer.status, members, answer)

    def refused(self, error, members, answer):  # noqa: ARG002 - others look at it
        known = {"expired_token": "invalid device code", "invalid_grant": "invalid device code"}
        status = answer.status
        return self.written(status, {"status": status, "message": known.get(error, error)}, answer)


class Facebook(FieldServer):
    dialect, start, token = "facebook", "/v23.0/device/login", "/v23.0/device/login_status"
    subcodes: ClassVar = {
        "authorization_pending": 1349174,
        "slow_down": 1349172,
        "expired_token": 1349152,
    }

    def asked(self, members, *, starts):
        members = self.renamed(members, access_token="client_id", code="device_code")
        if starts:
            return members | ({"scope": members["scope"].replace(",", " ")} if "scope" in members else {})
        return members | {"grant_type": DEVICE_CODE_GRANT}

    def granted(self, members, answer, *, starts):
        if starts:
            members.pop("verification_uri_complete", None)
            return self.written(answer.status, self.renamed(members, device_code="code"), answer)
        said = {"access_token": members["access_token"], "expires_in": members["expires_in"]}
        return self.written(answer.status, said, answer)

    def refused(self, error, members, answer):  # noqa: ARG002 - others look at it
        said: dict[str, Any] = {"message": error, "type": "OAuthException", "code": 100}
        if error in self.subcodes:
            said |= {"code": 31, "error_subcode": self.subcodes[error]}
        return self.written(400, {"error": said}, answer)


class Trakt(FieldServer):
    dialect, start, token = "trakt", "/oauth/device/code", "/oauth/device/token"
    media_types = (JSON,)
    statuses: ClassVar = {
        "authorization_pending": 400,
        "slow_down": 429,
        "access_denied": 418,
        "expired_token": 410,
        "invalid_grant": 404,
        "invalid_client": 401,
    }

    def asked(self, members, *, starts):
        if starts:
            return self.with_secret(members)
        return self.renamed(members, code="device_code") | {"grant_type": DEVICE_CODE_GRANT}

    def granted(self, members, answer, *, starts):
        if starts:
            members = self.renamed(members, verification_uri="verification_url")
            members.pop("verification_uri_complete", None)
        return self.written(answer.status, members, answer)

    def refused(self, error, members, answer):  # noqa: ARG002 - others look at it
        return self.written(self.statuses.get(error, 422), None, answer)


class Huawei(FieldServer):
    dialect, start, token = "huawei-identity-center", "/v1/device/authorize", "/v1/tokens"
    media_types = (JSON,)
    target: ClassVar = {"request": {"start_url": "https://example.com/portal"}}

    def asked(self, members, *, starts):
        if starts and not members.pop("start_url", ""):
            return Answer(400, b'{"error": "invalid_request"}')
        return self.renamed(members, scopes="scope")

    def granted(self, members, answer, *, starts):
        if not starts:
            members = {"token_info": members | {"token_type": "BearerToken", "id_token": None}}
        return self.written(answer.status, members, answer)


class Bmw(FieldServer):
    dialect, start, token = "bmw-cardata", "/gcdm/oauth/device/code", "/gcdm/oauth/token"

    def asked(self, members, *, starts):
        wanted = ("code_challenge", "code_challenge_method", "response_type")
        if starts and not all(members.get(name) for name in wanted):
            return Answer(400, b'{"error": "invalid_request"}')
        return members

    def granted(self, members, answer, *, starts):
        return self.written(answer.status, members if starts else members | {"gcid": "e2b1"}, answer)


class Oracle(FieldServer):
    dialect, start, token, metadata = "oracle-idcs", "/oauth2/v1/device", "/oauth2/v1/token", True
    target: ClassVar = {"request": {"scope": "profile"}}

    def asked(self, members, *, starts):
        if starts and not (members.get("response_type") == "device_code" and members.get("scope")):
            return Answer(400, b'{"error": "invalid_request"}')
        return members

    def granted(self, members, answer, *, starts):
        kept = {name: value for name, value in members.items() if name not in ("interval", "verification_uri_complete")}
        return self.written(answer.status, kept if starts else members, answer)


class PingAm(FieldServer):
    dialect, start, token, metadata = "pingam", "/oauth2/device/code", "/oauth2/access_token", True

    def refused(self, error, members, answer):
        return self.written(403 if error == "authorization_pending" else answer.status, members, answer)


EVERY = (
    *(Auth0, Authentik, Bmw, Entra, Facebook, FirstEntra, GitHub, GitLab, Google, Huawei, Keycloak, OldGoogle),
    *(Okta, Oracle, PingAm, Trakt, Twitch),
)


def target_toml(kind: type[FieldServer], user: Path, broken: str = "") -> str:
    """The file for `device-grant run`; modules are found by PYTHONPATH."""
    lines = [f"name = {kind.__name__!r}", f"dialect = {kind.dialect!r}", "[serve]"]
    lines += [f'app = "asgi:support.field_server:{kind.__name__}{broken.title().replace("_", "")}()"']
    lines += ["[endpoints]", f"registration = {REGISTER!r}", "[user]", f"module = {json.dumps(str(user))}"]
    lines += ["[clock]", 'kind = "travel"']
    for table, members in kind.target.items():
        lines += [f"[{table}]", *(f"{name} = {json.dumps(value)}" for name, value in members.items())]
    return "\n".join(lines) + "\n"

"""Peers of the AWS SSO OIDC dialect: what the model and restJson1 leave open, and what the service was seen to do."""

from __future__ import annotations

import json
import secrets
import time

from peer_aws import EXCEPTIONS, FrameworkError, HonestAws
from peer_records import Client, Grant, Refresh, Refused
from peer_wire import Answer, Request, json_answer

SCRIPT = """
const code = new URLSearchParams(location.hash.split("?")[1]).get("user_code");
location.replace("/device?user_code=" + encodeURIComponent(code));
"""
"""What a portal does with the code in the fragment of its address."""


class AwsNoInterval(HonestAws):
    """No interval in the start answer: the model marks no output member as required."""

    def start_members(self, code: str, grant: Grant) -> dict:
        members = super().start_members(code, grant)
        del members["interval"]
        return members

    interval = 5


class AwsTerseErrors(HonestAws):
    """Errors without error_description: no member of the modelled exceptions is required."""

    def error_members(self, refused: Refused) -> dict:
        return {"error": refused.error}


class AwsNulls(HonestAws):
    """Members that are null, modelled ones and others, as the service sends them."""

    def token_members(self, client: Client, family: str) -> dict:
        more = {"aws_sso_app_session_id": None, "issuedTokenType": None, "originSessionId": None}
        return super().token_members(client, family) | more

    def error_members(self, refused: Refused) -> dict:
        return super().error_members(refused) | {"reason": None}


class AwsNoNulls(HonestAws):
    """What is not set is left out (restJson1: RestJsonServersDontSerializeNullStructureValues)."""

    def success(self, members: dict) -> Answer:
        return super().success({name: value for name, value in members.items() if value is not None})


class AwsExtraMembers(HonestAws):
    """Members outside the model, which clients drop (Smithy, evolving models)."""

    def success(self, members: dict) -> Answer:
        return super().success(members | {"peerRegion": "eu-north-7", "peerDetails": {"shard": 3, "list": [1, None]}})


class AwsTenSeconds(HonestAws):
    """An interval of ten seconds and a lifetime of half an hour."""

    interval = 10
    lifetime = 1800


class AwsUriSuffix(HonestAws):
    """x-amzn-ErrorType goes on after a colon, as the service's own (restJson1: clients cut there)."""

    deviations = {"smithy-restjson1-error-header-bare": "the service's own form, which new servers should not send"}

    def error_type(self, name: str) -> str:
        return f"{name}:http://internal.amazon.com/coral/com.amazonaws.sso.oidc/"


class AwsTypeInBody(HonestAws):
    """Besides the header the body names the exception in __type, which clients accept."""

    def error_members(self, refused: Refused) -> dict:
        return {"__type": f"com.amazonaws.ssooidc#{EXCEPTIONS[refused.error]}", **super().error_members(refused)}


class AwsFragment(HonestAws):
    """verificationUriComplete has the code in its fragment, as portals of the service have it."""

    def page_routes(self):
        script = Answer(200, SCRIPT.encode(), [("Content-Type", "text/javascript; charset=utf-8")])
        own = {"/start/": (("GET",), self.portal_page), "/start.js": (("GET",), lambda _: script)}
        return super().page_routes() | own

    def portal_page(self, request: Request) -> Answer:
        body = '<p>One moment.</p><script src="/start.js"></script>'
        answer = self.page(200, self.words["code"], body)
        answer.headers = [
            (name, value.replace("default-src 'none'", "default-src 'none'; script-src 'self'"))
            for name, value in answer.headers
        ]
        return answer

    def started(self, code: str, grant: Grant) -> dict:
        complete = f"{self.url('/start/')}#/device?user_code={grant.user_code}"
        return super().started(code, grant) | {"verification_uri_complete": complete}


class AwsRequestUri(HonestAws):
    """verificationUriComplete has a handle and no code, as the newest form of the service."""

    def code_page(self, request: Request) -> Answer:
        for grant in self.grants.values():
            handle = request.asked("request_uri") == f"urn:peer:{grant.handle}"
            if handle and self.person(request) and request.method != "POST":
                return self.typed(request, grant.user_code)
        return super().code_page(request)

    def started(self, code: str, grant: Grant) -> dict:
        complete = f"{self.url(self.verification)}?request_uri=urn:peer:{grant.handle}"
        return super().started(code, grant) | {"verification_uri_complete": complete}


class AwsNoRefresh(HonestAws):
    """Never a refresh token: the member is null, as for older profiles."""

    def token_members(self, client: Client, family: str) -> dict:
        return super().token_members(client, family) | {"refreshToken": None}


class AwsKeptRefresh(HonestAws):
    """Refresh tokens stay valid after their use, as captures of the service show."""

    deviations = dict.fromkeys(
        (
            "rfc6749-10.4-detect-abuse",
            "rfc6819-5.2.2.3-rotation",
            "rfc9700-2.2.2-refresh-public-protected",
            "rfc9700-4.14-refresh-replay-detection",
        ),
        "RFC 9700 wants rotation for public clients; the service itself does not rotate",
    )

    def use(self, known: Refresh) -> None:
        """Nothing is spent."""


class AwsColonTokens(HonestAws):
    """Access tokens have a colon, as the service's."""

    def new_token(self, client: Client, scope: str) -> str:
        return f"aoa{secrets.token_urlsafe(32)}:MGYC{secrets.token_urlsafe(32)}"


class AwsCharset(HonestAws):
    """application/json with a charset and field names of its own case."""

    def wire(self, answer: Answer) -> Answer:
        answer = super().wire(answer)
        answer.headers = [
            (name.upper(), f"{value};charset=utf-8" if value == "application/json" else value)
            for name, value in answer.headers
        ]
        return answer


class AwsForgetsExpired(HonestAws):
    """Expired device codes are forgotten: InvalidGrantException, as reports of the service tell."""

    deviations = {"rfc8628-3.5-expired-token": "the model has ExpiredTokenException for it"}

    def expired(self, code: str) -> Refused:
        del self.grants[code]
        return Refused("invalid_grant", "Invalid device code provided")


class AwsNeverSlowDown(HonestAws):
    """No SlowDownException ever: no public log has one of the service."""

    def waiting(self, grant: Grant, now: float) -> Refused:
        return Refused("authorization_pending", "Authorization is still pending")


class AwsSlowDownAtOnce(HonestAws):
    """SlowDownException for two polls in a row, and the interval stays as it is."""

    step = 0


class AwsValidation(HonestAws):
    """A missing required member is a ValidationException, as Smithy's own servers say it (restJson1 validation)."""

    def missing(self, name: str) -> Exception:
        raise FrameworkError(400, "ValidationException")

    def framework(self, error: FrameworkError) -> Answer:
        body = {"message": "1 validation error detected."}
        return json_answer(error.status, body, ("x-amzn-ErrorType", error.name), *error.headers)


class AwsLenientMediaType(HonestAws):
    """Reads any body as JSON, whatever it is called, as old clients of the service needed it."""

    deviations = {
        "rfc9110-15.5.16-unsupported-media": "it supports them all",
        "smithy-restjson1-wrong-content-type": "more lenient than restJson1, as the service",
    }

    def members(self, request: Request) -> dict:
        request.headers["content-type"] = "application/json"
        return super().members(request)


class AwsLongSecrets(HonestAws):
    """Client secrets of 3800 characters in three parts."""

    def new_secret(self) -> str:
        return ".".join(secrets.token_urlsafe(size) for size in (40, 2760, 48))


class AwsHourlyRegistrations(HonestAws):
    """Registrations end after a day instead of 90."""

    registered_for = 86400


class AwsNoStore(HonestAws):
    """Everything is no-store, which the service does not say."""

    def wire(self, answer: Answer) -> Answer:
        answer = super().wire(answer)
        if not any(name == "Cache-Control" for name, _ in answer.headers):
            answer.with_header("Cache-Control", "no-cache, no-store, max-age=0").with_header("Pragma", "no-cache")
        return answer


class AwsVanityHost(HonestAws):
    """The pages are on another host than the operations, as the service's."""

    def url(self, path: str) -> str:
        return f"http://device.sso.target.test{path}" if path == self.verification else super().url(path)


class AwsLateApproval(HonestAws):
    """A decision is seen by the token endpoint 300 ms later."""

    behind = 0.3

    def device_token(self, given: dict, client: Client) -> dict:
        grant = self.grants[given["deviceCode"]]
        if grant.client is client and grant.decided and time.time() < grant.decided + self.behind:
            raise Refused("authorization_pending", "Authorization is still pending")
        return super().device_token(given, client)


class AwsLaggingReplicas(AwsLateApproval):
    """A decision is seen after more than two intervals."""

    behind = 2.5


class AwsCompactJson(HonestAws):
    """JSON without white space, members in reverse, everything outside ASCII and every slash escaped."""

    def wire(self, answer: Answer) -> Answer:
        if ("Content-Type", "application/json") in answer.headers:
            content = json.loads(answer.body)
            text = json.dumps(dict(reversed(content.items())), separators=(",", ":"))
            answer.body = text.replace("/", "\\/").encode()
        return super().wire(answer)


class AwsClientFirst(HonestAws):
    """Looks at the client before it looks at the device code: either refusal is true."""

    def create_token(self, given: dict) -> dict:
        self.required(given, "clientId", "clientSecret", "grantType")
        self.known_client(given)
        return super().create_token(given)

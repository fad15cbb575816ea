"""Traffic made up here, and the formats that people capture such traffic in."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlencode

import yaml

from device_grant.protocol import DEVICE_CODE_GRANT

JSON = (("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Pragma", "no-cache"))
BEGAN = 1_700_000_000.0
CODE, USER_CODE, TOKEN, REFRESH = "dc-Zq81kLmWx0vB7tRy", "WDJB-MJHT", "at-93kdLq0ZmXbWv77Q", "rt-4Kd09LmQzXvYw2Bs"
SECRETS = (CODE, USER_CODE, TOKEN, REFRESH)
CLIENT_SECRET = "cs-7Hq0LmNzXvBw93Kd"


@dataclass(frozen=True)
class Sent:
    """One request and its answer."""

    at: float
    url: str
    body: bytes
    status: int
    answer: dict | str | None
    headers: tuple = (("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"))
    answered: tuple = JSON
    took: float = 0.05
    method: str = "POST"
    error: str = ""

    @property
    def content(self):
        return self.answer if isinstance(self.answer, str) else json.dumps(self.answer) if self.answer else ""


@dataclass(frozen=True)
class Traffic:
    """What one client sent to one server."""

    sent: list = field(default_factory=list)

    def changed(self, place, **changes):
        sent = list(self.sent)
        sent[place] = replace(sent[place], **changes)
        return Traffic(sent)


def rfc(gaps=(5.2, 5.2, 5.2), errors=("authorization_pending", "authorization_pending"), interval=5, last=None):
    """A login by the RFC's dialect: polls after these seconds, answered by these errors and at last by a token."""
    base = "https://login.example/oauth2"
    grant = {"device_code": CODE, "user_code": USER_CODE, "verification_uri": "https://login.example/go"}
    started = {**grant, "expires_in": 600, "interval": interval}
    start = urlencode({"client_id": "tv-app", "scope": "openid"}).encode()
    sent = [Sent(0.0, f"{base}/device", start, 200, started)]
    poll = urlencode({"grant_type": DEVICE_CODE_GRANT, "device_code": CODE, "client_id": "tv-app"}).encode()
    token = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "refresh_token": REFRESH}
    at = 0.05
    for gap, error in zip(gaps, (*errors, last), strict=True):
        at += gap
        sent.append(Sent(at, f"{base}/token", poll, 400 if error else 200, {"error": error} if error else token))
        at += 0.05
    return Traffic(sent)


def aws(gaps=(1.1, 1.1), errors=("authorization_pending",)):
    """The same in the dialect of AWS, registration included."""
    base = "https://oidc.eu-central-1.example"
    now = int(BEGAN)

    def posted(at, path, body, status, answer, kind=""):  # noqa: PLR0913, PLR0917 - an exchange has that many parts
        named = (("x-amzn-ErrorType", kind),) if kind else ()
        answered = (("Content-Type", "application/json"), ("x-amzn-RequestId", "0b1d"), *named)
        headers = (("Content-Type", "application/json"),)
        return Sent(at, base + path, json.dumps(body).encode(), status, answer, headers, answered)

    own = {"clientId": "ci-1", "clientSecret": CLIENT_SECRET}
    registered = {**own, "clientIdIssuedAt": now, "clientSecretExpiresAt": now + 7_776_000}
    uris = {
        "verificationUri": "https://device.example/",
        "verificationUriComplete": f"https://device.example/?c={USER_CODE}",
    }
    started = {"deviceCode": CODE, "userCode": USER_CODE, **uris, "expiresIn": 600, "interval": 1}
    start = {**own, "startUrl": "https://example.awsapps.com/start"}
    sent = [
        posted(0, "/client/register", {"clientName": "cli", "clientType": "public"}, 200, registered),
        posted(0.1, "/device_authorization", start, 200, started),
    ]
    at = 0.15
    for gap, error in zip(gaps, (*errors, ""), strict=True):
        at += gap
        refused = {"error": error, "error_description": "not yet"}
        token = {"accessToken": TOKEN, "tokenType": "Bearer", "expiresIn": 28800, "refreshToken": None}
        body = {**own, "grantType": DEVICE_CODE_GRANT, "deviceCode": CODE}
        kind = "AuthorizationPendingException" if error else ""
        sent.append(posted(at, "/token", body, 400 if error else 200, refused if error else token, kind))
        at += 0.05
    return Traffic(sent)


def noise():
    """What a browser loads besides."""
    html = (("Content-Type", "text/html"), ("Set-Cookie", "sid=cookie-value-12345"))
    return [
        Sent(
            0.0,
            "https://login.example/",
            b"",
            200,
            "<html></html>",
            (("Cookie", "sid=cookie-value-12345"),),
            html,
            method="GET",
        ),
        Sent(0.2, "data:image/png;base64,AAAA", b"", 200, "", (), (), method="GET"),
        Sent(
            0.3,
            "https://login.example/oauth2/token",
            b"grant_type=authorization_code&code=zzzz",
            200,
            {"access_token": "x"},
        ),
    ]


# Formats.


def iso(at, *, whole=False):
    moment = datetime.fromtimestamp(BEGAN + at, UTC)
    return moment.isoformat(timespec="seconds" if whole else "milliseconds").replace("+00:00", "Z")


def _named(pairs):
    return [{"name": name, "value": value} for name, value in pairs]


def _lists(pairs):
    return {name: [value] for name, value in pairs}


def har(traffic, *, encoded=True, times=True, whole=False):
    entries = []
    for one in traffic.sent:
        text = base64.b64encode(one.content.encode()).decode() if encoded else one.content
        content = {"size": len(one.content), "mimeType": "application/json", "text": text}
        entry = {
            "request": {"method": one.method, "url": one.url, "httpVersion": "h2", "headers": _named(one.headers)},
            "response": {"status": one.status, "headers": _named(one.answered), "content": content},
            "cache": {},
        }
        if one.body:
            entry["request"]["postData"] = {"mimeType": "", "text": one.body.decode()}
        if encoded:
            content["encoding"] = "base64"
        if times:
            entry |= {"startedDateTime": iso(one.at, whole=whole), "time": one.took * 1000}
        if one.error:
            entry["response"] = {"status": 0, "headers": [], "content": {"size": 0}, "_error": one.error}
        entries.append(entry)
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "made up"}, "entries": entries}})


def vcr(traffic, *, layout="vcrpy", as_json=False):
    listed = []
    for one in traffic.sent:
        request = {"method": one.method, "uri": one.url, "body": one.body.decode(), "headers": _lists(one.headers)}
        response = {"status": {"code": one.status, "message": ""}, "headers": _lists(one.answered)}
        response["body"] = {"string": one.content}
        interaction = {"request": request, "response": response}
        match layout:
            case "httpx":
                response = {"http_version": "HTTP/1.1", "status_code": one.status, "headers": _lists(one.answered)}
                interaction["response"] = {**response, "content": one.content}
            case "betamax":
                request["body"] = {"encoding": "utf-8", "string": one.body.decode()}
                octets = base64.b64encode(one.content.encode()).decode()
                response["body"] = {"encoding": None, "base64_string": octets}
                interaction["recorded_at"] = iso(one.at, whole=True)
        listed.append(interaction)
    name = "http_interactions" if layout == "betamax" else "interactions"
    return json.dumps({name: listed}) if as_json else yaml.dump({"version": 1, name: listed}, Dumper=yaml.CSafeDumper)


def tape(traffic):
    """A single file of a cassette of ours, without its manifest."""
    data = yaml.load(vcr(traffic), Loader=yaml.CSafeLoader)
    for place, (one, interaction) in enumerate(zip(traffic.sent, data["interactions"], strict=True)):
        interaction["device_grant"] = {"check": "made::up", "place": place, "at": one.at, "took": one.took}
    own = {"format": 2, "checks": [{"check": "made::up", "began": 0.0}]}
    return yaml.dump({**data, "device_grant": own}, Dumper=yaml.CSafeDumper)

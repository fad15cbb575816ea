"""Small clients that speak the dialects of the field, each as the programs do that know one provider alone."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

from device_grant.client.drivers.config import Claims, ClientConfig, RunSection, SpeaksSection
from device_grant.client.session.run import ClientRun
from device_grant.protocol import DEVICE_CODE_GRANT, Request, any_dialect
from support.client_proof import catalogue
from support.small_client import FORM, GiveUp, SmallClient

OLD_GRANT = "http://oauth.net/grant_type/device/1.0"
PENDING, SLOW, DENIED, EXPIRED = "authorization_pending", "slow_down", "access_denied", "expired_token"


class FieldClient(SmallClient):
    """Honest to RFC 8628 and ready for the provider's own names; what it needs is only there at that provider's."""

    speaks = "okta"
    claims = Claims(registration=False)
    as_json = False
    accept = ""
    uri = "verification_uri"
    code = "device_code"
    needed: tuple[str, ...] = ()
    """Members of the first answer that it cannot do without."""
    grant: str | None = DEVICE_CODE_GRANT
    with_secret = False
    statuses: tuple[int, ...] = (400,)
    """Of answers to polls in which it looks for an error at all."""

    def __init__(self, judged_as: str = "") -> None:
        super().__init__()
        self.config = ClientConfig(
            name=type(self).__name__,
            run=RunSection(command=("small",)),
            claims=self.claims,
            speaks=SpeaksSection(dialect=self.speaks, judged_as=judged_as),
        )

    # What the broken ones do otherwise.

    def pause(self, interval: float) -> None:
        self.wait(interval)

    def slower(self, interval: float, said: dict[str, Any]) -> float:
        del said
        return interval + 5

    def refused(self, state: str) -> None:
        raise GiveUp(state)

    # The provider's way.

    def start_members(self) -> dict[str, str]:
        return {"client_id": self.given["CLIENT_ID"], "scope": self.given.get("SCOPE", "")}

    def start(self) -> dict[str, Any]:
        status, said = self.send(self.given["DEVICE_AUTHORIZATION_ENDPOINT"], self.start_members())
        wanted = (self.code, "user_code", self.uri, "expires_in", *self.needed)
        if status != 200 or any(not said.get(name) for name in wanted):
            raise GiveUp(f"no codes: answer {status}")
        self.say(said.get("message") or f"open {said[self.uri]} and type {said['user_code']}")
        return said

    def poll_members(self, said: dict[str, Any]) -> dict[str, str]:
        own = {"client_id": self.given["CLIENT_ID"], self.code: said[self.code]}
        own |= {} if self.grant is None else {"grant_type": self.grant}
        return own | ({"client_secret": self.given.get("CLIENT_SECRET", "")} if self.with_secret else {})

    def poll(self, said: dict[str, Any]) -> dict[str, Any]:
        ends, interval = self.now + float(said["expires_in"]), float(said.get("interval") or 5)
        while True:
            self.pause(interval)
            if self.now > ends:
                raise GiveUp("expired")
            status, answer = self.send(self.token_endpoint(), self.poll_members(said))
            if status == 200 and answer.get("access_token"):
                return answer
            state = self.state(status, answer)
            if state == SLOW:
                interval = self.slower(interval, answer)
            elif state != PENDING:
                self.refused(state)

    def state(self, status: int, said: dict[str, Any]) -> str:
        return str(said.get("error")) if status in self.statuses else f"answer {status}"

    def send(self, url: str, members: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and members of the answer, JSON or a form."""
        authority = self.invocation.authority
        content = (json.dumps(members) if self.as_json else urlencode(members)).encode()
        label = "application/json" if self.as_json else FORM
        headers = (("Content-Type", label), ("Content-Length", str(len(content))))
        headers += (("Accept", self.accept),) if self.accept else ()
        request = Request("POST", url, headers, content)
        request = Request("POST", url, headers, content, authority.operation(request))
        reply = authority.answer(request)
        exchange = authority.record(request, reply, self.now, self.now + reply.delay, "1")
        if reply.fate == "hang":
            raise TimeoutError
        if exchange.response is None or exchange.error:
            raise GiveUp("the connection was lost")
        self.now += reply.delay
        if exchange.response.media_type == FORM:
            return exchange.response.status, dict(parse_qsl(exchange.response.content.decode()))
        return exchange.response.status, self.members(exchange) if exchange.response.content else {}


class Entra(FieldClient):
    speaks, grant, needed = "entra", "device_code", ("message",)

    def state(self, status, said):
        error = super().state(status, said)
        return DENIED if error == "authorization_declined" else error


class Google(FieldClient):
    speaks, uri, with_secret, statuses = "google", "verification_url", True, (400, 403, 428)


class OldGoogle(Google):
    speaks, grant, as_json = "google-legacy", OLD_GRANT, True

    def poll_members(self, said):
        members = super().poll_members(said)
        return {"code" if name == "device_code" else name: value for name, value in members.items()}


class GitHub(FieldClient):
    """Reads forms, wants errors with status 200, and waits as slow_down says."""

    speaks, statuses = "github", (200,)

    def slower(self, interval, said):
        del interval
        return float(said["interval"])


class GitHubByJson(GitHub):
    as_json, accept = True, "application/json"


class Okta(FieldClient):
    pass


class GitLab(FieldClient):
    speaks = "gitlab"


class Keycloak(FieldClient):
    speaks = "keycloak"


class Auth0(FieldClient):
    speaks, as_json, statuses = "auth0", True, (403, 429)


class Twitch(FieldClient):
    speaks = "twitch"

    def start_members(self):
        members = super().start_members()
        return {"client_id": members["client_id"], "scopes": members["scope"]}

    def state(self, status, said):
        return str(said.get("message")) if status == 400 else f"answer {status}"


class Facebook(FieldClient):
    speaks, code, grant = "facebook", "code", None
    numbers = {1349174: PENDING, 1349172: SLOW, 1349152: EXPIRED}  # noqa: RUF012 - never changed

    def start_members(self):
        return {"access_token": f"{self.given['CLIENT_ID']}|token", "scope": "email,public_profile"}

    def poll_members(self, said):
        return {"access_token": f"{self.given['CLIENT_ID']}|token", "code": said["code"]}

    def state(self, status, said):
        error = said.get("error")
        return self.numbers.get(error.get("error_subcode"), DENIED) if isinstance(error, dict) else f"answer {status}"


class Trakt(FieldClient):
    speaks, as_json, grant, uri, with_secret = "trakt", True, None, "verification_url", True

    def poll_members(self, said):
        members = super().poll_members(said)
        return {"code" if name == "device_code" else name: value for name, value in members.items()}

    def state(self, status, said):
        del said
        return {400: PENDING, 429: SLOW, 418: DENIED, 410: EXPIRED}.get(status, f"answer {status}")


class FirstEntra(Entra):
    """As ADAL's: a resource instead of scopes, the parameter code, and numbers that are texts."""

    speaks, uri = "entra-v1", "verification_url"

    def start_members(self):
        return {"client_id": self.given["CLIENT_ID"], "resource": "https://graph.example.com/"}

    def poll_members(self, said):
        members = super().poll_members(said)
        return {"code" if name == "device_code" else name: value for name, value in members.items()}


class Huawei(FieldClient):
    speaks, as_json, with_secret = "huawei-identity-center", True, True

    def start_members(self):
        own = {"client_id": self.given["CLIENT_ID"], "client_secret": self.given.get("CLIENT_SECRET", "")}
        return own | {"start_url": "https://example.com/portal"}

    def send(self, url, members):
        status, said = super().send(url, members)
        return status, said.get("token_info", {} if status == 200 and "user_code" not in said else said)


class Bmw(FieldClient):
    speaks = "bmw-cardata"
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    extra: dict[str, str] = {"response_type": "device_code"}  # noqa: RUF012 - never changed

    def start_members(self):
        proof = {"code_challenge": self.challenge, "code_challenge_method": "S256"} if self.challenge else {}
        return super().start_members() | self.extra | proof

    def poll_members(self, said):
        return super().poll_members(said) | {"code_verifier": self.verifier}


class Oracle(FieldClient):
    speaks = "oracle-idcs"

    def start_members(self):
        return super().start_members() | {"response_type": "device_code"}


class Authentik(FieldClient):
    speaks = "authentik"

    def start_members(self):
        return {"client_id": self.given["CLIENT_ID"], "scopes": self.given.get("SCOPE", "")}


class PingAm(FieldClient):
    """Takes 403 alone for pending."""

    speaks, statuses = "pingam", (400, 403)

    def state(self, status, said):
        error = super().state(status, said)
        if error == PENDING and status != 403:
            return f"answer {status}"
        return DENIED if error == "authorization_declined" else error


def opened(client: FieldClient) -> ClientRun:
    """As the command line opens it: with the first login."""
    run = ClientRun(client, any_dialect(client.config.judged_by), catalogue())
    run.handshake()
    return run

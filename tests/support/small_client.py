"""A client of some sixty lines, honest; clients that are odd or broken override what they do otherwise.

It speaks to the scripted server without sockets, on a clock that moves only where it waits.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit

from device_grant.catalogue import Catalogue, load
from device_grant.client.drivers.config import Claims, ClientConfig, ResponseSection, RunSection
from device_grant.client.drivers.invocation import Ended
from device_grant.client.session.run import ClientRun
from device_grant.engine import run_check
from device_grant.protocol import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, Exchange, Request, dialect

if TYPE_CHECKING:
    from device_grant.client.drivers.invocation import Invocation
    from device_grant.protocol.certificates import ClientCertificate

FORM = "application/x-www-form-urlencoded"
BASE = "http://127.0.0.1:1"
START_MEMBERS = ("device_code", "user_code", "verification_uri", "expires_in")


class GiveUp(Exception):  # noqa: N818 - how a login ends
    """The client ends with status 1 and these words."""


class SmallClient:
    """One run after another against the scripted server; a driver of the suite."""

    spec = "small"
    clock = "simulated"
    scale = 1.0
    dialect_name = "rfc8628"
    claims = Claims(refresh=True, confidential=True, metadata=True, keeps=True, registration=False)
    response = ResponseSection()

    def __init__(self) -> None:
        run = RunSection(command=("small",))
        self.config = ClientConfig(
            name=type(self).__name__, dialect=self.dialect_name, run=run, claims=self.claims, response=self.response
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was prepared."""

    def rest(self, seconds: float, ended: Ended) -> None:
        self.rested += seconds + ended.at

    def run(self, invocation: Invocation) -> Ended:
        self.invocation, self.now, self.lines = invocation, 0.0, list[str]()
        self.rested = getattr(self, "rested", 0.0)
        invocation.authority.base = BASE
        self.given = {name.removeprefix("DEVICE_GRANT_"): value for name, value in invocation.variables().items()}
        work = {"flow": self.flow, "refresh": self.refresh}[invocation.operation]
        try:
            work()
        except (GiveUp, KeyError) as reason:
            return Ended(1, "\n".join(self.lines), str(reason), self.now)
        except TimeoutError:
            return Ended(None, "\n".join(self.lines), "", self.now)
        return Ended(0, "\n".join(self.lines), "", self.now)

    # What others do otherwise.

    def flow(self) -> None:
        self.discover()
        self.got(self.poll(self.start()))

    def discover(self) -> None:
        if "DISCOVER" not in self.given:
            return
        for place in self.places():
            answer = self.ask("GET", BASE + place)
            if answer.status == 200:
                self.read_metadata(answer)
                return
        raise GiveUp("no metadata")

    def places(self) -> list[str]:
        path = urlsplit(self.given["ISSUER"]).path.rstrip("/")
        return [f"/.well-known/oauth-authorization-server{path}", f"{path}/.well-known/openid-configuration"]

    def read_metadata(self, answer: Exchange) -> None:
        document = answer.response.json() if hasattr(answer.response, "json") else json.loads(answer.response.content)
        if document["issuer"] != self.given["ISSUER"]:
            raise GiveUp("another issuer")
        for name in ("device_authorization_endpoint", "token_endpoint"):
            self.given[name.upper()] = document[name]

    def start(self) -> dict[str, Any]:
        answer = self.ask("POST", self.given["DEVICE_AUTHORIZATION_ENDPOINT"], {"scope": self.given.get("SCOPE", "")})
        said = self.members(answer)
        if answer.status != 200 or any(name not in said for name in START_MEMBERS):
            raise GiveUp(f"no codes: {said.get('error')}")
        self.say(f"open {said['verification_uri']} and type {said['user_code']}")
        return said

    def poll(self, said: dict[str, Any]) -> dict[str, Any]:
        ends = self.now + said["expires_in"]
        interval = said.get("interval") or 5
        while True:
            self.wait(interval)
            if self.now > ends:
                raise GiveUp("expired")
            answer = self.ask("POST", self.token_endpoint(), self.poll_members(said))
            members = self.members(answer)
            if answer.status == 200 and "access_token" in members:
                return members
            if members.get("error") == "slow_down":
                interval += 5
            elif members.get("error") != "authorization_pending":
                raise GiveUp(str(members.get("error") or f"answer {answer.status}"))

    def poll_members(self, said: dict[str, Any]) -> dict[str, str]:
        return {"grant_type": DEVICE_CODE_GRANT, "device_code": said["device_code"]}

    def token_endpoint(self) -> str:
        return self.given["TOKEN_ENDPOINT"]

    def refresh(self) -> None:
        kept = self.kept()
        token = self.given.get("REFRESH_TOKEN") or kept.get("refresh_token")
        members = {"grant_type": REFRESH_TOKEN_GRANT, "refresh_token": token}
        answer = self.ask("POST", self.token_endpoint(), members)
        if answer.status != 200:
            raise GiveUp("refused")
        self.got({"refresh_token": token, **self.members(answer)})

    def got(self, members: dict[str, Any]) -> None:
        (self.invocation.home.path / "tokens.json").write_text(json.dumps({**members, "at": self.rested + self.now}))
        (self.invocation.home.path / "tokens.json").chmod(0o600)
        self.say(f"device-grant: token {members['access_token']}")

    def further_headers(self, method: str, url: str, members: dict[str, Any]) -> tuple[tuple[str, str], ...]:
        del method, url, members
        return ()

    def shown(self, url: str) -> ClientCertificate | None:
        """The certificate that it shows to the server there."""
        del url

    # What all do.

    def kept(self) -> dict[str, Any]:
        file = self.invocation.home.path / "tokens.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def say(self, line: str) -> None:
        self.lines.append(line)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        limit = self.invocation.until if self.invocation.until is not None else self.invocation.wait + 20
        if self.now > limit or self.invocation.authority.enough:
            self.now = min(self.now, limit)
            raise TimeoutError

    def ask(self, method: str, url: str, members: dict[str, Any] | None = None, bearer: str = "") -> Exchange:
        authority = self.invocation.authority
        content = b""
        if members is not None:
            own = {"client_id": self.given.get("CLIENT_ID", "me"), **members}
            content = urlencode({name: value for name, value in own.items() if value}).encode()
        headers = (("Content-Type", FORM), ("Content-Length", str(len(content)))) if content else ()
        headers += (("Authorization", f"Bearer {bearer}"),) if bearer else ()
        headers += self.further_headers(method, url, members or {})
        request = Request(method, url, headers, content)
        operation = authority.operation(request)
        request = Request(method, url, headers, content, operation, certificate=self.shown(url))
        reply = authority.answer(request)
        exchange = authority.record(request, reply, self.now, self.now + reply.delay, "1")
        if reply.fate == "hang":
            raise TimeoutError
        if exchange.response is None or exchange.error:
            raise GiveUp("the connection was lost")
        self.now += reply.delay
        return exchange

    @staticmethod
    def members(answer: Exchange) -> dict[str, Any]:
        try:
            said = json.loads(answer.response.content)
        except ValueError:
            raise GiveUp("not JSON") from None
        return said if isinstance(said, dict) else {}


@cache
def catalogue() -> Catalogue:
    return load()


def said_of(client: SmallClient, check: str):
    """The verdicts of one scenario, by requirement, and why it ended early."""
    return run_check(ClientRun(client, dialect(client.dialect_name), catalogue()), check)


def verdicts_of(client: SmallClient, check: str) -> dict[str, str]:
    """The labels of the verdicts of one scenario, by requirement."""
    return {name: verdict.label for name, verdict in said_of(client, check).verdicts.items()}

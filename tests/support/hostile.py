"""Servers that answer anything: an honest one, whose answers are changed as Hypothesis draws it."""

from __future__ import annotations

import json
import random
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from peer_aws import HonestAws
from peer_records import Client
from peer_rfc import Honest

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy
    from peer_wire import Answer

PERSON = Path(__file__).parents[1] / "peers" / "person.py"
PLACES = ("registration", "start", "token", "metadata", "pages")
DEEP = 100_000
LONG = "1" * 5000
KNOWN = tomllib.loads(Path(__file__).with_name("hostile_values.toml").read_text())
VALUES = (
    *KNOWN["values"],
    *(LONG, "-" + LONG, "1" * 400, f'"{"a" * 10_000}"', f'"{"é" * 70_000}"', "[" * 50 + "]" * 50),
    "[" + ",".join(["1"] * 3000) + "]",
    "{" + ",".join(f'"m{number}":{number}' for number in range(2000)) + "}",
)
ADDRESSES = (*KNOWN["addresses"], f"http://{'a' * 64}.test/", f"http://target.test/{'a' * 70_000}")
MEMBERS = {place: KNOWN["members"].get(place, []) for place in PLACES}
BODIES = (
    *(body.encode("latin-1") for body in KNOWN["bodies"]),
    *(b"[" * DEEP, b'{"a":' * DEEP, b"[" * DEEP + b"]" * DEEP, b"<p>" * 50_000, b" " * 1_000_000),
    b'{"user_code":"' + b"A" * 1_000_000 + b'"}',
)
STATUSES = KNOWN["statuses"]
LOCATIONS = [place for place in ADDRESSES if place.isascii() and "\n" not in place]
FIELDS = {**KNOWN["fields"], "Location": [*LOCATIONS, "\xff", "/device", "/login"]}
FIELDS["Retry-After"].append(LONG)
FIELDS["WWW-Authenticate"] += ["Basic " + "a" * 20_000, "x" * 5000 + " =" * 5000]
FIELDS["x-amzn-ErrorType"].append("a" * 5000)
WHEN = ("always", "always", "always", "half", "once", "later", "first")


@dataclass(frozen=True)
class Change:
    """What is done to the answers of a place."""

    place: str
    when: str
    kind: str
    """member, drop, body, status, header, headers gone, cut, broken."""
    name: str = ""
    value: str = ""
    body: bytes = b""
    status: int = 0

    def __str__(self) -> str:
        what = self.value or (self.body and repr(self.body)) or self.status
        return f"{self.place} {self.when}: {self.kind} {self.name} {str(what)[:70]!r}"

    def applied(self, answer: Answer) -> Answer:
        """The answer with the change."""
        given, others = (
            (self.name, self.value),
            [pair for pair in answer.headers if pair[0].lower() != self.name.lower()],
        )
        changed = {
            "body": {"body": self.body},
            "status": {"status": self.status},
            "header": {"headers": [*others, given]},
            "another header": {"headers": [*answer.headers, given]},
            "no header": {"headers": others},
            "redirect": {"headers": [*answer.headers, given], "status": self.status},
        }
        if self.kind in ("member", "drop", "all members"):
            return replace(answer, body=self._members(answer.body))
        return replace(answer, **changed.get(self.kind, {}))

    def _members(self, body: bytes) -> bytes:
        try:
            members = json.loads(body)
        except ValueError:
            return body
        if not isinstance(members, dict):
            return body
        name = self.name
        if name not in members and camel(name) in members:
            name = camel(name)
        if self.kind == "drop":
            members.pop(name, None)
            return json.dumps(members).encode()
        names = list(members) if self.kind == "all members" else [name]
        # By hand: what stands there need not be anything that a JSON library writes.
        texts = {key: json.dumps(value) for key, value in members.items()} | dict.fromkeys(names, self.value)
        text = "{" + ", ".join(f"{json.dumps(key)}: {value}" for key, value in texts.items()) + "}"
        return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Plan:
    """A server, and what is wrong with it."""

    dialect: str
    changes: tuple[Change, ...]
    configured: bool
    """Whether target.toml says where the endpoints are, so that the run does not depend on metadata."""
    user_codes: int = 0
    """How many user codes there are; 0: enough."""
    seed: int = 0
    known: str = ""
    """How the clients of target.toml authenticate; empty: clients register."""
    walked: bool = False
    """Whether the preflight is, which keeps checks from what it finds broken."""

    def __str__(self) -> str:
        configured = " configured" if self.configured else ""
        said = f"{self.dialect}{configured} codes={self.user_codes} known={self.known!r} walked={self.walked}"
        return "\n  ".join([said, *map(str, self.changes)])


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def changes(place: str) -> SearchStrategy[Change]:
    """What may be done at one place; mostly one member of what is said there."""
    when, names = st.sampled_from(WHEN), st.sampled_from(MEMBERS[place] or [""])
    addresses = [name for name in MEMBERS[place] if "uri" in name or "endpoint" in name or name == "issuer"]
    fields = st.sampled_from(sorted(FIELDS)).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from(FIELDS[name]))
    )

    def change(kind: str, **members: SearchStrategy) -> SearchStrategy[Change]:
        return st.builds(Change, place=st.just(place), when=when, kind=st.just(kind), **members)

    def with_field(kind: str) -> SearchStrategy[Change]:
        return fields.flatmap(lambda pair: change(kind, name=st.just(pair[0]), value=st.just(pair[1])))

    kinds = [
        change("body", body=st.one_of(st.sampled_from(BODIES), st.binary(max_size=40))),
        change("status", status=st.sampled_from(STATUSES)),
        with_field("header"),
        with_field("another header"),
        change("no header", name=st.sampled_from(sorted(FIELDS))),
        change(
            "redirect",
            name=st.just("Location"),
            value=st.sampled_from(FIELDS["Location"]),
            status=st.sampled_from((301, 302, 303, 307, 308)),
        ),
        change("cut"),
        change("broken"),
    ]
    if MEMBERS[place]:
        kinds += [change("member", name=names, value=st.sampled_from(VALUES))] * 8
        kinds += [change("drop", name=names)] * 2
        kinds += [change("all members", value=st.sampled_from(VALUES))]
    if addresses:
        kinds.append(
            change("member", name=st.sampled_from(addresses), value=st.sampled_from(ADDRESSES).map(json.dumps))
        )
    return st.sampled_from(kinds).flatmap(lambda chosen: chosen)


def plans() -> SearchStrategy[Plan]:
    return st.builds(
        Plan,
        dialect=st.sampled_from(("rfc8628", "aws-sso-oidc")),
        changes=st.lists(st.sampled_from(PLACES).flatmap(changes), min_size=1, max_size=3).map(tuple),
        configured=st.booleans(),
        user_codes=st.sampled_from((0, 0, 0, 1, 3)),
        seed=st.integers(0, 1000),
        walked=st.booleans(),
        known=st.sampled_from(("", "", "", "none", "client_secret_post", "client_secret_basic")),
    )


class Hostile:
    """Mixed into an honest server."""

    def obey(self, plan: Plan) -> None:
        self.plan = plan
        self.random = random.Random(plan.seed)
        self.counts: dict[Change, int] = {}

    def place(self, path: str) -> str:
        places = {self.register_path: "registration", self.start_path: "start", self.token_path: "token"}
        if path.startswith("/.well-known"):
            return "metadata"
        return places.get(path.rstrip("/"), "pages")

    def new_user_code(self) -> str:
        if self.plan.user_codes:
            return f"BCDF-GHJ{'KLMN'[self.random.randrange(self.plan.user_codes)]}"
        return super().new_user_code()

    def wanted(self, place: str) -> list[Change]:
        return [change for change in self.plan.changes if change.place == place and self.now(change)]

    def now(self, change: Change) -> bool:
        self.counts[change] = count = self.counts.get(change, 0) + 1
        match change.when:
            case "half":
                return self.random.random() < 0.5
            case "once":
                return count == 3
            case "first":
                return count <= 3
            case "later":
                return count > 5
            case _:
                return True

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
            return
        chosen = self.wanted(self.place(scope["path"]))
        if any(change.kind == "broken" for change in chosen):
            raise RuntimeError("this server is broken")
        if any(change.kind == "cut" for change in chosen):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            return
        scope["hostile"] = chosen
        await super().__call__(scope, receive, send)

    def receive(self, scope, body: bytes) -> Answer:
        answer = super().receive(scope, body)
        for change in scope["hostile"]:
            answer = change.applied(answer)
        return answer


class HostileRfc(Hostile, Honest):
    pass


class HostileAws(Hostile, HonestAws):
    pass


SERVERS = {"rfc8628": HostileRfc, "aws-sso-oidc": HostileAws}


def server(plan: Plan) -> Hostile:
    app = SERVERS[plan.dialect]()
    app.obey(plan)
    for name in ("first", "second") if plan.known else ():
        secret = "" if plan.known == "none" else f"secret-of-the-{name}-client"
        scope = " ".join(app.scopes)
        app.clients[f"{name}-client"] = Client(
            f"{name}-client", secret, plan.known, tuple(app.grant_types), scope, name
        )
    return app


def target_toml(plan: Plan) -> str:
    lines = [f'name = "hostile"\ndialect = "{plan.dialect}"', "[serve]", 'app = "asgi:nowhere:app"']
    lines += ["[user]", f"module = {json.dumps(str(PERSON))}", '[clock]\nkind = "travel"']
    if plan.configured:
        app = SERVERS[plan.dialect]
        paths = {"device_authorization": app.start_path, "token": app.token_path, "registration": app.register_path}
        lines += ["[endpoints]", *(f'{name} = "{path}"' for name, path in paths.items())]
    for name in ("first", "second") if plan.known else ():
        lines += ["[[clients]]", f'id = "{name}-client"', f'authentication = "{plan.known}"']
        lines += [] if plan.known == "none" else [f'secret = "secret-of-the-{name}-client"']
    return "\n".join(lines) + "\n"

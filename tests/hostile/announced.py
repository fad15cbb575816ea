"""Lies of what comes first: metadata and registration."""

from __future__ import annotations

from itertools import count, starmap
from typing import TYPE_CHECKING

from hostile.modes import EVERYWHERE, REACHING, RFC, Mode, at, literal, member, some, success
from hostile.values import ADDRESSES, ESCAPES, TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hostile.honest import Answer
    from hostile.wire import Exchange

METADATA = (*REACHING["metadata"], *EVERYWHERE)
LISTS = {
    "a million": '["a"' + ', "a"' * 1_000_000 + "]",
    "depth": "[" * 900 + "]" * 900,
    "numbers": "[1, 2.5, null, true, {}, [], NaN]",
    "object": '{"a": "b"}',
    "escapes": '["\\u001b[2J\\u009b2J", "\\ud800"]',
}
NUMBERS = count()


def other_client(exchange: Exchange) -> Answer:
    """Each answer to a registration names somebody else, whom the server has never seen."""
    return member("registration", "client_id", f"stranger-{next(NUMBERS)}")(exchange) or exchange.answer


def other_host(exchange: Exchange) -> Answer:
    """All endpoints at an address of this machine at which nobody listens."""
    members = {
        name: "http://localhost.test.invalid:1/" + name if name.endswith("endpoint") else value
        for name, value in (exchange.answer.members or {}).items()
    }
    return exchange.answer.replaced(members=members)


def everything(exchange: Exchange) -> Answer:
    """Every member of the metadata names an endpoint that is the metadata document itself."""
    address = f"{exchange.server.base}/.well-known/oauth-authorization-server"
    more = ("jwks_uri", "authorization_endpoint", "userinfo_endpoint", "revocation_endpoint", "introspection_endpoint")
    names = [*(exchange.answer.members or {}), *more]
    members = {
        n: address if n.endswith(("_endpoint", "_uri")) else (exchange.answer.members or {}).get(n) for n in names
    }
    return exchange.answer.replaced(members=members)


def registered(name: str, value: object, said: str = "") -> Mode:
    said = said or ascii(value)[:20]
    return Mode(f"registration: {name} {said}", member("registration", name, value), terminal=said == "escapes")


def addresses(name: str) -> Iterator[Mode]:
    for lie, text in ADDRESSES.items():
        terminal = "escapes" in lie
        yield Mode(f"metadata: {name} {lie}", member("metadata", name, text), (RFC,), METADATA, terminal=terminal)


def refused(members: dict[str, object]) -> Callable[[Exchange], Answer]:
    return lambda exchange: exchange.answer.replaced(status=400, members=members)


REGISTERED: tuple[tuple[str, object], ...] = (
    ("client_secret_expires_at", 1),
    ("client_secret_expires_at", 1_700_000_000),
    ("client_secret_expires_at", -(10**30)),
    ("client_id_issued_at", 10**400),
    ("client_secret_expires_at", "tomorrow"),
    ("client_secret", "s" * 1_000_000),
    ("client_id", "c" * 1_000_000),
    ("client_id", {"a": ["b"]}),
    ("client_secret", None),
    ("token_endpoint_auth_method", "private_key_jwt"),
    ("grant_types", ["x"] * 100_000),
    ("client_name", ESCAPES),
)
ENDPOINTS = ("null", "5", "[]", '{"a": 1}', '""', '"relative"', '"//127.0.0.1:1/"')
METHODS = "token_endpoint_auth_methods_supported"
DOCTOR = {
    "honest": None,
    "interval 1e308": literal("start", "interval", "1e308"),
    "lone surrogate": member("start", "user_code", "\ud800"),
    "escapes": member("start", "user_code", ESCAPES),
    "bad address": member("start", "verification_uri", "http://[::1/"),
    "word": member("start", "device_code", "test"),
    "error of escapes": at("token", refused({"error": ESCAPES, "error_description": ESCAPES})),
    "metadata with a bad address": member("metadata", "token_endpoint", "http://[::1/token"),
    "escapes in metadata": member("metadata", "token_endpoint", "http://127.0.0.1/" + ESCAPES),
}

MODES = [
    *some(3, addresses("token_endpoint")),
    *some(5, addresses("issuer")),
    *some(5, addresses("device_authorization_endpoint")),
    *some(5, addresses("registration_endpoint")),
    *some(5, addresses("jwks_uri")),
    Mode("metadata: endpoints of another host", success("metadata", other_host), (RFC,), METADATA),
    Mode("metadata: everything is the metadata", success("metadata", everything), (RFC,), METADATA),
    *some(
        5,
        (
            Mode(f"metadata: endpoint that is {text}", literal("metadata", "token_endpoint", text), (RFC,), METADATA)
            for text in ENDPOINTS
        ),
    ),
    *some(
        3,
        (
            Mode(f"metadata: list of {lie}", literal("metadata", METHODS, text), (RFC,), METADATA, terminal=True)
            for lie, text in LISTS.items()
        ),
    ),
    *some(
        5,
        (
            Mode(f"metadata: text of {lie}", member("metadata", "op_policy_uri", text), (RFC,), METADATA, terminal=True)
            for lie, text in TEXTS.items()
        ),
    ),
    Mode(
        "metadata: signed by nobody", member("metadata", "signed_metadata", "e30." * 20_000), (RFC,), ("metadata::*",)
    ),
    Mode("registration: other client each time", at("registration", other_client)),
    *some(3, starmap(registered, REGISTERED)),
    *some(5, (registered("client_id", text, lie) for lie, text in TEXTS.items())),
    *some(5, (registered("client_secret", text, lie) for lie, text in TEXTS.items())),
    Mode("registration: no client, ever", at("registration", refused({}))),
    *some(3, (Mode(f"doctor: {name}", lie, command="doctor", terminal=True) for name, lie in DOCTOR.items())),
]

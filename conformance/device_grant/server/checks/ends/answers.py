"""What the answers of an introspection endpoint must be, whatever was asked (RFC 7662 section 2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_grant.protocol.dialects import json_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from device_grant.judging import Verify
    from device_grant.server.session.asking import Introspected

OBJECT = "rfc7662-2.2-json-object"
ACTIVE = "rfc7662-2.2-active"
TYPES = "rfc7662-2.2-member-types"
NOTHING_MORE = "rfc7662-2.2-nothing-more-about-inactive"
_OK = 200
_TEXTS = ("scope", "client_id", "username", "token_type", "sub", "iss", "jti")
_TIMES = ("exp", "iat", "nbf")


def verify_answers(verify: Verify, answers: Iterable[Introspected]) -> None:
    """Judge the form of every success: one JSON object, `active` a boolean, the registered members of their types."""
    for said in answers:
        if said.exchange.status != _OK or said.exchange.response is None:
            continue
        response = said.exchange.response
        whole = json_object(response) is not None and response.media_type == "application/json"
        verify.that(OBJECT, whole, "an introspection is not answered by a JSON object", said.exchange)
        right = isinstance(said.members.get("active"), bool)
        verify.that(ACTIVE, right, "active is not true or false", said.exchange)
        wrong = mistyped(said.members)
        verify.that(TYPES, not wrong, f"members of other types than registered: {', '.join(wrong)}", said.exchange)


def verify_silence(verify: Verify, answers: Iterable[Introspected]) -> None:
    """Judge that of tokens which are not active nothing else is said."""
    for said in answers:
        if said.active is False:
            more = sorted(name for name, value in said.members.items() if name != "active" and value is not None)
            problem = "more than active is said of a token that is not active"
            verify.that(NOTHING_MORE, not more, problem, said.exchange, got=", ".join(more))


def mistyped(members: Mapping[str, Any]) -> list[str]:
    """The registered members whose values have other types; null is taken for absent."""
    wrong = [name for name in _TEXTS if not isinstance(members.get(name), str | None)]
    wrong += [name for name in _TIMES if not _whole(members.get(name))]
    if not _audience(members.get("aud")):
        wrong.append("aud")
    if not isinstance(members.get("cnf"), dict | None):
        wrong.append("cnf")
    return wrong


def _whole(value: object) -> bool:
    """Whether it is an integer, which JSON may write as 1e9 or 1.0, or absent."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int | None) and not isinstance(value, bool)


def _audience(value: object) -> bool:
    several = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return several or isinstance(value, str | None)

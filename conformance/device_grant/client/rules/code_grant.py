"""Sign-ins by the authorization code grant: what the client registers, asks for and redeems (RFC 7636, RFC 8252)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from device_grant.client.scripted.code_grant import CHALLENGE, VERIFIER, challenge_of, query_of
from device_grant.judging import Judgement, rule
from device_grant.protocol.names import snake
from device_grant.protocol.reading import json_body, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.client.rules.session import ClientSession
    from device_grant.protocol import Exchange

REGISTERED = "aws-client-code-registration"
REDEEMED = "aws-client-code-token-request"
SYNTAX, S256 = "rfc7636-4.1-verifier-syntax", "rfc7636-4.2-s256"
NO_PLAIN = "rfc7636-7.2-no-plain"
SENT, PROVED = "rfc7636-4.3-challenge-sent", "rfc7636-4.5-verifier-sent"
NO_DOWNGRADE = "rfc7636-7.2-no-downgrade"
WEAKER = "after a challenge by S256 it goes on with plain, or without a challenge"
ONCE = "rfc6749-4.1.2-client-uses-code-once"


@rule(REGISTERED, faults=("other_path_registered",))
def what_is_used_is_registered(session: ClientSession) -> Iterator[Judgement]:
    """The redirect URI of an authorization request is a registered one, its port aside; so are grant and scopes."""
    for entry in session.authorizations:
        asked = query_of(entry.request)
        registered = _registration_of(session, asked.get("client_id", ""))
        if registered is None:
            continue
        problem = _unregistered(asked, registered)
        yield Judgement(REGISTERED, not problem, problem or "", (entry,))


def _registration_of(session: ClientSession, client_id: str) -> dict[str, Any] | None:
    """What was registered for that client, canonical names; None where the record does not show it."""
    for entry in reversed(session.registrations):
        if entry.outcome.ok and entry.get("client_id") == client_id:
            return {snake(name): value for name, value in (json_body(entry.request) or {}).items()}
    return None


def _unregistered(asked: dict[str, str], registered: dict[str, Any]) -> str:
    uris, grants, scopes = (registered.get(name) for name in ("redirect_uris", "grant_types", "scopes"))
    known = {_without_port(uri) for uri in uris if isinstance(uri, str)} if isinstance(uris, list) else set()
    if _without_port(asked.get("redirect_uri", "")) not in known:
        return "the browser is to be sent back to a redirect URI that is not registered"
    if not isinstance(grants, list) or "authorization_code" not in grants:
        return "the client has not registered for authorization_code"
    wanted = asked.get("scopes", asked.get("scope", "")).split()
    if isinstance(scopes, list) and set(wanted) - set(scopes):
        return "the authorization request asks for scopes that are not registered"
    return ""


def _without_port(uri: str) -> tuple[str, str, str, str]:
    """What of a loopback redirect URI has to be as registered (RFC 8252 section 7.3)."""
    try:
        parts = urlsplit(uri)
        return parts.scheme.lower(), parts.hostname or "", parts.path.rstrip("/"), parts.query
    except ValueError:
        return "", uri, "", ""


@rule(
    REDEEMED,
    SYNTAX,
    S256,
    NO_PLAIN,
    faults=("redirect_without_port", "verifier_short", "challenge_plain"),
)
def redemptions_belong_to_their_request(session: ClientSession) -> Iterator[Judgement]:
    """A redemption has the redirect URI of the authorization request, to the letter, and the verifier of its challenge.

    The challenge is S256, without padding.
    """
    for entry in session.authorizations:
        asked = query_of(entry.request)
        hashed = asked.get("code_challenge_method") == "S256"
        problem = "the challenge is not made by S256" if "code_challenge" in asked else "there is no code_challenge"
        yield Judgement(S256, hashed, problem, (entry,))
        if "code_challenge" in asked:
            # A challenge without a method is plain (section 4.3).
            plain = asked.get("code_challenge_method", "plain") == "plain"
            yield Judgement(NO_PLAIN, not plain, "the code challenge is the verifier itself", (entry,))
    for entry, authorization in session.redemptions:
        verifier = value_of(entry.request, "code_verifier")
        if isinstance(verifier, str):
            holds = VERIFIER.fullmatch(verifier) is not None
            problem = "the code verifier is not 43 to 128 unreserved characters"
            yield Judgement(SYNTAX, holds, problem, (entry,), f"{len(verifier)} characters")
        if authorization is not None:
            problem = _mismatch(entry, query_of(authorization.request))
            yield Judgement(REDEEMED, not problem, problem, (authorization, entry))


def _mismatch(redemption: Exchange, asked: dict[str, str]) -> str:
    if value_of(redemption.request, "redirect_uri") != asked.get("redirect_uri"):
        return "a code is redeemed with another redirect URI than it was asked for with"
    verifier, challenge = value_of(redemption.request, "code_verifier"), asked.get("code_challenge", "")
    if not isinstance(verifier, str):
        return "a code is redeemed without a code verifier"
    if not challenge:
        return "a code is redeemed with a code verifier for which there was no challenge"
    if asked.get("code_challenge_method") != "S256":
        return "" if verifier == challenge else "the code verifier is not that of the challenge"
    if challenge_of(verifier) != challenge:
        return "the code verifier is not that of the challenge"
    return "" if CHALLENGE.fullmatch(challenge) else "the challenge is not base64url without padding"


@rule(SENT, PROVED, faults=("client_without_challenge", "client_without_verifier"))
def challenges_and_verifiers_are_sent(session: ClientSession) -> Iterator[Judgement]:
    """An authorization request has a challenge, and the redemption of its code a verifier."""
    for entry in session.authorizations:
        problem = _malformed(query_of(entry.request))
        yield Judgement(SENT, not problem, problem, (entry,))
    for entry, authorization in session.redemptions:
        holds: bool | None = value_of(entry.request, "code_verifier") not in (None, "")
        seen = (entry,) if authorization is None else (authorization, entry)
        if not holds and authorization is None:
            holds = None
        elif not holds and authorization is not None and not query_of(authorization.request).get("code_challenge"):
            # There is nothing that a verifier would be compared with; that is judged where the challenge is missing.
            continue
        yield Judgement(PROVED, holds, "a code is redeemed without a code verifier", seen)


def _malformed(asked: dict[str, str]) -> str:
    """What is wrong with the challenge of an authorization request (sections 4.2 and 4.3); empty if nothing is."""
    challenge = asked.get("code_challenge", "")
    if not challenge:
        return "there is no code_challenge"
    if asked.get("code_challenge_method") == "S256":
        return "" if CHALLENGE.fullmatch(challenge) else "the challenge is not base64url without padding"
    return "" if VERIFIER.fullmatch(challenge) else "the challenge is not 43 to 128 unreserved characters"


@rule(NO_DOWNGRADE, faults=("client_falls_back_to_plain", "client_falls_back_to_no_challenge"))
def what_follows_is_no_weaker(session: ClientSession) -> Iterator[Judgement]:
    """After an authorization request with S256 comes none with plain, and none without a challenge."""
    strong: Exchange | None = None
    for entry in session.authorizations:
        if strong is not None:
            yield Judgement(NO_DOWNGRADE, hashes(entry), WEAKER, (strong, entry))
        elif hashes(entry):
            strong = entry


def hashes(authorization: Exchange) -> bool:
    """Whether an authorization request has a challenge by S256."""
    asked = query_of(authorization.request)
    return bool(asked.get("code_challenge")) and asked.get("code_challenge_method") == "S256"


@rule(ONCE, faults=("refused_code_sent_again",))
def codes_are_used_once(session: ClientSession) -> Iterator[Judgement]:
    """No code is sent again once its redemption was answered; one whose answer was lost, or 5xx, may be."""
    seen: Counter[str] = Counter()
    for entry, _ in session.redemptions:
        code = str(value_of(entry.request, "code"))
        problem = "a code is sent again although its redemption was answered"
        yield Judgement(ONCE, not seen[code], problem, (entry,))
        if entry.response is not None and entry.response.status < 500 and not entry.error:  # noqa: PLR2004 - of the server
            seen[code] += 1

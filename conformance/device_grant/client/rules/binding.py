"""What a client ties its grants to: code verifiers (RFC 7636) and resources (RFC 8707)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.client.scripted.code_grant import CHALLENGE, VERIFIER, challenge_of
from device_grant.judging import Judgement, rule
from device_grant.protocol.reading import members_of, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.client.rules.session import ClientSession, ObservedGrant
    from device_grant.protocol import Exchange

EVERY_POLL, S256 = "rfc7636-device-4.6-every-poll", "rfc7636-device-4.2-client-s256"
ABSOLUTE, NO_FRAGMENT = "rfc8707-2-client-absolute-uri", "rfc8707-2-client-no-fragment"
NO_QUERY, SINGLE = "rfc8707-2-client-no-query", "rfc8707-3-single-resource-encouraged"


@rule(EVERY_POLL, S256, faults=("client_device_pkce_new_verifier", "client_device_pkce_plain"))
def polls_have_the_verifier(session: ClientSession) -> Iterator[Judgement]:
    """A flow that began with a challenge has its verifier in every poll, another one than the flow before it.

    The challenge is made by S256.
    """
    for entry in session.starts:
        if value_of(entry.request, "code_challenge") not in (None, ""):
            hashed = value_of(entry.request, "code_challenge_method") == "S256"
            yield Judgement(S256, hashed, "the challenge of the device grant is not made by S256", (entry,))
    used: set[str] = set()
    for grant in session.grants:
        challenge = value_of(grant.start.request, "code_challenge") if grant.start else None
        if not isinstance(challenge, str) or not challenge or grant.start is None:
            continue
        for poll in grant.polls:
            problem = _mismatch(grant, poll, challenge)
            if not problem and value_of(poll.request, "code_verifier") in used:
                problem = "a flow has the code verifier of the one before it"
            yield Judgement(EVERY_POLL, not problem, problem, (grant.start, poll))
        used |= {str(value_of(poll.request, "code_verifier")) for poll in grant.polls}


def _mismatch(grant: ObservedGrant, poll: Exchange, challenge: str) -> str:
    verifier = value_of(poll.request, "code_verifier")
    if not isinstance(verifier, str) or not verifier:
        return "a poll has no code verifier, though the flow began with a challenge"
    if not VERIFIER.fullmatch(verifier):
        return "the code verifier is not 43 to 128 unreserved characters"
    hashed = grant.start is not None and value_of(grant.start.request, "code_challenge_method") == "S256"
    if hashed and not CHALLENGE.fullmatch(challenge):
        return "the challenge is not base64url without padding"
    if (challenge_of(verifier) if hashed else verifier) != challenge:
        return "the code verifier of a poll is not that of the challenge"
    return ""


@rule(
    ABSOLUTE,
    NO_FRAGMENT,
    NO_QUERY,
    faults=("client_resource_relative", "client_resource_fragment", "client_resource_query"),
)
def resources_are_absolute(session: ClientSession) -> Iterator[Judgement]:
    """A resource is an absolute URI without a fragment, and without a query."""
    for entry in (*session.starts, *session.polls, *session.refreshes):
        for resource in _resources(entry):
            absolute = _scheme(resource)
            yield Judgement(ABSOLUTE, absolute, "resource is no absolute URI", (entry,), resource)
            yield Judgement(NO_FRAGMENT, "#" not in resource, "resource has a fragment", (entry,), resource)
            bare = "?" not in resource.partition("#")[0]
            yield Judgement(NO_QUERY, bare, "resource has a query", (entry,), resource)


@rule(SINGLE, faults=("client_asks_for_all_resources",))
def one_resource_a_token(session: ClientSession) -> Iterator[Judgement]:
    """A poll or a refresh names one resource."""
    for entry in (*session.polls, *session.refreshes):
        resources = _resources(entry)
        if resources:
            problem = "a token is asked for that is good for several resources"
            yield Judgement(SINGLE, len(set(resources)) == 1, problem, (entry,), f"{len(resources)} resources")


def _resources(entry: Exchange) -> list[str]:
    return [value for name, value in members_of(entry.request) if name == "resource" and isinstance(value, str)]


def _scheme(resource: str) -> bool:
    """Whether it has a scheme and something behind it (RFC 3986 section 4.3)."""
    try:
        parts = urlsplit(resource)
    except ValueError:
        return False
    return bool(parts.scheme) and bool(parts.netloc or parts.path) and " " not in resource

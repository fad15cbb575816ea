"""Tokens that are bound to the key of a proof: RFC 9449 sections 5 and 6."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol.proofs import proof
from device_grant.server.session.device import Device
from device_grant.server.session.possession.proving import (
    LISTED,
    ProvingDevice,
    asks_for_nonce,
    is_dpop,
    key_for,
    listed_algorithms,
    no_proof,
    proving_device,
)
from device_grant.server.session.registering import register, require_endpoint

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol.proofs import ProofKey, ProofUse
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.possession.proving import Values

NEEDS = ("dpop",)
WORKS = "rfc9449-5-works-for-device-grant"
MAY_BE_BEARER = "rfc9449-5-may-issue-bearer"
WITHOUT_PROOF = "rfc9449-5-bearer-without-proof"
IN_METADATA = "rfc9449-5.1-algorithms-metadata"
LISTED_WORK = "rfc9449-5.1-listed-algorithms-work"
QUERY = "rfc9449-4.3-htu-without-query"
SPELLINGS = "rfc9449-4.3-htu-normalised"
BOUND_CLIENTS = "rfc9449-5.2-bound-clients-need-proof"
ECHO = "rfc9449-5.2-registration-echo"
JKT = "rfc9449-10-dpop-jkt-at-start"
MEMBER = "dpop_bound_access_tokens"
WEAK = frozenset({"none", "HS256", "HS384", "HS512"})
SIGNATURES = ("RS256", "PS256", "ES256", "EdDSA")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@check(WORKS, MAY_BE_BEARER, faults=("device_grant_refuses_dpop", "dpop_ignored"), needs=NEEDS, timed=True)
def test_a_right_proof(case: ServerCase, verify: Verify) -> None:
    """Start without a proof, approve, poll with one. Accepted: a token, and whether it is bound is reported."""
    device = proving_device(case)
    grant = device.approved()
    exchange = grant.poll(label="poll with a right proof")
    if not exchange.outcome.ok:
        plain = Device(case, device.client)
        plain.start().redeemed()
    verify(WORKS, exchange, accepted=["ok"])
    if not exchange.outcome.ok:
        raise Untestable(f"a right proof was answered {exchange.describe()}")
    bearer = str(exchange.get("token_type")).lower() == "bearer"
    verify.that(MAY_BE_BEARER, not bearer, "the token is a bearer token in spite of the proof", exchange)


@check(WITHOUT_PROOF, faults=("bearer_poll_called_dpop",), needs=NEEDS, timed=True)
def test_without_a_proof(case: ServerCase, device: Device, verify: Verify) -> None:
    """The device grant without any proof. Accepted: a bearer token; an error where all clients need proofs."""
    if case.run.claims("dpop_required"):
        raise NotApplicable("the target claims dpop_required: nobody gets a token without a proof")
    if device.client.registered.get(MEMBER) is True:
        raise NotApplicable("the client is registered for bound tokens only")
    grant = device.start()
    device.user.approve(grant)
    exchange = grant.poll(label="poll without a proof")
    if not exchange.outcome.ok:
        verify(WITHOUT_PROOF, exchange, accepted=["ok"])
        return
    verify.that(WITHOUT_PROOF, not is_dpop(exchange), "token_type is DPoP without any proof", exchange)


@check(IN_METADATA, faults=("dpop_algorithms_with_none",), needs=NEEDS)
def test_listed_names(case: ServerCase, verify: Verify) -> None:
    """dpop_signing_alg_values_supported in the metadata. Accepted: an array of names, none and HMAC not among them."""
    document = case.run.endpoints.document
    if LISTED not in document:
        raise NotApplicable(f"the metadata has no {LISTED}")
    said = document[LISTED]
    names = listed_algorithms(case)
    right = isinstance(said, list) and bool(said) and len(names) == len(said)
    evidence = [exchange for exchange in case.run.discovery if exchange.outcome.ok][-1:]
    verify.that(
        IN_METADATA,
        right and not WEAK & set(names),
        f"{LISTED} lists {', '.join(sorted(WEAK & set(names)))}" if right else f"{LISTED} is no array of names",
        *evidence,
    )


@check(LISTED_WORK, faults=("dpop_algorithm_listed_only",), needs=NEEDS, timed=True)
def test_listed_algorithms(case: ServerCase, verify: Verify) -> None:
    """An approved code for each of RS256, PS256, ES256 and EdDSA that is listed. Accepted: a token."""
    names = [name for name in SIGNATURES if name in listed_algorithms(case)]
    if not names:
        raise NotApplicable("none of the algorithms that the suite signs by is listed")
    client = proving_device(case).client
    refused = []
    for number, name in enumerate(names, 1):
        device = ProvingDevice(case, client, key_for(case, number, name))
        exchange = device.approved().poll(label=f"poll with a proof signed by {name}")
        if not exchange.outcome.ok:
            refused.append((name, exchange))
    if len(refused) == len(names):
        raise Untestable(f"no proof of any algorithm is served: {refused[0][1].describe()}")
    if not refused:
        verify.that(LISTED_WORK, holds=True, problem="")
    for name, exchange in refused:
        verify.that(LISTED_WORK, exchange.outcome.ok, f"{name} is listed and refused", exchange)


@check(QUERY, faults=("dpop_htu_with_query",), needs=NEEDS, timed=True)
def test_query_of_the_endpoint(case: ServerCase, verify: Verify) -> None:
    """A poll at the token endpoint with ?x=1, whose proof has no query. Accepted: the token.

    Where the same request without a proof is refused, the query itself is what the server does not take.
    """
    device = proving_device(case)
    endpoint = case.run.endpoints.token
    url = endpoint + ("&x=1" if urlsplit(endpoint).query else "?x=1")
    exchange = device.approved().poll(label="poll with a query", _url=url)
    if not exchange.outcome.ok:
        grant = device.approved()
        plain = device.poll_with(grant, no_proof, "control: the same without a proof", _url=url)
        if not plain.outcome.ok:
            raise NotApplicable(f"the token endpoint takes no query: {plain.describe()}")
        device.bound_tokens()
    problem = "a query in the request URI makes the proof wrong"
    verify.that(QUERY, exchange.outcome.ok, problem, exchange)


@check(SPELLINGS, faults=("dpop_htu_compared_as_text",), needs=NEEDS, timed=True)
def test_spellings_of_the_endpoint(case: ServerCase, verify: Verify) -> None:
    """Htu with the host in capitals, with the default port, with an escaped letter, polling a pending code.

    Accepted: what a plain htu yields.
    """
    device = proving_device(case)
    grant = device.start()
    plain = grant.poll(label="control: poll with a right proof")
    if plain.code != "authorization_pending":
        raise Untestable(f"a pending code with a right proof was answered {plain.describe()}")
    for name, url in _spellings(case.run.endpoints.token):
        exchange = device.poll_with(grant, _for(url), f"poll, htu with {name}")
        if exchange.code == "slow_down":
            continue
        problem = f"htu with {name} is not taken for the same URI"
        verify.that(SPELLINGS, exchange.code == "authorization_pending", problem, exchange)


def _for(htu: str) -> Values:
    def values(key: ProofKey, use: ProofUse) -> tuple[str, ...]:
        return (proof(key, use, claims={"htu": htu}),)

    return values


def _spellings(url: str) -> list[tuple[str, str]]:
    parts = urlsplit(url)._replace(query="", fragment="")
    spellings = []
    if parts.netloc != parts.netloc.upper():
        spellings.append(("the host in capitals", urlunsplit(parts._replace(netloc=parts.netloc.upper()))))
    port = _DEFAULT_PORTS.get(parts.scheme, "")
    if port and ":" not in parts.netloc.rpartition("]")[2]:
        spellings.append(("the default port", urlunsplit(parts._replace(netloc=parts.netloc + port))))
    place = next((at for at in range(len(parts.path) - 1, 0, -1) if parts.path[at].isalpha()), 0)
    if place:
        escaped = f"{parts.path[:place]}%{ord(parts.path[place]):02X}{parts.path[place + 1 :]}"
        spellings.append(("an escaped letter", urlunsplit(parts._replace(path=escaped))))
    return spellings


@check(
    ECHO,
    BOUND_CLIENTS,
    faults=("dpop_bound_returned_as_text", "dpop_bound_client_may_omit"),
    needs=NEEDS,
    timed=True,
)
def test_clients_bound_by_registration(case: ServerCase, verify: Verify) -> None:
    """A client registered with dpop_bound_access_tokens polls an approved code without a proof, then with one.

    Accepted: the member comes back as a boolean or not at all; a refusal, then a token.
    """
    require_endpoint(case)
    registered = register(case, "register for bound tokens", dpop_bound_access_tokens=True)
    said = registered.get(MEMBER)
    problem = f"{MEMBER} comes back as something else than a boolean"
    verify.that(ECHO, said is None or isinstance(said, bool), problem, registered)
    if said is not True:
        raise NotApplicable(f"the registration did not take {MEMBER}")
    device = ProvingDevice(case, case.run.client_of(registered))
    grant = device.approved()
    exchange = device.poll_with(grant, no_proof, "poll without a proof")
    if not exchange.outcome.ok:
        control = grant.poll(label="control: poll with a right proof")
        if not control.outcome.ok:
            device.bound_tokens()
    problem = "a client that is registered for bound tokens gets one without a proof"
    verify.that(BOUND_CLIENTS, not exchange.outcome.ok, problem, exchange)


@check(JKT, faults=("dpop_jkt_refused",), needs=NEEDS, timed=True)
def test_dpop_jkt_at_the_start(case: ServerCase, verify: Verify) -> None:
    """A device authorization request with dpop_jkt. Accepted: codes as without it; whether it binds is a remark."""
    device = proving_device(case)
    exchange = device.request(label="start with dpop_jkt", dpop_jkt=device.key.thumbprint)
    if not exchange.outcome.ok:
        device.start(label="control: start without dpop_jkt")
    verify.that(JKT, exchange.outcome.ok, "a start with dpop_jkt is refused", exchange)
    if not exchange.outcome.ok:
        return
    grant = device.started(exchange)
    device.user.approve(grant)
    own, device.key = device.key, key_for(case, 2)
    by_another = grant.ask(label="poll by another key than dpop_jkt")[0]
    device.key = own
    kept = "is enforced" if not by_another.outcome.ok and not asks_for_nonce(by_another) else "is ignored"
    case.note(f"dpop_jkt of a device authorization request {kept}")

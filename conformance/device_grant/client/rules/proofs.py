"""DPoP proofs in token requests and device authorization requests: RFC 9449 sections 4.2 and 5."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.judging import Judgement, rule
from device_grant.protocol.dpop import HEADER, PRIVATE_MEMBERS, TYPE, normalised, read_proof
from device_grant.protocol.proofs.verifying import ASYMMETRIC, SYMMETRIC, signed_by_its_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.client.rules.session import ClientSession
    from device_grant.protocol import Exchange
    from device_grant.protocol.dpop import Proof

PROOF_HEADER, NO_PRIVATE_KEY = "rfc9449-4.2-client-proof-header", "rfc9449-4.2-client-no-private-key"
CLAIMS, FRESH_JTI = "rfc9449-4.2-client-required-claims", "rfc9449-4.2-client-fresh-jti"
EVERY_REQUEST = "rfc9449-5-client-sends-proof-on-every-poll"
SHORTEST_JTI = 9
"""Characters of a jti; fewer than these hold so little that another proof will have the same."""
EARLIEST, LATEST = 1_500_000_000, 100_000_000_000
"""Between them lie the seconds since the epoch of our time, and none of its milliseconds."""
FAR = 300.0
"""Seconds between iat and the clock of the client that no slow machine makes."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@rule(
    PROOF_HEADER,
    NO_PRIVATE_KEY,
    CLAIMS,
    faults=("client_proof_typ_jwt", "client_sends_private_jwk", "client_htu_with_query"),
)
def proofs_are_in_form(session: ClientSession) -> Iterator[Judgement]:
    """A proof has typ dpop+jwt, an asymmetric alg, a public key; jti, htm, htu, iat for its request."""
    for entry in _with_proof(session):
        proof = read_proof(entry.request.header(HEADER) or "")
        if proof is None:
            yield Judgement(PROOF_HEADER, holds=False, problem="the DPoP header is no JWT", exchanges=(entry,))
            continue
        wrong = _wrong_header(proof)
        known = proof.header.get("alg") in ASYMMETRIC
        holds = False if wrong else (True if known else None)
        problem = wrong or "the algorithm of a proof is none that this suite knows"
        yield Judgement(PROOF_HEADER, holds, problem, (entry,))
        private = sorted(PRIVATE_MEMBERS & proof.jwk.keys())
        if proof.jwk:
            problem = "the key in a proof has private members"
            yield Judgement(NO_PRIVATE_KEY, not private, problem, (entry,), ", ".join(private))
        wrong = wrong_claims(entry, whole=session.loopback) or _wrong_time(proof, entry, session)
        yield Judgement(CLAIMS, not wrong, f"{wrong} of a proof" if wrong else "", (entry,))


@rule(FRESH_JTI, faults=("client_reuses_proof",))
def proofs_are_fresh(session: ClientSession) -> Iterator[Judgement]:
    """No two requests have proofs with the same jti, and none has one so short that others will have it.

    A request whose answer was lost, or led elsewhere, may come again as it was: it is the same one.
    """
    used: dict[str, Exchange] = {}
    for entry in _with_proof(session):
        jti = jti_of(entry)
        if not jti:
            continue
        before = used.get(jti)
        if before is not None and (before.response is None or before.status in REDIRECTS):
            continue
        used[jti] = entry
        problem = "two requests have proofs with the same jti"
        if before is None and len(jti) < SHORTEST_JTI:
            problem = "jti is so short that other proofs will have the same"
        holds = before is None and len(jti) >= SHORTEST_JTI
        yield Judgement(FRESH_JTI, holds, problem, (before, entry) if before else (entry,))


@rule(EVERY_REQUEST, faults=("client_proof_on_first_poll_only",))
def token_requests_have_proofs(session: ClientSession) -> Iterator[Judgement]:
    """A client that sends proofs at all has one with every poll and every refresh, signed by the key in it."""
    if not any(True for _ in _with_proof(session)):
        return
    for entry in (*session.polls, *session.refreshes):
        if not _hidden(entry, session):
            yield judged_proof(entry, EVERY_REQUEST)


def judged_proof(entry: Exchange, requirement: str) -> Judgement:
    """Whether the request has one proof, which its key has signed; None where that cannot be verified."""
    values = [value for name, value in entry.request.headers if name.lower() == HEADER.lower()]
    if len(values) != 1:
        problem = "a request has no DPoP proof" if not values else "a request has several DPoP proofs"
        return Judgement(requirement, holds=False, problem=problem, exchanges=(entry,))
    holds = signed_by_its_key(values[0])
    problem = "a DPoP proof is not signed by the key in it"
    if holds is None:
        problem = "the algorithm of a proof is none that this suite can verify"
    return Judgement(requirement, holds, problem, (entry,))


def key_of(entry: Exchange) -> str:
    """Thumbprint of the key in the proof of a request; empty if there is none."""
    proof = read_proof(entry.request.header(HEADER) or "")
    return proof.thumbprint if proof else ""


def jti_of(entry: Exchange) -> str:
    """That of the proof of a request; empty if there is none."""
    proof = read_proof(entry.request.header(HEADER) or "")
    jti = proof.claims.get("jti") if proof else None
    return jti if isinstance(jti, str) else ""


def wrong_claims(entry: Exchange, *, whole: bool = True) -> str:
    """Which claim of its proof is wrong for this request, in words; empty: none, iat aside.

    Without `whole` only the path of htu is compared: behind a proxy a request has another scheme and host.
    """
    request = entry.request
    proof = read_proof(request.header(HEADER) or "")
    claims = proof.claims if proof else {}
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        return "jti is missing or no text"
    if claims.get("htm") != request.method:
        return "htm is not the method of the request"
    htu = claims.get("htu")
    if not isinstance(htu, str) or not htu:
        return "htu is missing or no text"
    try:
        parts = urlsplit(htu)
    except ValueError:
        return "htu is no URL"
    if parts.query or parts.fragment:
        return "htu has a query or a fragment"
    asked = normalised(request.url)
    same = normalised(htu) == asked if whole else urlsplit(normalised(htu)).path == urlsplit(asked).path
    return "" if same else "htu is not the URL of the request"


def _with_proof(session: ClientSession) -> Iterator[Exchange]:
    for entry in (*session.starts, *session.token_requests):
        if entry.request.header(HEADER) is not None and not _hidden(entry, session):
            yield entry


def _hidden(entry: Exchange, session: ClientSession) -> bool:
    """Whether a capture may have something else in place of the proof, which some tools take for a secret."""
    value = entry.request.header(HEADER)
    return not session.loopback and value is not None and read_proof(value) is None


def _wrong_header(proof: Proof) -> str:
    """What is wrong with the JOSE header; empty: nothing that this suite knows of."""
    kind, algorithm = proof.header.get("typ"), proof.header.get("alg")
    # RFC 7515 section 4.1.9: a media type, compared without case, `application/` left out or not.
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") != TYPE:
        return "typ of a proof is not dpop+jwt"
    if not isinstance(algorithm, str) or algorithm in SYMMETRIC:
        return "alg of a proof is no asymmetric algorithm"
    if not proof.jwk:
        return "a proof has no jwk"
    if algorithm in ASYMMETRIC and (proof.jwk.get("kty") != ASYMMETRIC[algorithm] or not proof.thumbprint):
        return "jwk of a proof is no key of its algorithm"
    return ""


def _wrong_time(proof: Proof, entry: Exchange, session: ClientSession) -> str:
    """What is wrong with iat; empty: nothing that can be seen."""
    iat = proof.claims.get("iat")
    if isinstance(iat, bool) or not isinstance(iat, (int, float)):
        return "iat is missing or no number"
    if not EARLIEST < iat < LATEST:
        return "iat is not in seconds since the epoch"
    off = abs(iat - (session.began + entry.started)) if session.began is not None else 0.0
    return "iat is not the time by the client's clock" if off > FAR else ""

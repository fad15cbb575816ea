"""Servers that take proofs of possession in ways of their own: none is accused that may, and who may not is."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from support.cassettes import judge, record
from support.proof import judged, judges

from device_grant.protocol.dpop import read_proof
from device_grant.reference.embedded import embedded
from device_grant.reference.server import grants
from device_grant.reference.server.ends import introspection
from device_grant.reference.server.http import Refusal
from device_grant.reference.server.issued import jwts, tokens
from device_grant.reference.server.possession import binding, bound, nonces, proofs
from device_grant.reference.server.rfc8628 import Rfc8628Endpoints
from device_grant.reference.server.settings import Settings

pytestmark = pytest.mark.long

CHECKS = tuple(name for name, check in judges()[0].items() if "dpop" in check.function.__module__)
PROOF_CHECKS = tuple(name for name in CHECKS if not name.startswith("device_codes::"))


def outcome(names=CHECKS, *, faults=(), settings=None, claims=()):
    """What the checks say: the broken requirements that blame, and what they say of others that is no pass."""
    blamed, broken = set(), set()
    with embedded("rfc8628", faults, settings=settings) as target:
        target.config.claims.update(dict(claims))
        for said in judged(target, names, 10):
            broken |= said.broken
            for claim in said.trial.claims():
                if claim.verdict.label in ("fail", "warn"):
                    blamed.add(claim.requirement.id)
    return blamed, broken


def swapped(monkeypatch, owner, name, make):
    """Replace a member of the reference server by what `make` builds on it."""
    monkeypatch.setattr(owner, name, make(getattr(owner, name)))


# Honest, each in its own way.


def no_nonces(_monkeypatch):
    return {"settings": Settings(dialect="rfc8628", dpop_nonces=False)}


def one_nonce_at_a_time(monkeypatch):
    """Each answer takes back the nonce before it."""

    def make(headers):
        def given(self, *, remembered=True):
            self._given.clear()
            return headers(self, remembered=remembered)

        return given

    swapped(monkeypatch, nonces.Nonces, "headers", make)


def nonces_at_the_token_endpoint_only(monkeypatch):
    def make(at_start):
        def start(self, call, url, parameters):
            try:
                return at_start(self, call, url, parameters)
            except Refusal as refusal:
                if refusal.code == "use_dpop_nonce":
                    return read_proof(call.header(b"dpop")).thumbprint
                raise

        return start

    swapped(monkeypatch, binding.KeyBinding, "at_start", make)
    swapped(monkeypatch, binding.KeyBinding, "answered", lambda old: lambda self, call, answer: (
        answer if call.path == "/device_authorization" else old(self, call, answer)
    ))  # fmt: skip


def the_code_is_looked_at_first(monkeypatch):
    """A pending code is pending, whatever comes with the poll."""

    def make(at_token):
        def token(self, call, url, parameters):
            grant = self._store.grant_by_device_code(parameters.get("device_code", ""))
            if grant is not None and not grant.decided:
                raise Refusal("authorization_pending", "Nobody has decided")
            return at_token(self, call, url, parameters)

        return token

    swapped(monkeypatch, binding.KeyBinding, "at_token", make)
    return {"names": PROOF_CHECKS}


def es256_only(monkeypatch):
    for module in (proofs, binding):
        monkeypatch.setattr(module, "ALGORITHMS", ("ES256",))


def algorithms_that_the_suite_knows_beside_others(monkeypatch):
    monkeypatch.setattr(binding, "ALGORITHMS", ("ES256K", "ML-DSA-44", "EdDSA"))
    monkeypatch.setattr(proofs, "ALGORITHMS", ("ES256K", "ML-DSA-44", "EdDSA"))


def five_seconds(monkeypatch):
    monkeypatch.setattr(proofs, "OLDEST", 5.0)


def five_minutes(monkeypatch):
    monkeypatch.setattr(proofs, "OLDEST", 300.0)


def time_by_nonces_alone(monkeypatch):
    """Section 4.3, item 11: a nonce shows as well that a proof is new."""
    monkeypatch.setattr(proofs, "OLDEST", float("inf"))


def slashes_at_the_end_do_not_matter(monkeypatch):
    swapped(monkeypatch, proofs, "normalised", lambda old: lambda url: old(url).rstrip("/"))


def each_proof_any_number_of_times(_monkeypatch):
    return {"faults": ["dpop_jti_not_remembered"]}


def bearer_tokens_in_spite_of_proofs(_monkeypatch):
    return {"faults": ["dpop_ignored"], "names": PROOF_CHECKS}


def confidential_clients_bound_too(_monkeypatch):
    return {"faults": ["dpop_binds_confidential_refresh"]}


def small_letters(monkeypatch):
    swapped(monkeypatch, binding.KeyBinding, "token_type", lambda old: lambda self, tokens: old(self, tokens).lower())


def opaque_tokens(monkeypatch):
    monkeypatch.setattr(jwts, "access_token", lambda *_further: secrets.token_urlsafe(32))


def a_wrong_key_ends_the_family(monkeypatch):
    def make(require):
        def required(self, held, key):
            try:
                require(self, held, key)
            except Refusal:
                self.store.revoked_families[held.family] = None
                raise

        return required

    swapped(monkeypatch, grants.Grants, "_require_key", make)


def media_types_compared_as_such(monkeypatch):
    """typ is a media type: without regard to case, and with its prefix."""

    def make(read):
        def lenient(value):
            proof = read(value)
            typ = proof.header.get("typ") if proof else None
            if isinstance(typ, str):
                proof.header["typ"] = typ.lower().removeprefix("application/")
            return proof

        return lenient

    swapped(monkeypatch, proofs, "read_proof", make)


def empty_fields_are_none(monkeypatch):
    swapped(monkeypatch, proofs.Proofs, "comes_with", lambda old: lambda self, call: (
        old(self, call) and bool(call.header(b"dpop"))
    ))  # fmt: skip


def a_wrong_proof_ends_the_grant(_monkeypatch):
    """No text forbids it: a warning of that one requirement, and nothing else."""
    return {"faults": ["invalid_proof_spends_code"]}


def no_refresh_tokens(monkeypatch):
    monkeypatch.setattr(grants.RegisteredClient, "gets_refresh_tokens", False, raising=False)


def userinfo_knows_bearer_tokens_alone(_monkeypatch):
    """OpenID Connect knows no others there: a warning that the metadata says otherwise."""
    return {"faults": ["userinfo_knows_bearer_only", "userinfo_takes_bound_token_as_bearer"]}


def introspection_without_a_type(monkeypatch):
    def make(described):
        def untyped(self, *further):
            return {name: said for name, said in described(self, *further).items() if name != "token_type"}

        return untyped

    swapped(monkeypatch, introspection.Introspection, "_described", make)


def the_key_at_introspection_alone(monkeypatch):
    """Section 6.2 is another way to tell resource servers; the JWT says nothing."""
    swapped(monkeypatch, jwts, "access_claims", lambda old: lambda held, settings: {
        name: said for name, said in old(held, settings).items() if name != "cnf"
    })  # fmt: skip


MAY_WARN = {
    "userinfo_knows_bearer_tokens_alone": {"rfc9449-7.1-userinfo-accepts-dpop", "rfc9449-7.2-no-bearer-downgrade"},
    "a_wrong_proof_ends_the_grant": {"rfc9449-5-invalid-proof-spends-nothing"},
}
HONEST = [
    no_nonces,
    one_nonce_at_a_time,
    nonces_at_the_token_endpoint_only,
    the_code_is_looked_at_first,
    es256_only,
    algorithms_that_the_suite_knows_beside_others,
    five_seconds,
    five_minutes,
    time_by_nonces_alone,
    slashes_at_the_end_do_not_matter,
    each_proof_any_number_of_times,
    bearer_tokens_in_spite_of_proofs,
    confidential_clients_bound_too,
    small_letters,
    opaque_tokens,
    a_wrong_key_ends_the_family,
    media_types_compared_as_such,
    empty_fields_are_none,
    a_wrong_proof_ends_the_grant,
    no_refresh_tokens,
    userinfo_knows_bearer_tokens_alone,
    introspection_without_a_type,
    the_key_at_introspection_alone,
]


@pytest.mark.parametrize("peer", HONEST, ids=lambda peer: peer.__name__)
def test_nobody_honest_is_accused(peer, monkeypatch):
    blamed, _ = outcome(**peer(monkeypatch) or {})
    assert blamed == MAY_WARN.get(peer.__name__, set())


def test_a_grant_that_a_wrong_proof_ends_hides_nothing_else():
    """The control is a new grant then, so that what is refused is still judged."""
    names = [name for name in CHECKS if name.startswith("wrong_proofs::")]
    with embedded("rfc8628", ["invalid_proof_spends_code"]) as target:
        said = [claim for one in judged(target, names, 10) for claim in one.trial.claims()]
    proofs_judged = {claim.verdict.label for claim in said if claim.requirement.id.startswith("rfc9449-4.3-")}
    assert proofs_judged == {"pass"}


# Broken, each in one way that no fault of the reference has.


def only_the_past_is_too_old(monkeypatch):
    """Proofs of tomorrow are taken today."""
    monkeypatch.setattr(proofs, "abs", lambda seconds: max(seconds, 0.0), raising=False)
    monkeypatch.setattr(nonces.Nonces, "wanted", False)
    return "rfc9449-4.3-time"


def prefixes_of_the_uri(monkeypatch):
    swapped(monkeypatch, proofs.Proofs, "_is_for", lambda _old: lambda _self, htu, _call, url: htu.startswith(url))
    return "rfc9449-4.3-htu"


def hosts_are_compared_alone(monkeypatch):
    swapped(monkeypatch, proofs.Proofs, "_is_for", lambda _old: lambda _self, htu, _call, url: (
        urlsplit(htu).netloc == urlsplit(url).netloc
    ))  # fmt: skip
    return "rfc9449-4.3-htu"


def secrets_for_keys(monkeypatch):
    """HS256 by a secret in jwk: whoever reads the proof could have made it."""
    monkeypatch.setattr(proofs, "ALGORITHMS", (*proofs.ALGORITHMS, "HS256"))
    swapped(monkeypatch, proofs, "thumbprint", lambda old: lambda jwk: "x" if jwk.get("kty") == "oct" else old(jwk))
    monkeypatch.setattr(proofs, "PRIVATE_MEMBERS", frozenset("d"))
    return "rfc9449-4.3-algorithm"


def lists_of_proofs(monkeypatch):
    """What stands before a comma is the proof."""
    swapped(monkeypatch, proofs.Proofs, "key_of", lambda old: lambda self, call, url, **further: (
        old(self, _First(call), url, **further)
    ))  # fmt: skip
    return "rfc9449-4.3-one-header"


class _First:
    def __init__(self, call):
        self._call = call

    def headers(self, name):
        return [value.partition(",")[0] for value in self._call.headers(name)]

    def __getattr__(self, name):
        return getattr(self._call, name)


def tokens_of_another_key(monkeypatch):
    monkeypatch.setattr(bound, "_THUMBPRINT", "jkt")
    swapped(monkeypatch, tokens, "confirmed", lambda old: lambda terms, keys, faults: old(
        terms, bound.Bound(keys.access[::-1], keys.refresh), faults
    ))  # fmt: skip
    return "rfc9449-6.1-thumbprint"


def words_behind_the_proof(monkeypatch):
    swapped(monkeypatch, proofs, "_JWT", lambda _old: _Anything())
    swapped(monkeypatch, proofs, "_verifies", lambda old: lambda value, *further: old(value.split(" ")[0], *further))
    return "rfc9449-4.3-well-formed"


class _Anything:
    def fullmatch(self, _value):
        return True


def a_nonce_of_yesterday(monkeypatch):
    """Nonces that were never given are taken where they look like one, and none at all is refused."""
    swapped(monkeypatch, nonces.Nonces, "missing", lambda _old: lambda self, nonce: self.wanted and not nonce)
    return "rfc9449-8-nonce-mismatch-refused"


def the_refresh_forgets_the_type(monkeypatch):
    """A refresh yields a bound token that is called a bearer token."""
    swapped(monkeypatch, Rfc8628Endpoints, "_refresh", _forgetful)
    return "rfc9449-5-refresh-stays-bound"


def _forgetful(refresh):
    async def forgetting(self, *further):
        tokens = await refresh(self, *further)
        return type(tokens)(tokens.access_token, tokens.expires_in, tokens.refresh_token, tokens.scope)

    return forgetting


BROKEN = [
    only_the_past_is_too_old,
    prefixes_of_the_uri,
    hosts_are_compared_alone,
    secrets_for_keys,
    lists_of_proofs,
    tokens_of_another_key,
    words_behind_the_proof,
    a_nonce_of_yesterday,
    the_refresh_forgets_the_type,
]


@pytest.mark.parametrize("peer", BROKEN, ids=lambda peer: peer.__name__)
def test_whoever_is_broken_is_accused(peer, monkeypatch):
    requirement = peer(monkeypatch)
    blamed, _ = outcome(PROOF_CHECKS)
    assert requirement in blamed


def test_nothing_is_sent_where_the_metadata_says_nothing_of_proofs(monkeypatch):
    monkeypatch.setattr("device_grant.reference.server.metadata.metadata_members", lambda _faults: {})
    sent = []

    with embedded("rfc8628") as target, spied(target, sent):
        verdicts = {said.trial.check.name: said for said in judged(target, PROOF_CHECKS, 1)}
    assert {str(said.trial.stop) for said in verdicts.values()} == {
        "the metadata has no dpop_signing_alg_values_supported"
    }
    assert not [request for request in sent if request.headers.get("dpop")]


@contextmanager
def spied(target, sent):
    """Keep the requests that go to the target."""
    inner = target.http

    def http(*further, **named):
        client = inner(*further, **named)
        client.event_hooks = {"request": [sent.append]}
        return client

    target.http = http
    yield


@pytest.mark.parametrize("faults", [(), ("dpop_htm_ignored", "dpop_refresh_unbound")])
def test_a_recording_with_proofs_is_judged_as_it_was_live(faults, tmp_path):
    folder, live, _ = record(embedded("rfc8628", faults), CHECKS, tmp_path)
    again = {name: judge(folder, name) for name in CHECKS}
    assert {name: left for name, (_, left) in again.items() if left} == {}
    assert {name: result for name, (result, _) in again.items()} == live


@pytest.mark.parametrize("name", ["header_fields", "types_and_signatures", "method_and_uri"])
def test_wrong_proofs_outlast_codes_that_live_shortly(name):
    with embedded("rfc8628", settings=Settings(expires_in=40)) as target:
        (said,) = judged(target, [f"wrong_proofs::test_{name}"], 10)
    assert {claim.verdict.label for claim in said.trial.claims()} == {"pass"}

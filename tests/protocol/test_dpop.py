"""DPoP proofs: what they say, what stays of them in recordings, and what their nonces give away (RFC 9449)."""

import base64
import json
import secrets

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_grant.protocol.dpop import hashed, normalised, outline, read_proof, thumbprint
from device_grant.protocol.proofs import ALGORITHMS, WRONG_PROOFS, ProofUse, new_key, proof, unlisted_algorithm
from device_grant.server.session.possession.nonces import altered, made_up, pattern_in, well_formed
from device_grant_strategies.proofs import valid_proofs, wrong_proofs

USE = ProofUse("POST", "https://id.example/token?x=1", 1_700_000_000.5, nonce="n-1")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_proof_says_what_section_4_2_wants_and_another_library_verifies_it(algorithm):
    key = new_key(algorithm)
    made = proof(key, USE)
    header = jwt.get_unverified_header(made)
    claims = jwt.decode(made, jwt.PyJWK.from_dict(header["jwk"], algorithm).key, [algorithm], {"verify_iat": False})
    assert (header["typ"], header["alg"]) == ("dpop+jwt", algorithm)
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & header["jwk"].keys()
    assert claims.pop("jti")
    assert claims == {"htm": "POST", "htu": "https://id.example/token", "iat": 1_700_000_000, "nonce": "n-1"}


def test_the_thumbprint_of_rfc_7638_section_3_1():
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"
        "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn"
        "1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    key = {"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_hash_of_a_token():
    # RFC 9449 section 7.1: the token of its examples.
    assert hashed("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU") == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


@pytest.mark.parametrize(
    "spelling",
    [
        "HTTPS://ID.EXAMPLE/token",
        "https://id.example:443/token",
        "https://id.example/%74oken",
        "https://id.example/token?x=1#y",
    ],
)
def test_spellings_of_one_address(spelling):
    assert normalised(spelling) == "https://id.example/token"


@pytest.mark.parametrize(
    "other", ["https://id.example/token/", "https://id.example:8443/token", "http://id.example/token"]
)
def test_other_addresses(other):
    assert normalised(other) != "https://id.example/token"


def test_a_key_of_a_seed_is_the_same_again_and_one_without_never_is():
    assert new_key("ES256", b"a") == new_key("ES256", b"a") or (
        new_key("ES256", b"a").thumbprint == new_key("ES256", b"a").thumbprint
    )
    assert new_key("ES256", b"a").thumbprint != new_key("ES256", b"b").thumbprint
    assert new_key().thumbprint != new_key().thumbprint


def test_an_algorithm_that_the_list_lacks():
    assert unlisted_algorithm(["ES256"]) in ALGORITHMS
    assert not unlisted_algorithm(ALGORITHMS)


@pytest.mark.parametrize("wrong", WRONG_PROOFS, ids=lambda wrong: wrong.name)
def test_a_wrong_proof_made_anew_has_the_same_outline(wrong):
    first = [wrong.values(new_key(), USE) for _ in range(2)]
    assert [*map(outline, first[0])] == [*map(outline, first[1])]
    assert len(first[0]) == (2 if "two header" in wrong.name else 1)


def test_outlines_tell_apart_what_another_answer_is_due_to():
    key = new_key()
    assert outline(proof(key, USE)) != outline(proof(key, USE, claims={"htm": "GET"}))
    assert outline(proof(key, USE)) != outline(proof(key, USE, claims={"nonce": "n-2"}))
    assert outline(proof(key, USE)) != outline(proof(key, USE, header={"jwk": key.private_jwk}))


# The first draw of an algorithm makes its key, which takes as long as it takes.
@settings(deadline=None)
@given(st.data())
def test_strategies_draw_proofs(data):
    made = data.draw(valid_proofs(USE.url, USE.now))
    read = read_proof(made)
    assert read is not None
    assert read.thumbprint
    wrong, values = data.draw(wrong_proofs(USE.url, USE.now))
    assert values
    assert not wrong.latitude


@given(st.text() | st.text("ab.=_-", max_size=40))
def test_nothing_that_is_sent_as_a_proof_breaks_its_reader(text):
    read_proof(text)
    outline(text)


NOW = 1_700_000_000.0
FORETOLD = {
    "the time": ["1700000000", "1700000005", "1700000005"],
    "the time in milliseconds and hexadecimal": [f"{1_700_000_000_123 + n:x}" for n in (0, 5_000)],
    "counted": ["nonce-00000041", "nonce-00000042", "nonce-00000043"],
    "counted in hexadecimal": [f"5f{n:014x}" for n in (9, 10, 11)],
    "short": ["abc1234"],
}
HONEST = {
    "random": [secrets.token_urlsafe(16) for _ in range(4)],
    "random and hexadecimal": [secrets.token_hex(16) for _ in range(4)],
    "one for a window": [secrets.token_hex(8)] * 5,
    "the time and a signature": [f"1700000000.{secrets.token_hex(12)}", f"1700000005.{secrets.token_hex(12)}"] * 2,
    "the time, encrypted": [base64.urlsafe_b64encode(secrets.token_bytes(24)).decode() for _ in range(3)],
    "digits": [f"{secrets.randbelow(10**20):020}" for _ in range(4)],
}


@pytest.mark.parametrize("kind", FORETOLD)
def test_nonces_that_can_be_foretold(kind):
    assert pattern_in(FORETOLD[kind], NOW)


@pytest.mark.parametrize("kind", HONEST)
def test_nonces_of_honest_servers(kind):
    assert not pattern_in(HONEST[kind], NOW)


@pytest.mark.parametrize(("nonce", "fine"), [("eyJ7S_zG.eyJH0-Z", True), ("a b", False), ('a"b', False), ("", False)])
def test_the_syntax_of_nonces(nonce, fine):
    assert well_formed(nonce) is fine


@given(st.text("AB-_z9", min_size=1, max_size=60))
def test_wrong_nonces_are_other_ones_of_the_same_length(nonce):
    assert len(altered(nonce)) == len(made_up(nonce)) == len(nonce)
    assert altered(nonce) != nonce
    assert json.dumps(made_up(nonce))

"""JWTs and key sets of others are read without believing them, and nothing in them raises or takes long."""

from __future__ import annotations

import base64
import datetime as dt
import json
import time

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from device_grant.protocol import Exchange, Outcome, Request, Response
from device_grant.reference.server.issued.keys import key_set, signing_key
from device_grant.server.session.jose.compact import LONGEST, is_encrypted, read_jwt
from device_grant.server.session.jose.key_set import Signature, key_set_of, verify_by_secret

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


def published(*keys):
    content = json.dumps({"keys": list(keys)}).encode()
    return key_set_of(answer(content))


def answer(content, status=200):
    response = Response(status, (("Content-Type", "application/json"),), content)
    return Exchange(Request("GET", "http://target.test/jwks"), response, Outcome(status, "ok"), 0.0, 0.0, 0.0)


def made(algorithm):
    """A private key for an algorithm, and its JWK."""
    if algorithm[:2] in ("RS", "PS"):
        return RSA_KEY, RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)
    if algorithm == "Ed448":
        key = ed448.Ed448PrivateKey.generate()
        return key, OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    if algorithm == "EdDSA":
        key = ed25519.Ed25519PrivateKey.generate()
        return key, OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    key = ec.generate_private_key(CURVES[algorithm])
    return key, ECAlgorithm.to_jwk(key.public_key(), as_dict=True)


def encoded(header, claims=None, signature=b"s"):
    parts = (json.dumps(header).encode(), json.dumps(claims or {"sub": "a"}).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed448"])
def test_signatures_of_every_usual_algorithm(algorithm):
    private, jwk = made(algorithm)
    spoken = "EdDSA" if algorithm == "Ed448" else algorithm
    token = read_jwt(jwt.encode({"sub": "a"}, private, algorithm=spoken, headers={"kid": "k"}))
    assert published({**jwk, "kid": "k"}).verify(token) is Signature.GOOD
    assert published({**jwk, "kid": "k", "alg": spoken, "use": "sig"}).verify(token) is Signature.GOOD
    other = made(algorithm)[1] if private is not RSA_KEY else RSAAlgorithm.to_jwk(OTHER.public_key(), as_dict=True)
    assert published({**other, "kid": "k"}).verify(token) is Signature.WRONG
    assert published({**jwk, "kid": "another"}).verify(token) is Signature.UNKNOWN_KEY
    assert published({**jwk, "kid": "k", "use": "enc"}).verify(token) is Signature.UNKNOWN_KEY


OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_a_token_without_kid_is_of_any_key_that_fits():
    (_, one), (private, two) = made("ES256"), made("ES256")
    token = read_jwt(jwt.encode({"sub": "a"}, private, algorithm="ES256"))
    assert published(one, two, key_set()["keys"][1]).verify(token) is Signature.GOOD


def test_two_keys_of_one_name():
    (_, one), (private, two) = made("ES256"), made("ES256")
    token = read_jwt(jwt.encode({"sub": "a"}, private, algorithm="ES256", headers={"kid": "same"}))
    assert published({**one, "kid": "same"}, {**two, "kid": "same"}).verify(token) is Signature.GOOD


def test_a_key_that_is_a_certificate_alone():
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, RSA_KEY.public_key(), 1, now, now + dt.timedelta(days=1))
    der = builder.sign(RSA_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    token = read_jwt(jwt.encode({"sub": "a"}, RSA_KEY, algorithm="RS256"))
    jwk = {"kty": "RSA", "use": "sig", "x5c": [base64.b64encode(der).decode()]}
    assert published(jwk).verify(token) is Signature.GOOD
    assert published({**jwk, "x5c": ["!"]}).verify(token) is Signature.UNREADABLE


def test_what_nobody_signed_and_what_nobody_knows():
    _, jwk = made("ES256")
    keys = published(jwk)
    assert keys.verify(read_jwt(encoded({"alg": "none"}, signature=b""))) is Signature.NONE
    assert keys.verify(read_jwt(encoded({"alg": "NoNe"}))) is Signature.NONE
    assert keys.verify(read_jwt(encoded({"alg": "ES256"}, signature=b""))) is Signature.NONE
    assert keys.verify(read_jwt(encoded({"alg": "HS256"}))) is Signature.UNREADABLE
    assert keys.verify(read_jwt(encoded({"alg": "ML-DSA-44"}))) is Signature.UNREADABLE
    assert keys.verify(read_jwt(encoded({"alg": ["ES256"]}))) is Signature.UNREADABLE


def test_a_public_key_is_no_secret_of_a_mac():
    pem = RSA_KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    token = read_jwt(jwt.encode({"sub": "a"}, "s" * 32, algorithm="HS256"))
    assert verify_by_secret(token, "s" * 32)
    assert not verify_by_secret(token, pem.decode())
    assert not verify_by_secret(read_jwt(jwt.encode({"sub": "a"}, RSA_KEY, algorithm="RS256")), pem.decode())


@pytest.mark.parametrize(
    "token",
    [
        None,
        7,
        "",
        "..",
        "a.b.c",
        "a.b.c.d.e",
        "\u00e9.\u00e9.\u00e9",
        "\ud800.\ud800.\ud800",
        "e30.e30.",
        encoded({"typ": "JWT"}),
        encoded({"alg": "ES256"}).replace("e", "*"),
        "W10.W10.W10",
        ".".join([base64.urlsafe_b64encode(b"[" * 60_000).decode()] * 2 + ["a"]),
        ".".join([base64.urlsafe_b64encode(b'{"alg":' * 20_000).decode()] * 2 + ["a"]),
        encoded({"alg": "ES256", "pad": "x" * LONGEST}),
        base64.urlsafe_b64encode(b'{"alg":' + b"9" * 5_000 + b"}").decode() + ".e30.a",
    ],
)
def test_what_is_no_jwt(token):
    assert read_jwt(token) is None
    assert not is_encrypted(token)


def test_padding_is_read_and_noted():
    token = encoded({"alg": "ES256"}, signature=b"12")
    assert read_jwt(token).strict
    assert not read_jwt(f"{token}=").strict


def test_encrypted_tokens_are_told_apart():
    header = base64.urlsafe_b64encode(b'{"alg":"RSA-OAEP","enc":"A256GCM"}').rstrip(b"=").decode()
    assert is_encrypted(f"{header}.a.b.c.d")
    assert read_jwt(f"{header}.a.b.c.d") is None
    assert not is_encrypted("e30.a.b.c.d")


LONG = base64.urlsafe_b64encode(b"\xff" * 3_000).decode().rstrip("=")


@pytest.mark.parametrize(
    "key",
    [
        {},
        {"kty": "EC"},
        {"kty": "EC", "crv": "P-256", "x": "", "y": ""},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": ["P-256"], "x": 1, "y": None},
        {"kty": "EC", "crv": "P-256", "x": "A" * 100_000, "y": "A"},
        {"kty": "EC", "crv": "P-256", "x": "\ud800", "y": "\u00e9"},
        {"kty": ["EC"], "alg": {"a": 1}, "use": [], "key_ops": {"verify": 1}},
        {"kty": "EC", "key_ops": ["encrypt"]},
        {"kty": "EC", "x5c": "no array"},
        {"kty": "EC", "x5c": [None]},
        {"kty": "EC", "x5c": ["A" * 1_000_000]},
        {"kty": "oct", "k": "AA"},
    ],
)
@pytest.mark.parametrize("kid", [None, "k", 7, ["k"], {}])
def test_keys_of_no_use_never_raise(key, kid):
    token = read_jwt(encoded({"alg": "ES256", **({"kid": kid} if kid is not None else {})}))
    outcome = published({**key, "kid": kid}, key, key).verify(token)
    assert outcome in (Signature.UNKNOWN_KEY, Signature.UNREADABLE, Signature.WRONG)


def test_large_keys_and_many_take_no_time():
    token = read_jwt(encoded({"alg": "RS256"}, signature=b"\x7f" * 3_000))
    began = time.monotonic()
    published(*[{"kty": "RSA", "n": LONG, "e": LONG}] * 5_000).verify(token)
    published(*[{"kty": "RSA", "n": LONG[:2_700], "e": "AQAB"}] * 5_000).verify(token)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b'{"keys": null}',
        b'{"keys": {"kty": "EC"}}',
        b'{"keys": [null, "a", 1]}',
        b'{"keys": [{"kid": "without type"}]}',
        b'{"keys": ' + b"[" * 100_000,
        b'{"keys": [{"kty": 1}]}',
        b"\xff\xfe",
    ],
)
def test_documents_that_are_no_key_set(content):
    keys = key_set_of(answer(content))
    assert not keys.whole
    assert keys.verify(read_jwt(encoded({"alg": "ES256"}))) is Signature.UNKNOWN_KEY


def test_a_set_without_keys_is_one():
    assert published().whole


def test_the_reference_publishes_what_it_signs_with():
    keys = published(*key_set()["keys"])
    assert keys.whole
    for algorithm in ("ES256", "RS256"):
        assert keys.verify(read_jwt(signing_key(algorithm).sign({"sub": "a"}))) is Signature.GOOD
        assert keys.verify(read_jwt(signing_key(algorithm, "another").sign({"sub": "a"}))) is Signature.UNKNOWN_KEY
    assert not {"d", "p", "q", "k"} & {name for key in keys.keys for name in key}

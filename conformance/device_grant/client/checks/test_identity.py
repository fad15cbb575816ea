"""Who has signed in: the ID token beside the access token (OpenID Connect Core 1.0 sections 2 and 3.1.3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.client.scripted.identity import IdTokenLie
from device_grant.client.scripted.members import USERINFO as USERINFO_PATH
from device_grant.client.scripted.steps import change, identified
from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.protocol import Purpose

if TYPE_CHECKING:
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify

HOUR = 3600
ISSUER, AUDIENCE = "oidc-core-3.1.3.7-client-iss", "oidc-core-3.1.3.7-client-aud"
EXPIRY, HASH = "oidc-core-3.1.3.7-client-exp", "oidc-core-3.1.3.8-client-at-hash"
SIGNATURE, ALWAYS = "oidc-core-3.1.3.7-client-signature", "oidc-core-3.1.3.7-client-signature-always"
ALGORITHM = "oidc-core-3.1.3.7-client-alg"
ARRAY, UNKNOWN = "oidc-core-2-client-aud-array", "oidc-core-2-client-unknown-claims"
WITHOUT, USERINFO = "oidc-core-3.1.3.3-client-without-id-token", "oidc-core-5.3.2-client-userinfo-sub"
THE_PERSON, ANOTHER = "Ada Right-4c1e", "Eve Wrong-9d2f"
BROKE = re.compile(
    r"Traceback \(most recent call last\)|^\s+at \S+.*[:(]\d+|^panic: |^goroutine \d+|\bthread '.*' panicked"
    r"|\b(?:Key|Type|Attribute|Index|Reference|NoMethod)Error\b|NullPointerException|NullReferenceException"
    r"|nil pointer dereference|undefined method|Cannot read propert",
    re.MULTILINE,
)
"""What a program writes that did not foresee what happened."""
UNHEARD_OF = {
    "https://example.org/a": "b" * 200,
    "device_grant_object": {"a": [{}, None]},
    "device_grant_list": [1, "2"],
}


@check(ISSUER, faults=("id_token_issuer_unchecked",), needs=("id_token",))
def test_id_token_of_another_issuer(client: ClientUnderTest, verify: Verify) -> None:
    """The ID token's issuer is another host. Accepted: the client does not sign in."""
    login = _login_with(client, "another issuer", IdTokenLie(claims={"iss": "https://accounts.another.example"}))
    verify.that(ISSUER, _refused(login), "takes an ID token of another issuer", login)


@check(AUDIENCE, faults=("id_token_audience_unchecked",), needs=("id_token",))
def test_id_token_for_others(client: ClientUnderTest, verify: Verify) -> None:
    """The ID token is for another client, as a text and in an array. Accepted: the client does not sign in."""
    for what, aud in (("another client", "another-client"), ("an array of others", ["another-client", "a-third"])):
        login = _login_with(client, f"for {what}", IdTokenLie(claims={"aud": aud}))
        verify.that(AUDIENCE, _refused(login), "takes an ID token that is for others", login)


@check(EXPIRY, faults=("id_token_expiry_unchecked",), needs=("id_token",))
def test_expired_id_token(client: ClientUnderTest, verify: Verify) -> None:
    """The ID token expired an hour ago. Accepted: the client does not sign in."""
    login = _login_with(client, "expired", IdTokenLie(age=2 * HOUR, lifetime=HOUR))
    verify.that(EXPIRY, _refused(login), "takes an ID token that has expired", login)


@check(
    SIGNATURE,
    ALWAYS,
    ALGORITHM,
    faults=("id_token_signature_unchecked", "unsigned_id_token_taken", "id_token_of_unknown_key_taken"),
    needs=("id_token",),
)
def test_signature_of_the_id_token(client: ClientUnderTest, verify: Verify) -> None:
    """A stranger's key signs the ID token, in the name of the right key and in its own; then nobody does.

    Accepted: the client does not sign in. One that checks no signature at all relies on TLS, which is noted.
    """
    wrong = _login_with(client, "signed by another key", IdTokenLie(signer="stranger"))
    checks = _refused(wrong)
    verify.that(SIGNATURE, checks, "takes an ID token that another key has signed", wrong)
    unsigned = _login_with(client, "not signed", IdTokenLie(signed=False))
    verify.that(ALGORITHM, _refused(unsigned), "takes an ID token whose algorithm is none", unsigned)
    unknown = _login_with(
        client, "signed by a key of another name", IdTokenLie(signer="stranger", key_id="another-key")
    )
    if checks is False:
        raise NotApplicable("the client checks no signature of ID tokens")
    for what, login in (("that nobody has signed", unsigned), ("of a key that it cannot know", unknown)):
        lets_through = None if checks is None else _refused(login)
        verify.that(ALWAYS, lets_through, f"checks signatures, and takes an ID token {what}", login)


@check(HASH, faults=("id_token_hash_unchecked",), needs=("id_token",))
def test_hash_of_another_access_token(client: ClientUnderTest, verify: Verify) -> None:
    """at_hash is that of another access token. Accepted: the client does not sign in; if it does, that is noted."""
    login = _login_with(client, "the hash of another token", IdTokenLie(access_token="AT.another"))  # noqa: S106 - made up
    verify.that(HASH, _refused(login), "does not compare at_hash with the access token", login)


@check(
    ARRAY, UNKNOWN, faults=("id_token_audience_must_be_text", "id_token_claims_unknown_refused"), needs=("id_token",)
)
def test_id_token_in_another_form(client: ClientUnderTest, verify: Verify) -> None:
    """The audience is an array of one; there are claims that nobody knows. Accepted: the client signs in."""
    array = _login_with(client, "aud is an array", IdTokenLie(audience=lambda client_id: [client_id]))
    verify.that(ARRAY, array.succeeded, "does not take an array as aud", array)
    more = _login_with(client, "unknown claims", IdTokenLie(claims=UNHEARD_OF))
    verify.that(UNKNOWN, more.succeeded, "does not take an ID token with claims that it does not know", more)


@check(WITHOUT, faults=("id_token_indexed",), needs=("id_token",))
def test_no_id_token(client: ClientUnderTest, verify: Verify) -> None:
    """The token response has no ID token, and then null for one. Accepted: a sign-in, or an error in words."""
    client.free("token", "id_token")
    for what, value in (("no ID token", ...), ("null for the ID token", None)):
        login = client.ask(what, change(id_token=value))
        login.need(Purpose.POLL)
        broke = any(BROKE.search(text) for text in login.written.values())
        copes = None if login.succeeded is None else login.succeeded or (bool(login.settled) and not broke)
        verify.that(WITHOUT, copes, "breaks where the token response has no ID token", login)


@check(USERINFO, faults=("userinfo_subject_unchecked",), needs=("id_token",))
def test_userinfo_of_another_person(client: ClientUnderTest, verify: Verify) -> None:
    """Userinfo has the sub of the ID token, then another one. Accepted: what the second tells is not used.

    It is not applicable to clients that do not ask for userinfo.
    """
    right = client.ask("userinfo of the person", userinfo={"sub": "person", "name": THE_PERSON})
    right.need(Purpose.POLL)
    if not _asked_userinfo(right):
        raise NotApplicable("the client does not ask for userinfo")
    if not right.succeeded:
        raise Untestable("the client does not sign in with userinfo of the right person either")
    wrong = client.ask("userinfo of another", userinfo={"sub": "somebody-else", "name": ANOTHER})
    wrong.need(Purpose.POLL)
    if not _asked_userinfo(wrong):
        raise Inconclusive("the client did not ask for userinfo again")
    refused = _refused(wrong)
    if refused is False:
        # It may have signed in and left the claims alone, which only shows where it uses those of the right person.
        used = _names(wrong, ANOTHER)
        refused = not used if used or _names(right, THE_PERSON) else None
    verify.that(USERINFO, refused, "takes userinfo of another person than that of the ID token", wrong)


def _asked_userinfo(login: Attempt) -> bool:
    return any(urlsplit(entry.request.url).path == USERINFO_PATH for entry in login.exchanges)


def _names(login: Attempt, name: str) -> bool:
    """Whether the client has written that name, in its outputs or in a file."""
    files = any(name.encode() in file.content for file in login.files)
    return files or any(name in text for text in login.written.values())


def _login_with(client: ClientUnderTest, label: str, lie: IdTokenLie) -> Attempt:
    """A login whose token response has this ID token."""
    login = client.ask(label, identified(lie))
    login.need(Purpose.POLL)
    return login


def _refused(login: Attempt) -> bool | None:
    """Whether the client did not sign in; None where its end is not known."""
    return None if login.succeeded is None else not login.succeeded

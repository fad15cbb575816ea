"""Clients of the dialects of the field: what they send and read is described in client.toml, and is no failure."""

from __future__ import annotations

import base64
import json
import time

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from support.client_proof import applies, catalogue, scenarios
from support.judged_clients import OTHERS, Plain, ShowsTheMessage, judged, opened
from support.small_client import BASE, GiveUp

from device_grant.client.drivers.config import Claims, ResponseSection
from device_grant.client.drivers.embedded import EmbeddedDriver
from device_grant.client.session.run import ClientRun
from device_grant.errors import TargetUnreachableError
from device_grant.protocol import RFC8628, dialect


class ReadsErrorsOf200(Plain):
    def members(self, answer):
        said = super().members(answer)
        if "error" in said and answer.status != 200:
            raise GiveUp(f"status {answer.status}")
        return said


class ReadsErrorsOf200AsGitHubSays(ReadsErrorsOf200):
    response = ResponseSection(error_status=200)


def test_errors_as_github_sends_them():
    assert opened(ReadsErrorsOf200()).pending_is_fatal
    run = opened(ReadsErrorsOf200AsGitHubSays())
    assert not run.pending_is_fatal
    assert judged(run, *OTHERS)[1] == set()


class WantsNumbersOfErrors(Plain):
    response = ResponseSection(error={"error_codes": [70016], "error_uri": "{endpoint}/why"})

    def members(self, answer):
        said = super().members(answer)
        if "error" in said and (said["error_codes"] != [70016] or said["error_uri"] != f"{BASE}/why"):
            raise GiveUp("another server")
        return said


def test_errors_as_microsoft_sends_them():
    run = opened(WantsNumbersOfErrors())
    assert judged(run, *OTHERS, "answers::test_error_statuses")[1] == set()


class ShowsWhatMicrosoftSays(ShowsTheMessage):
    response = ResponseSection(
        device_authorization={"message": "Open {verification_uri}, enter {user_code}; or {verification_uri_complete}."}
    )


class ShowsAFixedText(ShowsTheMessage):
    response = ResponseSection(device_authorization={"message": "Open https://example.org and enter ABCD-EFGH."})


def test_what_a_dialect_shows_names_this_very_code():
    """Microsoft's clients print the server's message alone; the code in it is the one of this answer."""
    name = "starting::test_what_the_person_sees"
    assert judged(opened(ShowsWhatMicrosoftSays()), name)[1] == set()
    assert "rfc8628-3.3-client-shows-code-and-uri" in judged(opened(ShowsAFixedText()), name)[1]


class VerifiesIdTokens(Plain):
    """An OpenID client: the ID token has to be this server's, for this client, signed, and good."""

    response = ResponseSection(token={"id_token": "{id_token}"}, id_token={"tid": "tenant", "groups": ["a", "b"]})
    claims = Claims(registration=False, confidential=True, refresh=True)
    verified = 0

    def got(self, members):
        header, claims, signature = members["id_token"].split(".")
        (key,) = self.members(self.ask("GET", f"{BASE}/jwks"))["keys"]
        n, e = (int.from_bytes(decoded(key[name])) for name in ("n", "e"))
        public = RSAPublicNumbers(e, n).public_key()
        public.verify(decoded(signature), f"{header}.{claims}".encode(), PKCS1v15(), SHA256())
        said = json.loads(decoded(claims))
        assert (said["iss"], said["aud"]) == (self.given["ISSUER"], self.given["CLIENT_ID"])
        assert said["iat"] <= time.time() < said["exp"]
        assert (said["sub"], said["tid"], said["groups"]) == ("person", "tenant", ["a", "b"])
        self.verified += 1
        super().got(members)


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_id_tokens_can_be_verified():
    client = VerifiesIdTokens()
    run = opened(client)
    assert judged(run, *OTHERS, "asking::test_beyond_ascii", "refreshing::test_refresh")[1] == set()
    assert client.verified > len(OTHERS)


class InsistsOnMetadata(Plain):
    def flow(self):
        document = self.members(self.ask("GET", f"{BASE}/.well-known/oauth-authorization-server"))
        if not {"scopes_supported", "revocation_endpoint"} <= set(document):
            raise GiveUp("the server cannot do enough")
        if self.members(self.ask("GET", document["jwks_uri"])) != {"keys": []}:
            raise GiveUp("no keys")
        super().flow()


class InsistsOnMetadataThatIsThere(InsistsOnMetadata):
    response = ResponseSection(metadata={"revocation_endpoint": "{endpoint}/revoke"})


def test_members_of_the_metadata_can_be_added():
    with pytest.raises(TargetUnreachableError, match="cannot do enough"):
        opened(InsistsOnMetadata())
    assert not opened(InsistsOnMetadataThatIsThere()).obstacle


# The reference client in the dialects of the field.

WORDS = {
    "github": ResponseSection(error_status=200),
    "microsoft": ResponseSection(
        device_authorization={"message": "Open {verification_uri}, enter {user_code}."},
        token={"ext_expires_in": 3600, "id_token": "eyJhbGciOiJub25lIn0.e30."},
        error={"error_codes": [70016], "timestamp": "2026-01-01 00:00:00Z", "error_uri": "{endpoint}/error"},
    ),
    "google": ResponseSection(
        device_authorization={"verification_url": "{verification_uri}"},
        error={"error_subtype": "none"},
    ),
    "openid": ResponseSection(metadata={"revocation_endpoint": "{endpoint}/revoke", "authorization_endpoint": None}),
}


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("kind", ["flow", "operations"])
def test_the_reference_client_bears_the_words_of_every_dialect(words, kind):
    driver = EmbeddedDriver(RFC8628, kind=kind)
    claims = msgspec.structs.replace(driver.config.claims, id_token="id_token" not in WORDS[words].token)
    driver.config = msgspec.structs.replace(driver.config, response=WORDS[words], claims=claims)
    run = ClientRun(driver, dialect(RFC8628), catalogue())
    run.handshake()
    names = [name for name, entry in scenarios().items() if applies(entry, RFC8628)]
    assert judged(run, *names)[1] == set()

"""Servers of the dialects of the field: what providers are known for is not blamed, and what nobody may do is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.field_login import USER, opened
from support.field_server import EVERY, Entra, Facebook, GitHub, Google, Huawei, Keycloak, Twitch, target_toml
from support.proof import judged, judges

from device_grant.catalogue import Verdict, load
from device_grant.errors import UsageError
from device_grant.judging import Untestable
from device_grant.protocol import Client, Operation, Request, Response, field_dialects
from device_grant.targets.load import read_target

SUPPORT = Path(__file__).parent.parent
SOME = (
    "user_decision::test_approval",
    "user_decision::test_denial_is_final",
    "user_decision::test_slow_down_means_pending",
    "user_decision::test_code_of_another_client",
    "polling::test_pending",
    "polling::test_polite_polling",
    "polling::test_unknown_device_code",
    "polling::test_get_at_the_token_endpoint",
    "expiry::test_expiry",
    "expiry::test_approved_code_expires_too",
    "one_time_use::test_replay",
    "device_authorization::test_unknown_parameter_is_ignored",
    "client_authentication::test_wrong_secret_at_start",
    "encoding::test_empty_parameters",
    "scope::test_order_of_scopes",
)
WHOLE = bool(os.environ.get("DEVICE_GRANT_ALL_FIELD_SERVERS"))
"""Whether all checks meet all of the servers: some two minutes a server."""


def said_of(kind, folder, names=SOME, broken=""):
    """The worst verdicts by requirement, of checks and of invariants."""
    collected: dict[str, Verdict] = {}
    with opened(kind, folder, broken) as target:
        for outcome in judged(target, names, 10):
            for said in (outcome.verdicts, *outcome.invariants.values()):
                for requirement, verdict in said.items():
                    collected[requirement] = max(verdict, collected.get(requirement, verdict))
    return collected


def failing(said):
    return {requirement for requirement, verdict in said.items() if verdict is Verdict.FAIL}


@pytest.mark.parametrize("kind", EVERY)
def test_an_honest_server_of_the_provider(tmp_path, kind):
    names = tuple(judges()[0]) if WHOLE else SOME
    said = said_of(kind, tmp_path, names)
    assert failing(said) == set()
    passed = {requirement for requirement, verdict in said.items() if verdict is Verdict.PASS}
    assert {"rfc8628-3.5-authorization-pending", "rfc8628-3.5-access-denied"} <= passed


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize(
    ("fault", "check", "requirement"),
    [
        ("code_reusable", "one_time_use::test_replay", "rfc8628-3.5-device-code-single-use"),
        ("denial_then_token", "user_decision::test_denial_is_final", "rfc8628-3.5-access-denied-terminal"),
        ("foreign_client_redeems", "user_decision::test_code_of_another_client", "rfc8628-3.4-code-bound-to-client"),
    ],
)
def test_a_broken_server_of_the_provider_is_accused(tmp_path, kind, fault, check, requirement):
    assert requirement in failing(said_of(kind, tmp_path, (check,), fault))


def without_its_status(kind):
    """The same server with a status for pending that its provider does not send."""

    class Other(kind):
        def refused(self, error, members, answer):
            said = super().refused(error, members, answer)
            return self.written(401, {"error": error}, said) if error == "authorization_pending" else said

    return Other


@pytest.mark.parametrize("kind", [Entra, GitHub, Google, Keycloak])
def test_a_status_that_the_provider_does_not_send(tmp_path, kind):
    said = said_of(without_its_status(kind), tmp_path, ("polling::test_pending",))
    assert "rfc8628-3.5-error-format" in failing(said)


def test_a_token_beside_the_member_that_it_belongs_in(tmp_path):
    """Huawei's tokens in a member that nobody has documented are no tokens."""

    class Elsewhere(Huawei):
        def granted(self, members, answer, *, starts):
            return self.written(answer.status, members if starts else {"token": members}, answer)

    said = said_of(Elsewhere, tmp_path, ("user_decision::test_approval",))
    assert "rfc6749-5.1-top-level-members" in failing(said)


def test_a_form_where_json_was_asked_for(tmp_path):
    """GitHub's servers send forms to those who do not ask for JSON, and JSON to those who do."""

    class Stubborn(GitHub):
        def before(self, request):
            del request.headers["accept"]
            return super().before(request)

    said = said_of(Stubborn, tmp_path, ("polling::test_pending",))
    assert {"rfc8628-3.2-json-body", "rfc8628-3.5-error-format"} <= failing(said)


def test_what_only_octets_show(tmp_path):
    """Putting an answer into the RFC's terms hides no member that came twice, and no secret of an error."""

    class Doubled(Google):
        def written(self, status, members, answer):
            body = json.dumps(members)
            return replace(answer, status=status, body=(body[:-1] + ", " + body[1:]).encode())

    class Talkative(Facebook):
        def refused(self, error, members, answer):  # noqa: ARG002 - the fault is what it says instead
            said = {"message": error, "error_user_msg": "No.", "trace": self.waiting.body.decode(), "code": 100}
            return self.written(400, {"error": said}, answer)

    assert "rfc6749-3.2-no-repeated-params-response" in failing(said_of(Doubled, tmp_path, ("polling::test_pending",)))
    said = said_of(Talkative, tmp_path, ("polling::test_pending", "polling::test_unknown_device_code"))
    assert said["rfc6749-10.8-no-cleartext-secrets"] is not Verdict.PASS


def test_the_evidence_is_what_came(tmp_path):
    """A report shows the answer as the provider sent it, and judges what it says."""
    with opened(Twitch, tmp_path) as target:
        (outcome,) = judged(target, ["polling::test_pending"], 10)
    poll = next(one for one in outcome.trial.transcript.exchanges if one.request.operation is Operation.TOKEN)
    assert poll.code == "authorization_pending"
    assert b'"message": "authorization_pending"' in poll.came.content
    assert b'"error": "authorization_pending"' in poll.response.content
    with opened(Google, tmp_path) as target:
        (outcome,) = judged(target, ["polling::test_pending"], 10)
    poll = next(one for one in outcome.trial.transcript.exchanges if one.request.operation is Operation.TOKEN)
    assert (poll.describe(), poll.status) == ("428 authorization_pending", 400)


def test_malformed_requests(tmp_path):
    """Forms are malformed as any form; of what the suite has nothing wrong for it says so, and does not pass it."""
    check = "malformed_input::test_malformed_device_authorization"
    assert failing(said_of(GitHub, tmp_path, (check,))) == set()
    assert failing(said_of(GitHub, tmp_path, (check,), "malformed_body_500"))
    with opened(Huawei, tmp_path) as target:
        (outcome,) = judged(target, [check], 5)
    assert isinstance(outcome.trial.stop, Untestable)
    assert (outcome.trial.examples, "nothing wrong" in str(outcome.trial.stop)) == (0, True)


def test_a_run_is_recorded_and_replayed(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))
    (tmp_path / "target.toml").write_text(target_toml(Twitch, USER))
    only = ("--only", "rfc8628-3.5-access-denied")
    for words in (("record", "target.toml", "--out", "kept", *only), ("replay", "kept"), ("judge", "kept")):
        command = [sys.executable, "-m", "device_grant", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "kept against Twitch" in done.stdout


def encoded(name, operation, members, client):
    request = field_dialects()[name].encode(operation, "https://x.example/", members, client)
    return request.content.decode()


def test_requests_as_the_provider_takes_them():
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "dc"}
    public, secret = Client("me"), Client("me", "s3", "client_secret_post")
    start, token = Operation.DEVICE_AUTHORIZATION, Operation.TOKEN
    assert encoded("twitch", start, {"scope": "a"}, public) == "client_id=me&scopes=a"
    assert encoded("facebook", token, grant, public) == "access_token=me&code=dc"
    assert encoded("entra-v1", start, {"scope": "a"}, public) == "client_id=me&resource=a"
    assert encoded("entra-v1", token, grant, public) == "client_id=me&grant_type=device_code&code=dc"
    assert encoded("google", start, {}, secret) == "client_id=me"
    assert "client_secret=s3" in encoded("google", token, grant, secret)
    assert encoded("trakt", token, grant, secret) == '{"client_id": "me", "client_secret": "s3", "code": "dc"}'
    assert "client_secret" in encoded("huawei-identity-center", start, {}, secret)
    assert encoded("bmw-cardata", start, {"response_type": None}, public) == "client_id=me"


def plain(name, status, content, media_type="application/json"):
    request = Request("POST", "https://x.example/", (("Accept", "application/json"),), b"", Operation.TOKEN)
    response = Response(status, (("Content-Type", media_type),), content)
    read, outcome = field_dialects()[name].read(request, response)
    return read is response, read.status, outcome.code


def test_what_is_read_in_plain_terms():
    pending = "authorization_pending"
    assert plain("google", 428, b'{"error": "authorization_pending"}') == (False, 400, pending)
    assert plain("google", 400, b'{"error": "authorization_pending"}') == (True, 400, pending)
    assert plain("google", 401, b'{"error": "authorization_pending"}') == (True, 401, pending)
    assert plain("google", 403, b'{"error_code": "rate_limit_exceeded"}')[2] == "rate_limit_exceeded"
    assert plain("github", 200, b'{"error": "token_expired"}') == (False, 400, "expired_token")
    assert plain("github", 200, b"error=slow_down&interval=10", media_type="application/x-www-form-urlencoded")[0]
    assert plain("trakt", 409, b"") == (False, 400, "invalid_grant")
    assert plain("trakt", 401, b"") == (False, 401, "invalid_client")
    assert plain("trakt", 400, b'{"error": "invalid_client"}')[2] == "invalid_client"
    assert plain("facebook", 400, b'{"error": {"error_subcode": [1]}}')[2] == "invalid_request"
    assert plain("trakt", 502, b"") == (True, 502, "http-502")
    assert plain("okta", 400, b'{"error": "slow_down"}') == (True, 400, "slow_down")
    assert plain("twitch", 400, b"[]") == (True, 400, "http-400")
    assert plain("huawei-identity-center", 200, b'{"token_info": {"access_token": "x"}}') == (False, 200, "ok")
    assert plain("huawei-identity-center", 200, b'{"token_info": ["access_token"]}')[2] == "http-200"
    for name in field_dialects():
        for content in (b"", b"null", b"[]", b"{", b'{"error": []}', b'{"error": {}}', b'{"scope": {}}', b"\xff"):
            for status in (200, 204, 302, 400, 500):
                plain(name, status, content)


def test_a_target_may_speak_one_by_its_file(tmp_path):
    file = tmp_path / "target.toml"
    file.write_text('name = "x"\ndialect = "twich"\n[endpoints]\nbase = "https://x.example"\n')
    with pytest.raises(UsageError, match=r"dialect: unknown dialect 'twich': did you mean twitch"):
        read_target(file)


def test_what_does_not_bind_is_named():
    """Each departure takes one requirement away, and none of those about codes that are used twice, or by others."""
    kept = {
        "rfc8628-3.5-device-code-single-use",
        "rfc8628-3.5-access-denied-terminal",
        "rfc8628-3.4-code-bound-to-client",
    }
    for dialect in field_dialects().values():
        for entry in load().requirements:
            assert not (entry.id in kept and "rfc8628" in entry.dialects) or dialect.binds(entry)

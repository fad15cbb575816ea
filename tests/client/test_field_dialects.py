"""Clients that speak the dialect of one provider: judged as that provider's, and by the letter."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from support.field_client import (
    Auth0,
    Authentik,
    Bmw,
    Entra,
    Facebook,
    FieldClient,
    FirstEntra,
    GitHub,
    GitHubByJson,
    GitLab,
    Google,
    Huawei,
    Keycloak,
    Okta,
    OldGoogle,
    Oracle,
    PingAm,
    Trakt,
    Twitch,
    opened,
)
from support.judged_clients import judged
from support.small_client import SmallClient

from device_grant.catalogue import load
from device_grant.client.drivers.config import ClientConfig, RunSection, SpeaksSection
from device_grant.client.drivers.load import open_client, read_client
from device_grant.errors import TargetUnreachableError, UsageError
from device_grant.protocol import Operation, Response, field_dialects

EVERY = (
    *(Auth0, Authentik, Bmw, Entra, Facebook, FirstEntra, GitHub, GitHubByJson, GitLab, Google, Huawei, Keycloak),
    *(OldGoogle, Okta, Oracle, PingAm, Trakt, Twitch),
)
UNDERSTANDS = "rfc8628-3.2-client-understands-answers"
GRANT, CODE = "rfc8628-3.4-grant-type-value", "rfc8628-3.4-device-code-sent"
BY_FORM = {"rfc8628-3.1-client-form-body", "rfc8628-3.4-token-endpoint-post-form"}
WAITS, SLOWER = "rfc8628-3.5-client-waits-before-each-request", "rfc8628-3.5-slow-down-increments-interval"
STOPS = "rfc8628-3.5-client-stops-on-other-errors"
CHECKS = (
    "answers::test_answers_to_the_letter",
    "answers::test_only_required_members",
    "ending::test_access_denied",
    "ending::test_expired_token",
    "ending::test_errors_of_the_request",
    "starting::test_member_order",
    "starting::test_required_members_missing",
    "starting::test_special_device_code",
    "starting::test_what_the_person_sees",
    "waiting::test_pending_until_approved",
    "waiting::test_slow_down_at_first",
    "waiting::test_slow_down_later",
    "waiting::test_codes_expire",
)
BY_THE_LETTER = {
    Auth0: {UNDERSTANDS, *BY_FORM},
    Entra: {UNDERSTANDS, GRANT},
    Facebook: {UNDERSTANDS, GRANT, CODE},
    FirstEntra: {UNDERSTANDS, GRANT, CODE},
    GitHub: {UNDERSTANDS},
    GitHubByJson: {UNDERSTANDS, *BY_FORM},
    Google: {UNDERSTANDS},
    Huawei: {UNDERSTANDS, *BY_FORM},
    OldGoogle: {UNDERSTANDS, GRANT, CODE, *BY_FORM},
    PingAm: {UNDERSTANDS},
    Trakt: {UNDERSTANDS, GRANT, CODE, *BY_FORM},
    Twitch: {UNDERSTANDS},
}


def test_every_dialect_has_a_client():
    assert {client.speaks for client in EVERY} == set(field_dialects())


@pytest.mark.parametrize("kind", EVERY)
def test_what_the_provider_takes_is_not_blamed(kind):
    run = opened(kind())
    said, broken = judged(run, *CHECKS)
    assert (broken, run.obstacle) == (set(), "")
    assert all("pass" in {verdict.label for verdict in verdicts} for verdicts in said.values())


@pytest.mark.parametrize("kind", EVERY)
def test_by_the_letter_it_is(kind):
    """A client of each provider that says nothing else than the RFC is not blamed then either."""
    run = opened(kind(judged_as="rfc8628"))
    _, broken = judged(run, *CHECKS)
    wanted = BY_THE_LETTER.get(kind, set())
    assert wanted <= broken
    assert bool(wanted) == bool(broken)


def _is_broken(run, check, requirement):
    """Whether the requirement is broken, by the scenario or by a rule that watches it."""
    return requirement in judged(run, check)[1]


@pytest.mark.parametrize("kind", EVERY)
def test_broken_ones_are_caught_in_the_dialect(kind):
    hasty = type("Hasty", (kind,), {"pause": lambda self, _interval: self.wait(0.05)})
    assert _is_broken(opened(hasty()), "waiting::test_pending_until_approved", WAITS)
    stubborn = type("Stubborn", (kind,), {"slower": lambda _self, interval, _said: interval})
    assert _is_broken(opened(stubborn()), "waiting::test_slow_down_at_first", SLOWER)
    deaf = type("Deaf", (kind,), {"refused": lambda _self, _state: None})
    assert _is_broken(opened(deaf()), "ending::test_access_denied", STOPS)


@pytest.mark.parametrize(
    ("kind", "members", "requirement"),
    [
        (Entra, {"grant": "urn:ietf:params:oauth:grant-type:device-code"}, GRANT),
        (OldGoogle, {"grant": "device_code"}, GRANT),
        (Google, {"with_secret": False}, "rfc8628-3.4-credentialed-client-authenticates"),
        (Google, {"as_json": True}, "rfc8628-3.1-client-form-body"),
        (Trakt, {"as_json": False}, "rfc8628-3.1-client-form-body"),
    ],
)
def test_what_the_provider_does_not_take_is_blamed_there_too(kind, members, requirement):
    run = opened(type("Client", (kind,), members)())
    assert _is_broken(run, "waiting::test_pending_until_approved", requirement)


def test_scope_that_is_demanded():
    silent = type("Silent", (Entra,), {"start_members": lambda self: {"client_id": self.given["CLIENT_ID"]}})
    with pytest.raises(TargetUnreachableError, match="no codes"):
        opened(silent())
    assert opened(silent(judged_as="rfc8628")).obstacle == ""


def test_answers_as_providers_send_them():
    """What is read of an answer, for each way in which errors and members are said."""
    known = field_dialects()

    def code(name, status, content, media_type="application/json"):
        response = Response(status, (("Content-Type", media_type),), content)
        return known[name].decode(Operation.TOKEN, response).code

    assert code("entra", 400, b'{"error": "authorization_declined"}') == "access_denied"
    assert code("google", 428, b'{"error": "authorization_pending"}') == "authorization_pending"
    form = b"error=slow_down&interval=10"
    assert code("github", 200, form, "application/x-www-form-urlencoded") == "slow_down"
    assert code("github", 200, b'{"error": "incorrect_device_code"}') == "invalid_grant"
    assert code("twitch", 400, b'{"status": 400, "message": "authorization_pending"}') == "authorization_pending"
    assert code("twitch", 400, b'{"status": 400, "message": "Invalid client: try again"}') == "http-400"
    assert code("facebook", 400, b'{"error": {"message": "x", "error_subcode": 1349174}}') == "authorization_pending"
    assert code("facebook", 400, b'{"error": {"message": "Invalid OAuth 2.0 Access Token"}}') == "invalid_request"
    assert [code("trakt", status, b"") for status in (400, 410, 418, 429)] == [
        "authorization_pending",
        "expired_token",
        "access_denied",
        "slow_down",
    ]
    assert code("gitlab", 200, b"<p>") == "http-200"


def test_github_answers_in_the_form_that_is_asked_for():
    class Reads(GitHub):
        def send(self, url, members):
            status, said = super().send(url, members)
            self.seen = [*getattr(self, "seen", []), self.invocation.authority.exchanges[-1].response]
            return status, said

    client = Reads()
    opened(client)
    assert parse_qsl(client.seen[0].content.decode())[0][0] == "device_code"
    asked = type("Asks", (Reads,), {"accept": "application/json"})()
    opened(asked)
    assert asked.seen[0].media_type == "application/json"


def test_departures_are_requirements():
    known = {entry.id for entry in load().requirements}
    for dialect in field_dialects().values():
        assert set(dialect.departures) <= known
        assert all(dialect.departures.values())


def test_names_are_checked(tmp_path):
    file = tmp_path / "client.toml"
    file.write_text('name = "c"\n[run]\ncommand = ["true"]\n[speaks]\ndialect = "entrra"\n')
    with pytest.raises(UsageError, match=r"speaks\.dialect: unknown dialect 'entrra': did you mean entra\?"):
        read_client(file)
    file.write_text('name = "c"\ndialect = "aws-sso-oidc"\n[run]\ncommand = ["true"]\n[speaks]\ndialect = "entra"\n')
    with pytest.raises(UsageError, match=r"speaks\.dialect: is for clients of rfc8628"):
        read_client(file)
    with pytest.raises(UsageError, match=r"--speaks entrra: unknown dialect 'entrra': did you mean entra\?"):
        open_client("honest:rfc8628", speaks="entrra")
    with pytest.raises(UsageError, match="--speaks entra: is for clients of rfc8628"):
        open_client("honest:aws-sso-oidc", speaks="entra")


def test_what_the_command_line_changes():
    config = ClientConfig(name="c", run=RunSection(command=("c",)), speaks=SpeaksSection(dialect="google"))
    assert (config.answered_in, config.judged_by) == ("google", "google")
    plain = config.speaking("rfc8628")
    assert (plain.answered_in, plain.judged_by) == ("google", "rfc8628")
    other = plain.speaking("entra")
    assert (other.answered_in, other.judged_by) == ("entra", "entra")


def test_a_client_of_the_rfc_in_each_dialect_that_answers_so():
    for name in ("okta", "gitlab", "keycloak", "entra"):

        class Plain(FieldClient):
            speaks = name

            def state(self, status, said):
                error = super().state(status, said)
                return "access_denied" if error == "authorization_declined" else error

        assert judged(opened(Plain()), *CHECKS)[1] == set()
    assert SmallClient.dialect_name == "rfc8628"

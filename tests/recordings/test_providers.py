"""`device-grant judge` recognises the dialects of the field by itself, and nothing else as one of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.captured import JSON, Sent, Traffic, har, rfc, vcr
from support.field_login import HOMES, login
from support.field_server import (
    EVERY,
    Auth0,
    FirstEntra,
    GitHub,
    GitLab,
    Google,
    Keycloak,
    OldGoogle,
    PingAm,
    Trakt,
    Twitch,
)
from support.judged import failing, judged, verdicts

from device_grant.catalogue import load
from device_grant.errors import UsageError
from device_grant.protocol import field_dialects
from device_grant.recordings.judge import find, flows_of, read_capture

STOPS = "rfc8628-3.5-client-stops-on-other-errors"
WAITS = "rfc8628-3.5-client-waits-before-each-request"
DEFAULT = "rfc8628-3.5-client-waits-default-five"
FORMAT = "rfc8628-3.5-error-format"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("servers")


def findings_in(tmp_path, text, forced="", name="traffic.har"):
    file = tmp_path / name
    file.write_text(text)
    return find(read_capture(file), forced)


def elsewhere(traffic, home, other):
    """The same traffic as it would be at another host."""
    return Traffic([replace(one, url=one.url.replace(home, other)) for one in traffic.sent])


def test_every_dialect_has_a_server_and_a_home():
    assert {kind.dialect for kind in EVERY} == set(field_dialects()) == set(HOMES)


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("deny", [False, True], ids=["approved", "denied"])
def test_a_login_at_the_provider(tmp_path, folder, kind, deny):
    """One flow, all of it seen, read in the dialect, and nobody blamed."""
    traffic = login(kind, folder, deny=deny)
    findings = findings_in(tmp_path, har(traffic))
    assert findings.dialects == (kind.dialect,)
    assert len(findings.exchanges) == len(traffic.sent) == 4
    (flow,) = flows_of(findings, kind.dialect)
    codes = [one.exchange.code for one in flow.own]
    assert codes == ["ok", "authorization_pending", "authorization_pending", "access_denied" if deny else "ok"]
    said = judged(tmp_path, har(traffic))
    assert failing(said) == set()
    # Oracle's servers name no interval.
    assert verdicts(said).get(WAITS, verdicts(said).get(DEFAULT)) == "pass"


@pytest.mark.parametrize("kind", [GitHub, Twitch, Trakt, FirstEntra])
def test_in_a_cassette_too(tmp_path, folder, kind):
    assert findings_in(tmp_path, vcr(login(kind, folder)), name="traffic.yaml").dialects == (kind.dialect,)


@pytest.mark.parametrize("kind", EVERY)
def test_a_client_that_goes_on_after_the_end_is_accused(tmp_path, folder, kind):
    said = judged(tmp_path, har(login(kind, folder, deny=True, again=True)))
    assert STOPS in failing(said)


@pytest.mark.parametrize("kind", [GitHub, Google, Twitch, Trakt])
def test_by_the_letter_if_that_is_asked_for(tmp_path, folder, kind):
    """What the provider is known for is blamed, or not even seen as the device grant."""
    findings = findings_in(tmp_path, har(login(kind, folder)), forced="rfc8628")
    assert findings.dialects == ("rfc8628",)


def test_deviations_that_are_nobodys(tmp_path, folder):
    """Pending with a status that GitHub does not send is as wrong there as anywhere."""
    traffic = login(GitHub, folder).changed(1, status=418)
    assert FORMAT in failing(judged(tmp_path, har(traffic)))
    assert FORMAT not in failing(judged(tmp_path, har(login(GitHub, folder))))


@pytest.mark.parametrize("kind", [Auth0, GitHub, GitLab, Keycloak, PingAm])
def test_behind_a_custom_domain(tmp_path, folder, kind):
    moved = elsewhere(login(kind, folder), HOMES[kind.dialect], "https://login.shop.example")
    assert findings_in(tmp_path, har(moved)).dialects == (kind.dialect,)


@pytest.mark.parametrize("kind", [Google, Trakt, Twitch, FirstEntra])
def test_providers_without_custom_domains(tmp_path, folder, kind):
    moved = elsewhere(login(kind, folder), HOMES[kind.dialect], "https://login.shop.example")
    assert kind.dialect not in findings_in(tmp_path, har(moved)).dialects


def standard(start, token, base="https://login.shop.example", **members):
    """A login by the RFC at these addresses."""
    plain = rfc()
    answer = {**plain.sent[0].answer, **members}
    first = replace(plain.sent[0], url=base + start, answer=answer)
    return Traffic([first, *(replace(one, url=base + token) for one in plain.sent[1:])])


@pytest.mark.parametrize(
    "base",
    [
        "https://github.com.shop.example",
        "https://notgithub.com",
        "https://github.example",
        "https://auth0.com.shop.example",
        "https://id.twitch.tv.example",
        "http://graph.facebook.com:8443.example",
    ],
)
def test_a_standard_server_with_a_host_like_the_providers(tmp_path, base):
    for start, token in (
        ("/login/device/code", "/login/oauth/access_token"),
        ("/oauth/device/code", "/oauth/token"),
        ("/oauth2/device", "/oauth2/token"),
    ):
        assert findings_in(tmp_path, har(standard(start, token, base))).dialects == ("rfc8628",)


@pytest.mark.parametrize("base", ["https://github.com", "https://api.trakt.tv", "https://example.okta.com"])
def test_a_standard_server_at_the_providers_own_host(tmp_path, base):
    """Other software behind the same name has other paths."""
    assert findings_in(tmp_path, har(standard("/device_authorization", "/token", base))).dialects == ("rfc8628",)


def test_a_standard_server_that_says_verification_url_too(tmp_path):
    """As some do for clients of old drafts: it says all that the RFC wants, and is no Google."""
    for start, token in (("/device/code", "/token"), ("/oauth/device/code", "/oauth/token")):
        traffic = standard(start, token, verification_url="https://login.example/go")
        assert findings_in(tmp_path, har(traffic)).dialects == ("rfc8628",)
        assert failing(judged(tmp_path, har(traffic))) == set()


def test_verification_url_alone_is_blamed_at_a_standard_server(tmp_path):
    traffic = standard("/device/code", "/token", verification_url="https://login.example/go", verification_uri=None)
    assert findings_in(tmp_path, har(traffic)).dialects == ("rfc8628",)
    assert "rfc8628-3.2-verification-uri-present" in failing(judged(tmp_path, har(traffic)))


def test_a_provider_that_says_it_by_the_rfc_is_not_blamed(tmp_path):
    """Should Google one day send verification_uri and status 400."""
    traffic = standard("/device/code", "/token", "https://oauth2.googleapis.com")
    assert findings_in(tmp_path, har(traffic)).dialects == ("google",)
    assert failing(judged(tmp_path, har(traffic))) == set()


def test_several_dialects_in_one_recording(tmp_path, folder):
    parts = [login(GitHub, folder), login(Twitch, folder), login(Trakt, folder), rfc()]
    sent = [replace(one, at=one.at + 100 * place) for place, part in enumerate(parts) for one in part.sent]
    findings = findings_in(tmp_path, har(Traffic(sent)))
    assert findings.dialects == ("rfc8628", "github", "trakt", "twitch")
    for name in findings.dialects:
        (flow,) = flows_of(findings, name)
        assert [one.exchange.code for one in flow.own][-1] == "ok"


def test_a_code_of_one_address_polled_at_another(tmp_path, folder):
    """Clients that start at Google's old address poll at the new one; the code decides."""
    traffic = login(OldGoogle, folder)
    moved = [traffic.sent[0], *(replace(one, url="https://oauth2.googleapis.com/token") for one in traffic.sent[1:])]
    findings = findings_in(tmp_path, har(Traffic(moved)))
    assert findings.dialects == ("google-legacy",)
    assert len(findings.exchanges) == 4


@pytest.mark.parametrize("kind", [GitHub, Twitch, Keycloak])
def test_a_recording_without_bodies_of_requests(tmp_path, folder, kind):
    """The addresses and the answers are enough to see one login in one dialect."""
    traffic = Traffic([replace(one, body=b"") for one in login(kind, folder).sent])
    findings = findings_in(tmp_path, har(traffic))
    assert findings.dialects == (kind.dialect,)
    assert [one.exchange.code for one in findings.exchanges][-1] == "ok"


def test_other_grants_at_the_providers_endpoint_are_left_alone(tmp_path, folder):
    code = b"grant_type=authorization_code&code=zzzz&client_id=web"
    other = Sent(0.5, "https://github.com/login/oauth/access_token", code, 200, {"access_token": "x"}, answered=JSON)
    plain = Sent(0.6, other.url, b"client_id=web&client_secret=s&code=zzzz", 200, {"access_token": "x"}, answered=JSON)
    findings = findings_in(tmp_path, har(Traffic([*login(GitHub, folder).sent, other, plain])))
    assert len(findings.exchanges) == 4


def test_forced_at_any_host(tmp_path, folder):
    """A proxy in between has its own name; whoever knows better says so."""
    moved = elsewhere(login(Twitch, folder), HOMES["twitch"], "http://127.0.0.1:8080")
    findings = findings_in(tmp_path, har(moved), forced="twitch")
    assert [one.exchange.code for one in findings.exchanges][1] == "authorization_pending"
    assert findings.dialects == ("twitch",)


def test_secrets_of_the_provider_are_not_shown(tmp_path, folder):
    from device_grant.protocol import Secrets
    from device_grant.recordings.judge.secrets import learn

    for kind in EVERY:
        findings = findings_in(tmp_path, har(login(kind, folder)))
        secrets = Secrets()
        learn(findings.exchanges, secrets)
        code = next(one.said("device_code") for one in findings.exchanges if one.said("device_code"))
        token = next(one.said("access_token") for one in findings.exchanges if one.said("access_token"))
        assert code not in secrets.redact(f"x {code} y")
        assert token not in secrets.redact(f"x {token} y")


def test_descriptions_say_where_they_are_from():
    known = {entry.id for entry in load().requirements}
    for dialect in field_dialects().values():
        said = dialect.description
        assert said.sources
        assert said.confidence != "single" or said.remark
        assert set(said.departures) <= known


def test_an_unknown_dialect_is_refused_in_one_line(tmp_path, capsys):
    from device_grant.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["judge", str(tmp_path / "no.har"), "--dialect", "githubb"])
    assert ended.value.code == UsageError("").exit_code
    assert "unknown dialect 'githubb': did you mean github?" in capsys.readouterr().err

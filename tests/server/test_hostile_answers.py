"""Whatever a server answers, no run ends with an error of the suite, and every report can be written."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from support.hostile import Change, Plan, plans
from support.hostile_run import run_against

LONG = "DEVICE_GRANT_HOSTILE_SERVERS"
"""How many servers are drawn, at random; not set: a few, always the same ones, that meet a part of the checks each."""
COSTLY = ("state::", "schemathesis::", "malformed_input::", "page_browser::", "decision_browser::", "races::")


def member(place, name, value, when="always"):
    return Change(place, when, "member", name, value)


def rfc(*changes, **members):
    return Plan("rfc8628", changes, configured=True, **members)


def aws(*changes, **members):
    return Plan("aws-sso-oidc", changes, configured=True, **members)


def run(plan, folder, *names):
    ended = run_against(plan, folder, lambda name: name in names)
    assert ended.errors == []
    assert ended.report is not None
    return ended


# Kinds of answers that once ended a run.


@pytest.mark.parametrize("method", ["private_key_jwt", "\\ud800", ""])
def test_a_client_that_the_suite_cannot_be(tmp_path, method):
    plan = rfc(member("registration", "token_endpoint_auth_method", f'"{method}"'))
    ended = run(plan, tmp_path, "polling::test_pending", "registration::test_register_a_client")
    if method:
        assert set(ended.verdicts("polling::test_pending").values()) == {"untestable"}
        assert "client that the suite cannot be" in ended.message("polling::test_pending")


@pytest.mark.parametrize("value", ["5", "null", "[]", '"\\ud800"'])
@pytest.mark.parametrize("name", ["client_id", "client_secret"])
def test_credentials_that_are_no_text(tmp_path, name, value):
    names = ("client_authentication::test_basic_authentication", "user_decision::test_approval")
    run(rfc(member("registration", name, value)), tmp_path, *names)
    run(aws(member("registration", name, value)), tmp_path, *names)


def test_a_code_that_is_half_a_character(tmp_path):
    for plan in (
        rfc(member("start", "device_code", '"\\ud800abc"')),
        aws(member("start", "device_code", '"\\ud800abc"')),
    ):
        run(plan, tmp_path, "polling::test_pending", "user_decision::test_approval")


@pytest.mark.parametrize(
    ("kind", "value"), [("cut", ""), ("header", "gzip"), ("redirect", "http://[::1"), ("redirect", "/device")]
)
def test_pages_that_cannot_be_read(tmp_path, kind, value):
    change = Change("pages", "always", kind, "Content-Encoding" if kind == "header" else "Location", value, status=302)
    run(
        rfc(change),
        tmp_path,
        "user_decision::test_approval",
        "user_decision::test_loading_the_page_decides_nothing",
        "verification_page::test_confirmation_speaks_of_the_device",
    )


def test_user_codes_that_collide_at_random(tmp_path):
    run(rfc(Change("start", "half", "drop", "user_code"), user_codes=1), tmp_path, "state::test_interleaved_grants")
    change = Change("token", "half", "body", body=b"\x08")
    run(aws(Change("pages", "half", "cut"), change), tmp_path, "state::test_interleaved_grants")


def test_a_failure_that_comes_and_goes_is_kept(tmp_path):
    change = Change("token", "half", "body", body=b'{"access_token":"no-token-of-anybody","token_type":"Bearer"}')
    ended = run(rfc(change, seed=1), tmp_path, "state::test_interleaved_grants")
    assert {result.requirement for result in ended.report.results if result.verdict == "fail"}


def test_stories_of_which_no_step_is_answered(tmp_path):
    run(aws(Change("start", "always", "cut")), tmp_path, "schemathesis::test_linked_requests")


def test_a_secret_that_is_known_as_one_too_late(tmp_path):
    # The number has more digits than Python reads, so that the first answers are no JSON: nothing in them is a secret.
    change = member("start", "verification_uri_complete", "1" * 5000, "first")
    run(aws(change, user_codes=3), tmp_path, "polling::test_pending", "user_decision::test_approval")


COMMON = ["span", "body", "error", "results", "testcase", "utf-8", "0123", "2026", "target", "POST"]
WORDS = ["test", "device_code", "class=", "2.1.0", "POST http", "code 1>", '\\"kind\\":\\"result', "28T22:", "0.00"]


@pytest.mark.parametrize("word", COMMON + WORDS)
def test_a_secret_that_is_a_word_of_every_report(tmp_path, word):
    run(
        rfc(member("start", "device_code", f'"{word}"')),
        tmp_path,
        "polling::test_pending",
        "user_decision::test_approval",
    )


def test_a_code_that_is_a_word_is_a_finding_and_leaves_the_report_readable(tmp_path):
    plan = rfc(member("start", "device_code", '"test"'))
    ended = run(plan, tmp_path, "entropy::test_device_codes_cannot_be_guessed", "polling::test_pending")
    verdicts = ended.verdicts("entropy::test_device_codes_cannot_be_guessed")
    assert verdicts["rfc6749-10.10-prevent-guessing"] == "fail"
    assert verdicts["rfc8628-5.2-device-code-entropy"] == "warn"
    assert "<device_code" not in (tmp_path / "report" / "results.jsonl").read_text()


@pytest.mark.parametrize("value", ["1e999", "1e308", "1" * 400, "1e12", "-1e999", "NaN", "99999999999"])
@pytest.mark.parametrize("name", ["expires_in", "interval"])
def test_times_that_no_clock_reaches(tmp_path, name, value):
    names = ("device_authorization::test_start", "expiry::test_expiry", "polling::test_pending")
    run(rfc(member("start", name, value)), tmp_path, *names)


@pytest.mark.parametrize("value", ["1" * 400, "1e308"])
def test_registrations_that_end_when_no_clock_is_left(tmp_path, value):
    name = "registration::test_expired_registration_is_refused"
    ended = run(aws(member("registration", "client_secret_expires_at", value)), tmp_path, name)
    assert "untestable" in ended.verdicts(name).values()


PAGES = (
    "page_security::",
    "verification_page::",
    "user_codes::",
    "user_decision::test_loading_the_page_decides_nothing",
)


@pytest.mark.parametrize("plan", [rfc, aws])
def test_a_start_that_names_no_page(tmp_path, plan):
    ended = run_against(
        plan(Change("start", "always", "drop", "verification_uri")), tmp_path, lambda name: name.startswith(PAGES)
    )
    assert ended.errors == []
    name = "page_security::test_pages_are_closed_to_scripts_of_others"
    assert set(ended.verdicts(name).values()) == {"untestable"}
    assert "no verification_uri" in ended.message(name)


STRANGE = [
    "http://xn--a/",
    "http://[::1",
    "http://target.test:99999/",
    "http://\u2100.test/",
    "http://::1/",
    "javascript:x",
]


@pytest.mark.parametrize("address", STRANGE)
def test_addresses_that_are_none(tmp_path, address):
    plan = rfc(
        member("start", "verification_uri", f'"{address}"'),
        Change("start", "always", "drop", "verification_uri_complete"),
    )
    ended = run_against(plan, tmp_path, lambda name: name.startswith(PAGES))
    assert ended.errors == []
    if address.isascii() and "\\" not in address:
        change = Change("pages", "half", "redirect", "Location", address, status=302)
        assert run_against(rfc(change), tmp_path, lambda name: name.startswith(PAGES)).errors == []


@pytest.mark.parametrize("address", STRANGE)
@pytest.mark.parametrize("name", ["issuer", "token_endpoint"])
def test_metadata_whose_addresses_are_none(tmp_path, name, address):
    plan = rfc(member("metadata", name, f'"{address}"'))
    keep = ("metadata", "transport::", "best_practice::", "polling::test_pending")
    assert run_against(plan, tmp_path, lambda check: check.startswith(keep)).errors == []


# Servers as they are drawn.


def judge(plan, keep=lambda _: True):
    with TemporaryDirectory() as folder:
        ended = run_against(plan, Path(folder), keep)
    assert ended.errors == [], plan


@pytest.mark.long
@settings(
    max_examples=4,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(plan=plans())
def test_drawn_servers(plan):
    judge(plan, lambda name: not name.startswith(COSTLY))


@pytest.mark.skipif(not os.environ.get(LONG), reason=f"takes two seconds or more a server: {LONG}=200 draws as many")
def test_many_drawn_servers():
    @seed(int.from_bytes(os.urandom(4), "big"))
    @settings(
        max_examples=int(os.environ.get(LONG, "1")),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(plan=plans())
    def drawn(plan):
        judge(plan)

    drawn()

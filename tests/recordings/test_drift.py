"""`device-grant drift`: exactly what changed at a server is named, and nothing at the one that was recorded."""

from __future__ import annotations

import base64
import json
import shutil
from functools import cache

import pytest
import yaml
from click.testing import CliRunner
from support import ROOT
from support.captured import har, rfc, vcr
from support.cassettes import Launched, read_yaml, record

from device_grant.catalogue import load
from device_grant.cli import cli, main
from device_grant.cli.recordings.drift import _compare
from device_grant.protocol import RFC8628, Exchange, Operation, Purpose, Request, Response, dialect
from device_grant.recordings.drift import Replayer, choose, compare, stories_of
from device_grant.recordings.drift.binding import Binding
from device_grant.recordings.drift.playing import _typed
from device_grant.recordings.drift.stories import Act, Pause, Send, Wait
from device_grant.recordings.formats.cassette import MANIFEST, file_name
from device_grant.recordings.tape import SHARED
from device_grant.reference.embedded import embedded
from device_grant.server.session.run import new_run

CASSETTES = {name: ROOT / "cassettes" / f"reference-{name}" for name in ("rfc8628", "aws-sso-oidc")}
NAMES = ["device_authorization::test_start", "user_decision::test_denial_is_final", "user_decision::test_approval"]


whole = cache(stories_of)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The committed cassettes, a few checks of each."""
    collected = {}
    for name, source in CASSETTES.items():
        folder = collected[name] = tmp_path_factory.mktemp(name)
        manifest = read_yaml(source / MANIFEST)
        (folder / MANIFEST).write_text(yaml.safe_dump(manifest | {"checks": NAMES}), encoding="utf-8")
        for file in {file_name(check) for check in (SHARED, *NAMES)}:
            shutil.copyfile(source / file, folder / file)
    return collected


def drifted(source, name, *faults, only=()):
    """What differs, as (check, what, recorded, now)."""
    recorded = whole(source)
    with embedded(name, faults) as target:
        run = new_run(target, name, load())
        drift = Replayer(recorded, run).play(choose(recorded.stories, only))
        run.close()
    assert drift.exchanges
    return drift, {
        (one.story, each.what, each.recorded, each.live) for one in drift.differing for each in one.differences
    }


def whats(result):
    return {(what, recorded, live) for _, what, recorded, live in result}


@pytest.mark.parametrize("name", CASSETTES)
def test_the_server_that_was_recorded_has_not_changed(name):
    drift, result = drifted(CASSETTES[name], name)
    assert result == set()
    # Which clients have to prove something is shown by the refusal of a request without a proof; those after it go on.
    proving = ["bound_tokens::test_clients_bound_by_registration"] if name == "rfc8628" else []
    assert [story for story, _ in drift.skipped] == proving
    assert all("holds a DPoP proof" in reason for _, reason in drift.skipped)
    kinds = {kind[0] for story in choose(whole(CASSETTES[name]).stories) for kind in story.kinds}
    assert {Purpose.REGISTRATION, Purpose.START, Purpose.POLL, Purpose.REFRESH} <= kinds


def test_a_launched_server_is_asked_on_its_own_clock():
    """What waits for the end of a code is left out on a real clock only."""
    drift = _compare(whole(CASSETTES["rfc8628"]), Launched(embedded("rfc8628")), ("expiry::test_expiry",))
    assert (drift.exchanges > 0, drift.differing) == (True, [])


@pytest.mark.parametrize(
    ("name", "fault", "expected"),
    [
        (
            "rfc8628",
            "denial_as_invalid_grant",
            {("error", "access_denied", "invalid_grant")},
        ),
        ("rfc8628", "pending_status_401", {("status", "400", "401"), ("header www-authenticate", "(absent)", "basic")}),
        (
            "rfc8628",
            "token_response_cacheable",
            {("header cache-control", "no-store", "(absent)"), ("header pragma", "no-cache", "(absent)")},
        ),
        ("rfc8628", "interval_string", {("member interval", "number", "string")}),
        ("rfc8628", "user_code_missing", {("member user_code", "string", "(absent)")}),
        ("aws-sso-oidc", "error_type_missing", None),
        ("aws-sso-oidc", "json_as_html", {("header content-type", "application/json", "text/html")}),
    ],
)
def test_a_fault_is_named_and_nothing_else(small, name, fault, expected):
    _, result = drifted(small[name], name, fault, only=NAMES)
    if expected is None:
        assert {what for what, _, _ in whats(result)} <= {"header x-amzn-errortype", "exception"}
        assert ("header x-amzn-errortype", "AuthorizationPendingException", "(absent)") in whats(result)
    else:
        assert whats(result) == expected
    assert {check for check, *_ in result} <= set(NAMES)


def test_the_flow_ends_where_a_code_is_missing(small):
    drift, _ = drifted(small["rfc8628"], "rfc8628", "device_code_missing", only=["user_decision::test_approval"])
    assert [reason for _, reason in drift.skipped] == [
        "the live server issued no device_code, which the next request needs"
    ]


def test_a_server_is_recorded_and_compared_with_itself_and_with_another(tmp_path):
    folder, _, _ = record(embedded("rfc8628", ["null_members"]), NAMES, tmp_path)
    assert drifted(folder, "rfc8628", "null_members")[1] == set()
    _, result = drifted(folder, "rfc8628")
    assert result
    assert {(recorded, now) for _, _, recorded, now in result} <= {
        ("null", "(absent)"),
        ("null", "string"),
        ("null", "number"),
    }


@pytest.mark.parametrize(("write", "name"), [(har, "a.har"), (vcr, "a.yaml")])
def test_captures_of_others_are_sent_again(tmp_path, write, name):
    file = tmp_path / name
    file.write_text(write(rfc(), **({"encoded": False} if write is har else {})))
    [story] = stories_of(file).stories
    kinds = [type(step) for step in story.steps]
    assert kinds == [Send, kinds[1], Send, kinds[1], Send, kinds[1], Act, Send]
    assert kinds[1] is (Wait if write is har else Pause)
    drift, result = drifted(file, "rfc8628")
    assert (drift.exchanges, drift.skipped) == (4, [])
    # The reference server sends a complete address, says what it refuses, which scope it granted, and who signed in.
    assert {what for _, what, _, _ in result} == {
        "member verification_uri_complete",
        "member error_description",
        "member id_token",
        "member scope",
        "header pragma",
    }


PROOF, ASSERTION = ("DPoP", "e30.e30.AAAA"), b"&client_assertion_type=x&client_assertion=e30.e30.AAAA"
SIGNATURE = (
    "Authorization",
    "AWS4-HMAC-SHA256 Credential=a/20231114/r/s/aws4_request, Signature=0",
)


@pytest.mark.parametrize(
    ("header", "more", "what"),
    [(PROOF, b"", "a DPoP proof"), ((), ASSERTION, "a client assertion"), (SIGNATURE, b"", "a signature with a date")],
    ids=["proof", "assertion", "signature"],
)
@pytest.mark.parametrize("place", [0, 1])
def test_what_is_good_for_one_moment_is_not_sent_again(tmp_path, header, more, what, place):
    traffic, file = rfc(), tmp_path / "once.har"
    sent = traffic.sent[place]
    headers = (*sent.headers, *([header] if header else []))
    file.write_text(har(traffic.changed(place, headers=headers, body=sent.body + more), encoded=False))
    recorded = stories_of(file)
    with embedded("rfc8628") as target:
        run = new_run(target, "rfc8628", load())
        drift = Replayer(recorded, run).play(choose(recorded.stories))
        run.close()
    assert drift.exchanges == place  # what came before is compared
    assert [reason for _, reason in drift.skipped] == [
        f"a request holds {what}, which only its key can make anew; from there on it is not sent again"
    ]


def test_where_nothing_can_be_sent_again_it_is_said_why(tmp_path):
    file = tmp_path / "proofs.har"
    file.write_text(har(rfc().changed(0, headers=(*rfc().sent[0].headers, PROOF)), encoded=False))
    nothing = commanded(str(file), "embedded")
    assert nothing.return_value == 5
    assert "holds a DPoP proof" in " ".join(nothing.output.split())


def test_waits_and_decisions_are_where_they_were(small):
    [story] = choose(whole(small["rfc8628"]).stories, ["user_decision::test_approval"])
    kinds = [type(step).__name__ for step in story.steps]
    assert kinds == ["Send", "Wait", "Send", "Act", "Wait", "Send"]
    drift, _ = drifted(small["rfc8628"], "rfc8628", "approval_ignored", only=[story.name])
    assert drift.differing[0].at == pytest.approx(12.2)
    assert drift.differing[0].request == "POST /token, poll"


def test_without_a_user_decisions_are_skipped(small):
    recorded = whole(small["rfc8628"])
    with embedded("rfc8628") as target:
        target.user = None
        run = new_run(target, "rfc8628", load())
        drift = Replayer(recorded, run).play(choose(recorded.stories, ["user_decision::test_approval"]))
        run.close()
    assert drift.exchanges == 3  # a registration, a start, a poll
    assert "--user" in drift.skipped[0][1]


def test_long_waits_are_not_chosen_on_a_real_clock():
    stories = whole(CASSETTES["rfc8628"]).stories
    assert max(story.longest_wait for story in choose(stories)) > 60
    assert max(story.longest_wait for story in choose(stories, longest_wait=60)) <= 60


@pytest.mark.parametrize(
    ("headers", "differs"),
    [
        ((("Cache-Control", "No-Store"), ("Date", "now"), ("Content-Type", "application/json")), set()),
        ((("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", "no-store")), set()),
        ((("Content-Type", "application/json"),), {"header cache-control"}),
        (
            (("Cache-Control", "no-store"), ("WWW-Authenticate", 'Basic realm="x"')),
            {"header content-type", "header www-authenticate"},
        ),
    ],
)
def test_headers_are_compared_by_what_matters(headers, differs):
    def exchange(*answered):
        request = Request("POST", "http://x/token", (), b"", Operation.TOKEN)
        response = Response(400, answered, b'{"error": "invalid_grant"}')
        return Exchange(request, response, dialect(RFC8628).decode(Operation.TOKEN, response), 0, 0)

    before = exchange(("content-type", "application/json"), ("cache-control", "no-store"))
    assert {one.what for one in compare(before, exchange(*headers))} == differs


def commanded(*arguments):
    return CliRunner().invoke(cli, ["drift", *arguments], standalone_mode=False)


def test_the_command_as_people_and_programs_read_it(small):
    source = str(small["rfc8628"])
    only = ("--only", "user_decision::test_denial*")
    same = commanded(source, "embedded", *only)
    assert (same.return_value, same.exception) == (0, None)
    assert "No drift in" in same.output
    other = commanded(source, "embedded", *only, "--fault", "denial_as_invalid_grant")
    assert other.return_value == 1
    for word in ("user_decision::test_denial_is_final", "access_denied", "invalid_grant", "recorded", "now"):
        assert word in other.output
    data = json.loads(commanded(source, "embedded", *only, "--fault", "denial_as_invalid_grant", "--json").output)
    assert data["dialect"] == "rfc8628"
    assert data["drift"][0]["check"] == "user_decision::test_denial_is_final"
    assert {"what": "error", "recorded": "access_denied", "now": "invalid_grant"} in data["drift"][0]["differences"]


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("{rfc}", "http://127.0.0.1:9"), 4, "does not answer"),
        (("{rfc}", "embedded:aws-sso-oidc"), 2, "speaks aws-sso-oidc"),
        (("{rfc}", "cassette:x"), 2, "name a live target"),
        (("{rfc}", "embedded", "--only", "nothing::*"), 2, "nothing is named nothing::*"),
        (("{tmp}", "embedded"), 2, "without cassette.yaml"),
        (("{tmp}/none.har", "embedded"), 2, "does not exist"),
    ],
)
def test_mistakes(small, tmp_path, capsys, arguments, code, complaint):  # noqa: PLR0913, PLR0917 - fixtures and cases
    words = [word.format(rfc=small["rfc8628"], tmp=tmp_path) for word in arguments]
    with pytest.raises(SystemExit) as done:
        main(["drift", *words])
    assert done.value.code == code
    assert complaint in capsys.readouterr().err


def test_what_a_check_did_at_the_pages_itself_is_not_repeated(tmp_path):
    name = "page_security::test_forged_approval"
    source, folder = CASSETTES["rfc8628"], tmp_path / "one"
    folder.mkdir()
    manifest = read_yaml(source / MANIFEST)
    (folder / MANIFEST).write_text(yaml.safe_dump(manifest | {"checks": [name]}), encoding="utf-8")
    for check in (SHARED, name):
        shutil.copyfile(source / file_name(check), folder / file_name(check))
    drift, result = drifted(folder, "rfc8628", only=[name])
    assert result == set()
    assert "goes to pages" in drift.skipped[0][1]


def test_escaped_values_are_bound_too():
    binding = Binding()
    binding.bind("recorded-id/1", "live-id+2")
    escaped = "".join(f"%{octet:02X}" for octet in b"recorded-id/1")
    content = f"client_id={escaped}&again=recorded-id%2F1&other=%41".encode()
    credentials = base64.b64encode(f"{escaped}:secret".encode()).decode()
    request = Request("POST", "http://x/", (("Authorization", f"Basic {credentials}"),), content, Operation.TOKEN)
    sent = binding.request(request, "http://y/")
    live = "".join(f"%{octet:02X}" for octet in b"live-id+2")
    assert sent.content == f"client_id={live}&again=live-id%2B2&other=%41".encode()
    assert base64.b64decode(sent.header("authorization").partition(" ")[2]).decode() == f"{live}:secret"
    assert sent.url == "http://y/"


def test_user_codes_are_bound_as_people_type_them():
    binding = Binding()
    binding.bind("WXYZ-1234", "BCDF-5678")
    binding.bind("plainvalue", "live-value")
    assert binding.text("wxyz1234 WXYZ-1234 wxyz-1234 plainvalue") == "bcdf5678 BCDF-5678 bcdf-5678 live-value"


def test_user_codes_keep_the_form_in_which_they_were_typed():
    assert _typed("wx.yz 1234", "BCDF-5678") == "bc.df 5678"
    assert _typed("WXYZ-1234", "BCD-EFG") == "BCD-EFG"


def test_in_real_time_nobody_is_told_that_a_poll_was_hasty(tmp_path):
    hasty = rfc(gaps=(0.1, 0.1, 0.1), errors=("authorization_pending", "authorization_pending"), last="access_denied")
    file = tmp_path / "hasty.har"
    file.write_text(har(hasty))
    for kind, expected in (("travel", True), ("real", False)):
        with embedded("rfc8628") as target:
            run = new_run(target, "rfc8628", load())
            target.clock.kind = kind
            drift = Replayer(stories_of(file), run).play(stories_of(file).stories)
            run.close()
        collected = {(each.recorded, each.live) for one in drift.differing for each in one.differences}
        assert (("authorization_pending", "slow_down") in collected) is expected

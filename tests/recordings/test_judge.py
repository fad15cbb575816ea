"""`device-grant judge`: the same traffic comes to the same verdicts in every format, and no capture accuses falsely."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest
import yaml
from click.testing import CliRunner
from support.captured import CLIENT_SECRET, CODE, REFRESH, SECRETS, TOKEN, Traffic, aws, har, noise, rfc, tape, vcr
from support.judged import failing, judged, verdicts

from device_grant.cli import cli, main
from device_grant.protocol import Secrets
from device_grant.recordings.formats.capture import PARTIES
from device_grant.recordings.judge import find, flows_of, read_capture
from device_grant.recordings.judge.secrets import learn

WAITS = "rfc8628-3.5-client-waits-before-each-request"
RESTS = "rfc8628-3.5-client-waits-from-the-answer"
SLOWER = "rfc8628-3.5-slow-down-increments-interval"
STOPS = "rfc8628-3.5-client-stops-on-other-errors"
NO_TIMES = "the capture has no times"
OF_OCTETS = {"rfc8259-8.1-no-bom", "rfc8259-8.1-utf8"}


def commanded(tmp_path, text, *options, name="traffic.har", code=None):
    """Requirement and result, as results.jsonl has them, of the only report."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    folder = tmp_path / "report"
    done = CliRunner().invoke(cli, ["judge", str(file), "--report", str(folder), *options], standalone_mode=False)
    assert done.exception is None, done.exception
    assert code is None or done.return_value == code, done.output
    lines = [json.loads(line) for line in (folder / "results.jsonl").read_text("utf-8").splitlines()]
    assert lines[0]["target"] == name
    return {one["requirement"]: one for one in lines if one["kind"] == "result"}


@pytest.mark.parametrize("traffic", [rfc(), aws()], ids=["rfc8628", "aws-sso-oidc"])
def test_a_good_login_passes(tmp_path, traffic):
    result = commanded(tmp_path, har(traffic), code=0)
    assert failing(result) == set()
    assert result[WAITS]["verdict"] == "pass"
    assert {one["party"] for one in result.values()} >= {"client", "authorization-server"}


@pytest.mark.parametrize(
    ("traffic", "requirement", "got"),
    [
        (rfc(gaps=(0.2, 0.2, 0.2)), WAITS, "0.25 s where 5 s are owed"),
        (rfc(gaps=(5.2, 5.2, 10.2), errors=("slow_down", "authorization_pending")), SLOWER, "where 10 s are owed"),
        (rfc(errors=("authorization_pending", "access_denied"), last="access_denied"), STOPS, "1 further poll"),
        (aws(gaps=(1.1, 0.1)), WAITS, "0.15 s where 1 s are owed"),
    ],
    ids=["hot-loop", "ignores-slow-down", "polls-after-denial", "aws-hot-loop"],
)
def test_bad_clients_fail(tmp_path, traffic, requirement, got):
    result = judged(tmp_path, har(traffic))
    assert result[requirement]["verdict"] == "fail"
    assert got in result[requirement]["got"]
    assert not result[requirement].get("curl")
    assert f"--only {requirement}" in result[requirement]["reproduce"]
    assert result[requirement]["reproduce"].startswith("device-grant judge ")
    assert {result[name]["party"] for name in failing(result)} == {"client"}


def test_a_server_with_the_wrong_content_type_fails(tmp_path):
    wrong = rfc().changed(3, answered=(("Content-Type", "text/html"), *rfc().sent[3].answered[1:]))
    result = commanded(tmp_path, har(wrong), code=1)
    assert failing(result) == {"rfc6749-5.1-json-media-type"}
    shown = result["rfc6749-5.1-json-media-type"]
    assert "text/html" in shown["message"]
    assert shown["curl"].startswith("curl ")
    assert shown["steps"][0]["at"] == pytest.approx(15.75, abs=0.01)


FORMATS = {
    "har": (har, "a.har"),
    "vcrpy": (vcr, "a.yaml"),
    "vcrpy-json": (lambda traffic: vcr(traffic, as_json=True), "a.json"),
    "vcrpy-httpx": (lambda traffic: vcr(traffic, layout="httpx"), "a.yaml"),
    "betamax": (lambda traffic: vcr(traffic, layout="betamax", as_json=True), "a.json"),
    "ours": (tape, "a.yaml"),
}


@pytest.mark.parametrize("traffic", [rfc(), aws()], ids=["rfc8628", "aws-sso-oidc"])
def test_every_format_of_the_same_traffic_is_judged_alike(tmp_path, traffic):
    traffic = traffic.changed(1, status=201)
    expected = judged(tmp_path, har(traffic))
    assert len(failing(expected)) > 0
    for write, name in FORMATS.values():
        result = judged(tmp_path, write(traffic), name=name, parties=PARTIES)
        assert result.keys() == expected.keys(), name
        for requirement, one in expected.items():
            if result[requirement]["verdict"] != one["verdict"]:
                assert write is not tape, requirement
                assert result[requirement]["verdict"] == "inconclusive", (name, requirement)
                assert "time" in result[requirement]["message"], (name, requirement)


def test_a_test_suite_is_no_client(tmp_path):
    result = judged(tmp_path, tape(rfc(gaps=(0.1, 0.1, 0.1))), name="a.yaml")
    assert result
    assert not any(one["check"].startswith("rules::") for one in result.values())


def test_without_times_only_what_depends_on_them_is_open(tmp_path):
    hasty = rfc(gaps=(0.1, 0.1, 0.1), errors=("authorization_pending", "access_denied"), last="access_denied")
    for text, name in ((har(hasty, times=False), "a.har"), (vcr(hasty), "a.yaml")):
        result = judged(tmp_path, text, name=name)
        assert (result[WAITS]["verdict"], result[WAITS]["message"]) == ("inconclusive", NO_TIMES)
        assert failing(result) == {STOPS}


def test_whole_seconds_decide_what_is_plain(tmp_path):
    for gap, verdict in ((6.2, "pass"), (5.0, "inconclusive"), (1.0, "fail")):
        slow = rfc(gaps=(gap, gap, gap))
        result = judged(tmp_path, har(slow, whole=True))
        assert result[WAITS]["verdict"] == verdict, gap


def test_a_wait_that_is_known_is_a_value_of_the_result(tmp_path):
    exact = judged(tmp_path, har(rfc(gaps=(1.0, 1.0, 1.0))))[WAITS]
    assert exact["measured"] == {"waited": pytest.approx(1.0, abs=0.5), "owed": 5.0}
    assert exact["got"] == f"{exact['measured']['waited']:.2f} s where 5 s are owed"
    assert [(one["purpose"], one.get("event", "")) for one in exact["steps"]] == [("poll", ""), ("poll", "")]
    vague = judged(tmp_path, har(rfc(gaps=(1.0, 1.0, 1.0)), whole=True))[WAITS]
    assert (vague["verdict"], vague["got"]) == ("fail", "")
    assert "measured" not in vague


def test_unknown_durations_leave_a_narrow_wait_open(tmp_path):
    def measured(gap):
        data = json.loads(har(rfc(gaps=(gap, gap, gap))))
        for entry in data["log"]["entries"]:
            entry["time"] = -1
        return judged(tmp_path, json.dumps(data))

    assert (measured(7.0)[WAITS]["verdict"], measured(7.0)[RESTS]["verdict"]) == ("pass", "pass")
    assert (measured(5.2)[WAITS]["verdict"], measured(5.2)[RESTS]["verdict"]) == ("pass", "inconclusive")
    assert "how long the answers took" in measured(5.2)[RESTS]["message"]
    assert measured(1.0)[WAITS]["verdict"] == "fail"


@pytest.mark.parametrize("latency", [0.05, 0.2, 0.4, 3.0])
def test_the_speed_of_the_server_makes_no_failure(tmp_path, latency):
    ticking = Traffic([replace(one, at=5.0 * place, took=latency) for place, one in enumerate(rfc().sent)])
    result = judged(tmp_path, har(ticking))
    assert failing(result) == set()
    assert result[WAITS]["verdict"] == "pass"
    assert result[RESTS]["verdict"] == ("pass" if latency < 0.1 else "inconclusive" if latency < 0.25 else "warn")
    waiting = Traffic([replace(one, at=(5.0 + latency) * place, took=latency) for place, one in enumerate(rfc().sent)])
    assert judged(tmp_path, har(waiting))[RESTS]["verdict"] == "pass"


def test_other_traffic_is_ignored_and_counted(tmp_path):
    file = tmp_path / "browser.har"
    file.write_text(har(Traffic([*noise(), *rfc().sent])))
    findings = find(read_capture(file))
    assert (len(findings.exchanges), findings.ignored) == (4, 3)
    done = CliRunner().invoke(cli, ["judge", str(file)], standalone_mode=False)
    assert "3 other entries ignored" in " ".join(done.output.split())


def test_both_dialects_in_one_file_have_a_report_each(tmp_path):
    file = tmp_path / "both.har"
    file.write_text(har(Traffic([*rfc().sent, *aws().sent])))
    done = CliRunner().invoke(cli, ["judge", str(file), "--report", str(tmp_path / "r")], standalone_mode=False)
    assert done.return_value == 0
    for name in ("rfc8628", "aws-sso-oidc"):
        header = json.loads((tmp_path / "r" / name / "results.jsonl").read_text().splitlines()[0])
        assert header["dialect"] == name
        assert (tmp_path / "r" / name / "index.html").is_file()


def test_parallel_logins_are_told_apart_by_their_codes(tmp_path):
    first, second = rfc(), rfc()
    other = [
        one.__class__(
            **{
                **one.__dict__,
                "at": one.at + 0.7,
                "body": one.body.replace(CODE.encode(), b"dc-second-000001"),
                "answer": json.loads(one.content.replace(CODE, "dc-second-000001").replace(TOKEN, "at-second-000001")),
            }
        )
        for one in second.sent
    ]
    file = tmp_path / "two.har"
    file.write_text(har(Traffic([*first.sent, *other])))
    findings = find(read_capture(file))
    assert [len(flow.members) for flow in flows_of(findings, "rfc8628")] == [4, 4]
    result = judged(tmp_path, file.read_text())
    assert result[WAITS]["verdict"] == "pass"
    assert result[WAITS]["judged"] == 4


def test_no_secret_of_a_capture_is_written(tmp_path):
    refresh = rfc().sent[-1]
    body = f"grant_type=refresh_token&refresh_token={REFRESH}&client_id=tv-app".encode()
    again = {
        "access_token": "at-next-0123456789",
        "token_type": "Bearer",
        "expires_in": 60,
        "id_token": "id-0123456789abc",
    }
    headers = (
        *refresh.headers,
        ("Authorization", "Basic dHYtYXBwOmh1bnRlcjItaHVudGVyMg=="),
        ("Cookie", "a=cookie-1234567"),
    )
    more = refresh.__class__(30.0, refresh.url, body, 200, again, headers)
    planted = [
        *SECRETS,
        "at-next-0123456789",
        "id-0123456789abc",
        "dHYtYXBwOmh1bnRlcjItaHVudGVyMg",
        "hunter2-hunter2",
        "cookie-",
    ]
    commanded(tmp_path, har(Traffic([*noise(), *rfc(gaps=(0.1, 0.1, 0.1)).sent, more])))
    judged_files = sorted((tmp_path / "report").iterdir())
    assert {"index.html", "results.jsonl", "summary.md"} <= {file.name for file in judged_files}
    for file in judged_files:
        text = file.read_text("utf-8")
        assert [value for value in planted if value in text] == [], file.name
    commanded(tmp_path, har(aws(gaps=(0.1, 0.1))))
    for file in (tmp_path / "report").iterdir():
        assert CLIENT_SECRET not in file.read_text("utf-8")


JWT = "eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiItQndDM0VTYyJ9.c2lnbmF0dXJlLW9mLXRoZS1wcm9vZg"


@pytest.mark.parametrize("name", ["access_Token", "Access-Token", "accessTOKEN", "sessionToken", "nobody_knows"])
def test_a_secret_is_known_by_its_shape_and_by_any_spelling_of_its_name(tmp_path, name):
    odd = "7Hq2mZx0Kd9TfYb3Wn5RvLpA"
    last = rfc().sent[-1]
    inner = {"token_type": "Bearer", "expires_in": 60, "more": {"list": [{name: odd}]}, name: odd[::-1]}
    headers = (
        *last.headers,
        ("DPoP", JWT),
        ("X-Device-State", f'a="{odd[1:]}"'),
        ("X-Request-Id", "b1c2d3e4f5a6b7c8d9e0f1a2"),
    )
    url = last.url.replace("/token", "/t/9a8b7c6d5e4f3a2b1c0d9e8f/token")
    strange = rfc(gaps=(0.1, 0.1, 0.1)).changed(3, answer=inner, headers=headers, url=url)
    commanded(tmp_path, har(strange, encoded=False), code=1)
    planted = [odd, odd[::-1], odd[1:], JWT, JWT.partition(".")[2], "9a8b7c6d5e4f3a2b1c0d9e8f"]
    done = CliRunner().invoke(cli, ["judge", str(tmp_path / "traffic.har")], standalone_mode=False)
    texts = [done.output, *(file.read_text("utf-8") for file in (tmp_path / "report").iterdir())]
    assert [value for value in planted for text in texts if value in text] == []
    assert any("b1c2d3e4f5a6b7c8d9e0f1a2" in text for text in texts)


@pytest.mark.parametrize(
    "ordinary",
    [
        "urn:ietf:params:oauth:grant-type:device_code",
        "application/x-www-form-urlencoded",
        "AuthorizationPendingException",
        "aws-sdk-nodejs/2.1692.0",
        "openid_profile_offline_access",
        "https://login.example/oauth2/v2.0/device?x=1a2b3c4d5e6f7a8b",
    ],
)
def test_ordinary_values_have_no_such_shape(tmp_path, ordinary):
    last = rfc().sent[-1]
    traffic = rfc().changed(
        3, answer={**last.answer, "kind": ordinary}, headers=(*last.headers, ("User-Agent", ordinary))
    )
    file = tmp_path / "a.har"
    file.write_text(har(traffic))
    secrets = Secrets()
    learn(find(read_capture(file)).exchanges, secrets)
    assert secrets.redact(ordinary) == ordinary


def test_what_somebody_took_out_is_no_secret(tmp_path):
    text = har(rfc(), encoded=False).replace(CODE, "REDACTED").replace(TOKEN, "REDACTED")
    assert failing(commanded(tmp_path, text, code=0)) == set()


def test_text_says_nothing_of_octets(tmp_path):
    assert OF_OCTETS.issubset(judged(tmp_path, har(rfc())))
    assert judged(tmp_path, har(rfc(), encoded=False)).keys().isdisjoint(OF_OCTETS)


def test_headers_that_browsers_leave_out_accuse_nobody(tmp_path):
    body = rfc().sent[1].body.replace(b"&client_id=tv-app", b"")
    anonymous = rfc().changed(1, body=body)
    named = "rfc8628-3.4-client-id-required"
    result = judged(tmp_path, har(anonymous))
    assert result[named]["verdict"] == "inconclusive"
    assert "Authorization" in result[named]["message"]
    kept = anonymous.changed(
        2, headers=(*rfc().sent[2].headers, ("Authorization", "Basic dHYtYXBwOnNlY3JldC1zZWNyZXQ="))
    )
    assert judged(tmp_path, har(kept))[named]["verdict"] == "fail"


def test_a_missing_content_length_proves_nothing(tmp_path):
    assert "rfc9110-8.6-content-length" not in judged(tmp_path, har(rfc()))


def test_an_answer_without_its_body_is_not_judged(tmp_path):
    data = json.loads(har(rfc()))
    del data["log"]["entries"][3]["response"]["content"]["text"]
    result = judged(tmp_path, json.dumps(data))
    assert "rfc6749-5.1-access-token" not in result
    assert result[WAITS]["verdict"] == "pass"


def test_a_compressed_body_is_read(tmp_path):
    data = yaml.safe_load(vcr(rfc()))
    for interaction in data["interactions"]:
        interaction["response"]["headers"]["Content-Encoding"] = ["gzip"]
    plain = judged(tmp_path, yaml.safe_dump(data), name="undone.yaml")
    for interaction in data["interactions"]:
        text = interaction["response"]["body"]["string"]
        interaction["response"]["body"]["string"] = gzip.compress(text.encode())
    assert verdicts(judged(tmp_path, yaml.safe_dump(data), name="packed.yaml")) == verdicts(plain)


def test_a_timeout_is_none_of_the_servers_answers(tmp_path):
    lost = rfc(gaps=(5.2, 5.2, 3.0)).changed(2, error="net::ERR_TIMED_OUT", took=3.0)
    result = judged(tmp_path, har(lost))
    assert result["rfc8628-3.5-timeout-reduces-frequency"]["verdict"] in ("warn", "fail")


def test_only_party_dialect_and_forms(tmp_path):
    wanted = commanded(tmp_path, har(rfc()), "--only", "rfc8628-3.5-*", "--markdown", str(tmp_path / "s.md"))
    assert wanted
    assert all(name.startswith("rfc8628-3.5-") for name in wanted)
    assert (tmp_path / "s.md").read_text().startswith("#")
    for party, other in (("server", "rules::"), ("client", "invariants::")):
        result = commanded(tmp_path, har(rfc()), "--party", party)
        assert result
        assert not any(one["check"].startswith(other) for one in result.values())
    forced = commanded(tmp_path, har(rfc()), "--dialect", "aws-sso-oidc")
    assert any(name.startswith("aws-") for name in forced)


def test_a_baseline_is_heeded(tmp_path):
    wrong = rfc().changed(3, answered=(("Content-Type", "text/html"), *rfc().sent[3].answered[1:]))
    known = tmp_path / "known.toml"
    known.write_text('[[known]]\nrequirement = "rfc6749-5.1-json-media-type"\nreason = "old proxy"\n')
    result = commanded(tmp_path, har(wrong), "--expect", str(known), code=0)
    assert result["rfc6749-5.1-json-media-type"]["expected"] == "deviation"


def test_published_answers_and_cassettes_of_ours(tmp_path):
    from support.public_record import FOLDER

    files = [str(FOLDER / name) for name in ("create-token-pending.yaml", "start-device-authorization.yaml")]
    own = str(FOLDER.parent / "reference-rfc8628" / "user_decision.yaml")
    done = CliRunner().invoke(cli, ["judge", *files, own, "--report", str(tmp_path)], standalone_mode=False)
    assert (done.return_value, done.exception) == (0, None)
    assert done.output.count("Conformant") == 3
    assert {file.name for file in tmp_path.iterdir()} == {
        "create-token-pending",
        "start-device-authorization",
        "user_decision",
    }
    assert "rules::" not in (tmp_path / "user_decision" / "results.jsonl").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.har", '{"log": {"entries": [', "not JSON"),
        ("a.har", '{"log": {}}', "without log.entries"),
        ("a.har", har(rfc()).replace('"method": "POST"', '"method": 5', 1), "entry 1"),
        ("a.har", har(rfc()).replace("2023-11-14T22:13:25", "yesterday"), "entry 2: 'yesterday"),
        ("a.har", har(rfc()).replace("https://login.example/oauth2/device", "login", 1), "entry 1: 'login' is no"),
        ("a.yaml", "interactions: [\n", "not YAML in line 2, column 1"),
        ("a.yaml", "interactions: 5\n", "no list"),
        ("a.yaml", vcr(rfc()).replace("code: 400", "code: 4", 1), "interaction 2: 4 is no status"),
        ("a.yaml", "interactions:\n- !!python/object:x.Y {}\n", "the tag !!python/object:x.Y in line 2"),
        ("a.yaml", "- request: {}\n", "before 1.0"),
        ("a.json", '{"spans": []}', "begins with spans"),
        ("a.yaml", "operation: Nothing\nstatus: 200\nbody: ''\n", "unknown operation"),
    ],
)
def test_unreadable_files_are_one_line(tmp_path, capsys, name, text, complaint):
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(SystemExit) as done:
        main(["judge", str(file)])
    said = capsys.readouterr().err
    assert done.value.code == 2
    assert said.count("\n") == 1
    assert str(file) in said
    assert complaint in said


def test_nothing_found_ends_with_5(tmp_path):
    file = tmp_path / "other.har"
    file.write_text(har(Traffic(noise())))
    done = CliRunner().invoke(cli, ["judge", str(file)], standalone_mode=False)
    assert (done.return_value, done.exception) == (5, None)
    assert "nothing of the device grant" in " ".join(done.output.split())


def test_names_that_collide_are_refused(tmp_path, capsys):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.har").write_text(har(rfc(interval=5 if folder == "a" else 4)))
    with pytest.raises(SystemExit) as done:
        main(["judge", str(tmp_path / "a/x.har"), str(tmp_path / "b/x.har"), "--report", str(tmp_path / "r")])
    assert done.value.code == 2
    assert "would replace" in capsys.readouterr().err

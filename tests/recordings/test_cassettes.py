"""Cassettes: recorded runs are judged again as they were, and hand edits show."""

from __future__ import annotations

import json
import re
import socket

import httpx
import pytest
import vcr
import yaml
from support import ROOT
from support.cassettes import AWS, DENIAL, PENDING, RFC, Launched, edited, excerpt, judge, new_run, read_yaml, record
from support.proof import catalogue

from device_grant.catalogue import Verdict
from device_grant.cli import cli, main
from device_grant.engine import run_check
from device_grant.errors import UsageError
from device_grant.judging import Inconclusive
from device_grant.recordings.formats.cassette import BASELINE, MANIFEST, VERDICTS, file_name, read, write
from device_grant.recordings.record import finishing as finish
from device_grant.recordings.replay.target import open_cassette
from device_grant.recordings.tape import SHARED
from device_grant.reference.embedded import embedded
from device_grant.results.baseline import load
from device_grant.server.generation.fuzz import Fuzz
from device_grant.targets.load import read_target

PUBLISHED = sorted(file.parent for file in (ROOT / "cassettes").rglob(VERDICTS))
COMMITTED = sorted(file.parent for file in (ROOT / "cassettes").glob("*/cassette.yaml"))

# Replays.


@pytest.mark.long
def test_the_committed_cassettes_are_judged_as_they_were_recorded(capsys):
    with pytest.raises(SystemExit) as done:
        main(["replay", "--brief", str(RFC), str(AWS)])
    said = capsys.readouterr()
    assert done.value.code == 0, said.out + said.err
    assert said.out.count(" 0 verdicts changed") == 2


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_failures_in_what_is_published_are_known(folder):
    """A recording of a run that went wrong, say with codes that expired on a busy machine, must not be published."""
    verdicts = json.loads((folder / VERDICTS).read_text("utf-8"))
    failed = {name for own in verdicts.values() for name, verdict in own.items() if verdict == Verdict.FAIL.label}
    file = folder / BASELINE
    known = load(file, {entry.id for entry in catalogue().requirements}).known if file.is_file() else ()
    assert sorted(failed - {entry.requirement for entry in known}) == []


@pytest.mark.long
def test_deviations_that_only_checks_beyond_the_recording_show_are_not_stale(capsys):
    """What is withheld is not in it, and with that the check of generated requests, which some entries stem from."""
    with pytest.raises(SystemExit) as done:
        main(["replay", str(ROOT / "cassettes" / "dex")])
    said = " ".join(capsys.readouterr().out.split())
    assert done.value.code == 0, said
    assert re.search(r"Only \d+ of \d+ checks ran: the others are not in the recording\.", said)


def test_what_no_recording_shows_is_inconclusive_and_says_why():
    for folder in (RFC, AWS):
        verdicts = json.loads((folder / VERDICTS).read_text("utf-8"))
        assert verdicts["races::test_simultaneous_redemption"] == {"rfc8628-3.5-concurrent-redemption": "inconclusive"}
        assert verdicts["entropy::test_user_codes_suit_people"]["rfc8628-5.1-user-code-entropy"] == "inconclusive"
        assert "fail" not in {verdict for own in verdicts.values() for verdict in own.values()}
    target = open_cassette(RFC, "cassette")
    with target:
        stop = run_check(new_run(target), "races::test_simultaneous_redemption").stop
    assert isinstance(stop, Inconclusive)
    assert "no recording shows" in str(stop)


@pytest.mark.parametrize("room", ["checks", "generation", "sockets", "pages", "session"])
def test_checks_know_nothing_of_recordings(room):
    files = sorted((ROOT / "conformance" / "device_grant" / "server" / room).rglob("*.py"))
    assert files
    words = re.compile(r"\b(tapes?|recorded|replaying|cassettes?)\b", re.IGNORECASE)
    assert [str(file) for file in files if words.search(file.read_text("utf-8"))] == []


def test_a_replay_draws_nothing(monkeypatch):
    def refuse(*_):
        raise AssertionError("a case was drawn")

    monkeypatch.setattr(Fuzz, "_drawn", refuse)
    for name in ("malformed_input::test_malformed_registration", "state::test_interleaved_grants"):
        result, problems = judge(AWS, name)
        assert problems == []
        assert set(result.values()) <= {Verdict.PASS, Verdict.OBSERVED}


def test_a_replay_makes_no_connection():
    with open_cassette(RFC, "cassette"), socket.socket() as plain, pytest.raises(RuntimeError, match="disabled"):
        plain.connect(("127.0.0.1", 9))


def test_vcrpy_plays_the_files(tmp_path):
    player = vcr.VCR(record_mode="none", match_on=["method", "uri"])
    with player.use_cassette(str(excerpt(RFC, tmp_path, PENDING))) as cassette:
        start = httpx.post("http://target.test/device_authorization")
        poll = httpx.post("http://target.test/token")
        assert cassette.play_count == 2
    assert start.json()["interval"] == 5
    assert poll.json()["error"] == "authorization_pending"


@pytest.mark.parametrize("folder", COMMITTED, ids=lambda folder: folder.name)
def test_vcrpy_reads_every_file_and_plays_a_request_of_it(folder):
    """Read by vcrpy's own reader; a file without interactions holds checks that sent nothing over HTTP."""
    player = vcr.VCR(record_mode="none", match_on=["method", "uri"])
    # Nothing is sent; reading all certificates for each request would take most of the time.
    with httpx.Client(verify=False) as http:
        played = sum(plays_a_request(player, http, file) for file in sorted(folder.glob("*.yaml")))
    assert played >= 10


def plays_a_request(player, http, file):
    """Whether there was one to play; false for the manifest."""
    if file.name == MANIFEST:
        return False
    with player.use_cassette(str(file)) as cassette:
        if not len(cassette):
            return False
        request, response = cassette.data[0]
        answer = http.request(request.method, request.uri)
    assert (answer.status_code, answer.content) == (response["status"]["code"], octets(response))
    return True


def octets(response):
    text = response["body"]["string"]
    return text if isinstance(text, bytes) else text.encode()


def test_committed_cassettes_are_written_as_they_would_be_now(tmp_path):
    """Reading and writing again changes no octet, so that recording anew shows what is new and nothing else."""
    for source in (RFC, AWS):
        cassette = read(source)
        write(tmp_path / source.name, cassette.manifest, reversed(cassette.tapes.values()))
        for file in sorted((tmp_path / source.name).iterdir()):
            assert file.read_bytes() == (source / file.name).read_bytes(), file.name


def test_cassettes_of_the_first_format_are_played(tmp_path):
    """They had a file for each check, and beside its interactions nothing that names it."""
    for name in (PENDING, DENIAL):
        excerpt(RFC, tmp_path, name)
        data = read_yaml(tmp_path / file_name(name))
        to_first_format(tmp_path, name, data)
    to_first_format(tmp_path, SHARED, read_yaml(tmp_path / file_name(SHARED)))
    edited(tmp_path / MANIFEST, lambda data: data.update(format=1, checks=[PENDING, DENIAL]))
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        MANIFEST,
        "polling.test_pending.yaml",
        "shared.yaml",
        "user_decision.test_denial_is_final.yaml",
    ]
    assert all(judge(tmp_path, name) == judge(RFC, name) for name in (PENDING, DENIAL))


def to_first_format(folder, name, data):
    [own] = data["device_grant"]["checks"]
    for one in data["interactions"]:
        del one["device_grant"]["check"]
    (folder / file_name(name)).unlink()
    file = folder / f"{name.replace('::', '.')}.yaml"
    file.write_text(yaml.safe_dump(data | {"device_grant": {"format": 1, **own}}), encoding="utf-8")


def test_faulty_servers_are_found_faulty_again(tmp_path):
    names = [PENDING, DENIAL, "http::test_media_types", "malformed_input::test_malformed_registration"]
    target = embedded("aws-sso-oidc", ["denial_ignored", "framework_status_wrong", "slow_down_polite"])
    folder, live, entries = record(target, names, tmp_path)
    finish.search(folder, entries)
    assert {name: judge(folder, name)[0] for name in names} == live
    assert Verdict.FAIL in live[DENIAL].values()
    assert Verdict.FAIL in live["malformed_input::test_malformed_registration"].values()


def test_the_clock_of_a_target_is_that_of_what_it_launches(tmp_path):
    name = "expiry::test_expiry"
    folder, live, _ = record(Launched(embedded("rfc8628")), [name], tmp_path)
    assert set(live[name].values()) == {Verdict.PASS}
    assert read(folder).manifest.clock == "travel"


@pytest.mark.parametrize("folder", COMMITTED, ids=lambda folder: folder.name)
def test_published_recordings_have_the_clock_of_their_target(folder):
    described = ROOT / "implementations" / "servers" / folder.name / "target.toml"
    if described.is_file():
        assert read_yaml(folder / MANIFEST)["clock"] == read_target(described).config.clock.kind


def test_record_says_what_it_found(tmp_path, capsys):
    """The exit code says whether it was written: that a run went wrong must not pass unseen."""
    words = [
        "record",
        "embedded:rfc8628",
        "--only",
        "rfc8628-3.5-authorization-pending",
        "--out",
        str(tmp_path / "kept"),
    ]
    for more, failures in (([], False), (["--fault", "pending_misspelt"], True)):
        with pytest.raises(SystemExit) as done:
            main([*words, *more])
        said = " ".join(capsys.readouterr().out.split())
        assert done.value.code == 0, said
        assert (
            "1 failure that no baseline expects: rfc8628-3.5-authorization-pending; to see more:" in said
        ) is failures


# Edits. Each names the check, what is edited in which interaction, and the requirement that must notice.


def body(**members):
    def change(entry):
        result = json.loads(entry["response"]["body"]["string"])
        result |= members
        entry["response"]["body"]["string"] = json.dumps({k: v for k, v in result.items() if v is not None})

    return change


def status(code):
    return lambda entry: entry["response"]["status"].update(code=code)


def header(name, *values):
    def change(entry):
        headers = entry["response"]["headers"]
        for old in [old for old in headers if old.lower() == name]:
            del headers[old]
        if values:
            headers[name] = list(values)

    return change


START, POLL, LAST = "/device_authorization", "/token", "last /token"
EDITS = [
    (RFC, PENDING, POLL, body(error="invalid_grant"), "rfc8628-3.5-authorization-pending"),
    (RFC, PENDING, POLL, body(error="expired_token"), "rfc8628-3.5-authorization-pending"),
    (RFC, PENDING, POLL, status(401), "rfc6749-5.2-status-400"),
    (RFC, PENDING, POLL, status(500), "rfc9110-15.6-no-5xx-on-client-error"),
    (RFC, PENDING, POLL, header("content-type", "text/html"), "rfc6749-5.2-error-json"),
    (RFC, PENDING, POLL, body(error=None), "rfc6749-5.2-error-member"),
    (RFC, PENDING, POLL, body(error_description='a "quoted" one'), "rfc6749-5.2-error-description-charset"),
    (RFC, PENDING, START, header("cache-control"), "rfc8628-3.2-no-store"),
    (RFC, PENDING, START, body(expires_in="600"), "rfc8628-3.2-expires-in-seconds"),
    (RFC, PENDING, START, body(expires_in=None), "rfc8628-3.2-expires-in-present"),
    (RFC, PENDING, START, body(interval="5"), "rfc8628-3.2-interval-type"),
    (RFC, PENDING, START, body(user_code=None), "rfc8628-3.2-user-code-present"),
    (RFC, PENDING, START, body(verification_uri=None), "rfc8628-3.2-verification-uri-present"),
    (RFC, PENDING, START, status(201), "rfc8628-3.2-status-200"),
    (RFC, DENIAL, LAST, body(error="authorization_pending"), "rfc8628-3.5-access-denied-terminal"),
    (RFC, DENIAL, POLL, body(error="invalid_grant"), "rfc8628-3.5-access-denied"),
    (RFC, "user_decision::test_approval", LAST, header("cache-control"), "rfc6749-5.1-no-store"),
    (RFC, "user_decision::test_approval", LAST, body(token_type=None), "rfc6749-5.1-token-type"),
    (RFC, "user_decision::test_approval", LAST, body(expires_in="3600"), "rfc6749-5.1-expires-in-value"),
    (AWS, PENDING, POLL, status(401), "aws-error-status-table"),
    (AWS, PENDING, POLL, header("x-amzn-errortype"), "smithy-restjson1-error-header"),
    (AWS, DENIAL, LAST, body(error="authorization_pending"), "rfc8628-3.5-access-denied-terminal"),
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: f"{edit[1].partition('::')[2]}-{edit[4]}")
def test_an_edit_changes_the_verdict_of_its_requirement(tmp_path, edit):
    source, name, which, change, requirement = edit
    file = excerpt(source, tmp_path, name)
    before, _ = judge(tmp_path, name)

    def apply(data):
        path = which.removeprefix("last ")
        collected = [one for one in data["interactions"] if one["request"]["uri"].endswith(path)]
        change(collected[-1 if which.startswith("last") else 0])

    edited(file, apply)
    after, _ = judge(tmp_path, name)
    assert after[requirement] > before.get(requirement, Verdict.PASS)


def test_an_edited_delay_changes_the_verdict(tmp_path):
    """A page that answers wrong codes alike has slowed down the guesses if it took ever longer."""
    name = "verification_page::test_wrong_codes_are_slowed_down"
    folder, live, _ = record(embedded("rfc8628", ["guesses_unthrottled"]), [name], tmp_path)
    requirement = "rfc8628-5.1-rate-limit-user-code"
    broken = catalogue().get(requirement).verdict_if_broken
    assert judge(folder, name)[0][requirement] is live[name][requirement] is broken

    def delay(data):
        actions = data["device_grant"]["checks"][0]["actions"]
        enters = [n for n, one in enumerate(actions) if one["do"] == "enter"]
        for one in data["interactions"]:
            if one["device_grant"].get("action") == enters[-1]:
                one["device_grant"]["elapsed"] = 9.0

    edited(folder / file_name(name), delay)
    assert judge(folder, name)[0][requirement] is Verdict.PASS


def test_an_edited_time_changes_the_verdict(tmp_path):
    """A poll that came after the end of the code must not be told that it is pending."""
    name, requirement = "state::test_interleaved_grants", "rfc8628-3.5-no-pending-after-expiry"
    folder, live, _ = record(embedded("rfc8628"), [name], tmp_path)
    assert live[name].get(requirement, Verdict.PASS) is Verdict.PASS

    def later(data):
        for before, one in zip(data["interactions"], data["interactions"][1:], strict=False):
            pending = '"authorization_pending"' in str(one["response"]["body"]["string"])
            own = before["request"]["uri"].endswith(START) and before["device_grant"]["at"] > 0
            if pending and own:
                one["device_grant"]["at"] += 700
                return
        pytest.fail("no story polls at once")

    edited(folder / file_name(name), later)
    assert judge(folder, name)[0][requirement] is catalogue().get(requirement).verdict_if_broken


# What does not fit.


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[: len(text) // 2], "not YAML in line|was cut off or edited"),
        (lambda _: "", "not a cassette"),
        (lambda text: text.replace("format: 2", "format: 3"), "newer"),
        (lambda text: text.replace("code: 200", "code: 20"), "interaction 1: 20 is no status"),
        (lambda text: text.replace("place: 1\n", "place: 0\n"), f"place 1 of {PENDING} occurs not once"),
        (lambda text: text.replace("version: 1", "version: 2", 1), "version 2"),
        (lambda text: text.replace("began:", "colour: red\n    began:"), "colour"),
        (lambda text: text.replace("device_grant:\n  format", "device_grunt:\n  format"), "lacks device_grant"),
        (
            lambda text: text.replace(f"  - check: {PENDING}", "  - check: polling::test_other"),
            "which the file does not list",
        ),
    ],
)
def test_damaged_files_are_refused_in_one_line(tmp_path, change, said):
    file = excerpt(RFC, tmp_path, PENDING)
    file.write_text(change(file.read_text("utf-8")), encoding="utf-8")
    with pytest.raises(UsageError, match=said) as refused:
        read(tmp_path)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(UsageError, match=MANIFEST):
        read(tmp_path)
    file = excerpt(RFC, tmp_path, PENDING)
    edited(tmp_path / MANIFEST, lambda data: data["checks"].append("polling::test_other"))
    with pytest.raises(UsageError, match=f"{file}: lacks polling::test_other, which {MANIFEST} lists"):
        read(tmp_path)
    file.unlink()
    with pytest.raises(UsageError, match=file_name(PENDING)):
        read(tmp_path)


def test_a_request_that_is_not_there_is_named(tmp_path):
    file = excerpt(RFC, tmp_path, PENDING)
    edited(file, lambda data: data["interactions"][-1]["request"].update(body="something=else"))
    [said] = judge(tmp_path, PENDING)[1]
    assert re.search(r"does not hold POST http.*/token as it is sent now.*interaction \d+", said)
    assert said.startswith(f"{file}: {PENDING}: ")


def test_what_is_left_over_is_named(tmp_path):
    def double(data):
        last = json.loads(json.dumps(data["interactions"][-1]))
        last["device_grant"]["place"] += 1
        data["interactions"].append(last)

    file = excerpt(RFC, tmp_path, PENDING)
    edited(file, double)
    _, problems = judge(tmp_path, PENDING)
    assert len(problems) == 1
    assert f"{file}: {PENDING}: interaction" in problems[0]
    assert "was not used" in problems[0]


def test_the_command_ends_with_2_for_what_does_not_fit(tmp_path, capsys):
    file = excerpt(RFC, tmp_path, PENDING)
    edited(file, lambda data: data["interactions"][-1]["request"].update(body="something=else"))
    with pytest.raises(SystemExit) as done:
        main(["replay", "--brief", str(tmp_path)])
    assert done.value.code == 2
    assert f"{file_name(PENDING)}: {PENDING}: " in capsys.readouterr().err


def test_commands_are_listed():
    assert {"record", "replay"} <= set(cli.list_commands(None))

"""Recorded sessions of clients: judged again as they were, without the client; what was edited or is hostile shows."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import msgspec
import pytest
from support import ROOT
from support.client_proof import catalogue, scenarios
from support.small_client import SmallClient

from device_grant.cli import main
from device_grant.cli.recordings.sessions import SIGNED
from device_grant.client.drivers.process import ProcessDriver
from device_grant.client.session.run import ClientRun
from device_grant.engine import run_check
from device_grant.errors import UsageError
from device_grant.judging import all_checks, all_rules
from device_grant.protocol import RFC8628, dialect
from device_grant.recordings.formats.cassette import VERDICTS
from device_grant.recordings.formats.sessions import SESSIONS, read_sessions, text_of
from device_grant.recordings.record.sessions import RecordingDriver, Scope, machine_paths, sessions_of

WAITS = "waiting::test_interval_of_seven"
SLOW = "waiting::test_slow_down_at_first"
PLAIN = "starting::test_member_order"
COMMITTED = sorted((ROOT / "cassettes" / "clients").glob(f"*/{SESSIONS}"))


def command(*words):
    """The exit code of a command."""
    with pytest.raises(SystemExit) as done:
        main([str(word) for word in words])
    return done.value.code


def record(folder, *words, client="honest:rfc8628", checks=(WAITS, SLOW, PLAIN)):
    chosen = [word for name in checks for word in ("--check", name)]
    return command("client", client, "-q", *chosen, "--record", folder, *words)


def lines(folder):
    return [json.loads(line) for line in (folder / SESSIONS).read_text("utf-8").splitlines()]


def rewrite(folder, change):
    """Edit the lines by hand."""
    edited = lines(folder)
    change(edited)
    (folder / SESSIONS).write_text("".join(json.dumps(line) + "\n" for line in edited), "utf-8")


def of_scenario(edited, name):
    """The lines of one scenario."""
    begin = next(at for at, line in enumerate(edited) if line == {"line": "scenario", "name": name})
    end = next((at for at in range(begin + 1, len(edited)) if edited[at]["line"] == "scenario"), len(edited))
    return edited[begin:end]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sessions") / "honest"
    assert record(folder) == 0
    return folder


@pytest.fixture
def copy(kept, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    for file in kept.iterdir():
        folder.joinpath(file.name).write_bytes(file.read_bytes())
    return folder


@pytest.mark.parametrize("client", ["honest:rfc8628", "honest:aws-sso-oidc", "honest:aws-sso-oidc:operations"])
def test_what_was_recorded_is_judged_as_it_was(tmp_path, client, capsys):
    everything = [check.name for check in all_checks() if check.party == "client" and "waiting::" not in check.name]
    assert record(tmp_path / "kept", client=client, checks=everything) == 0
    left = [line for line in capsys.readouterr().out.splitlines() if "left out" in line]
    assert all(SIGNED in line for line in left), "only proofs, which no replay can send again, are left out"
    assert command("replay", "--brief", tmp_path / "kept") == 0
    assert re.search(r"\d\d checks, 0 verdicts changed", capsys.readouterr().out)


MUTUAL_TLS = ("mutual_tls::test_client_id_beside_a_certificate", "mutual_tls::test_aliases_for_mutual_tls")


@pytest.mark.parametrize("fault", ["client_mtls_without_client_id", "client_ignores_aliases"])
def test_certificates_and_aliases_are_kept(tmp_path, fault, capsys):
    folder = tmp_path / "kept"
    assert record(folder, "--fault", fault, checks=MUTUAL_TLS) == 1
    assert "left out" not in capsys.readouterr().out
    assert command("replay", "--brief", folder) == 0
    verdicts = json.loads((folder / VERDICTS).read_text("utf-8"))
    assert sorted(own[name] for own in verdicts.values() for name in own if "rfc8705" in name) == ["fail", "pass"]
    assert not re.search(r"/simulated/|:8630", (folder / SESSIONS).read_text("utf-8"))


def test_without_what_was_kept_of_certificates_nothing_can_be_said(tmp_path, capsys):
    folder = tmp_path / "kept"
    assert record(folder, checks=MUTUAL_TLS) == 0
    assert command("replay", "--brief", folder) == 0

    def forget(edited):
        for line in edited:
            line.pop("certified", None)

    rewrite(folder, forget)
    capsys.readouterr()
    assert command("replay", "--brief", folder) == 1
    assert "untestable" in capsys.readouterr().out


@pytest.mark.parametrize("fault", ["slow_down_ignored", "interval_halved", "pending_fatal"])
def test_a_faulty_client_is_found_faulty_again(tmp_path, fault):
    assert record(tmp_path / "kept", "--fault", fault) == 1
    assert command("replay", tmp_path / "kept") == 1
    assert command("replay", "--brief", tmp_path / "kept") == 0
    assert "fail" in json.dumps(json.loads((tmp_path / "kept" / VERDICTS).read_text("utf-8")))


def test_a_second_recording_is_the_same_text(kept, tmp_path):
    """Of a client whose time is simulated nothing differs: a difference is the client's, and never a draw of ours."""
    assert record(tmp_path / "again") == 0
    for name in (SESSIONS, VERDICTS):
        assert (tmp_path / "again" / name).read_text("utf-8") == (kept / name).read_text("utf-8")


def test_a_replay_starts_nothing_and_asks_nobody(kept, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a client was started")

    monkeypatch.setattr(ProcessDriver, "run", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert command("replay", "--brief", kept) == 0


def test_a_poll_that_came_earlier_is_another_verdict(copy, capsys):
    def sooner(edited):
        sent = [line for line in of_scenario(edited, WAITS) if line["line"] == "sent" and "/token" in line["send"]]
        sent[-1]["at"] -= 5

    rewrite(copy, sooner)
    assert command("replay", "--brief", copy) == 1
    assert (
        "rfc8628-3.5-client-waits-before-each-request: pass when it was recorded, fail now" in capsys.readouterr().out
    )


def test_a_rule_that_changed_names_whom_it_touches(kept, capsys):
    rule = next(rule for rule in all_rules() if rule.name == "rules::grant_type_is_the_urn")
    function = rule.function

    def stricter(session):
        for judgement in function(session):
            yield msgspec.structs.replace(judgement, holds=False)

    object.__setattr__(rule, "function", stricter)
    try:
        assert command("replay", "--brief", kept) == 1
    finally:
        object.__setattr__(rule, "function", function)
    said = capsys.readouterr().out
    assert f"{kept}: 3 checks, 1 verdicts changed" in said
    assert "rules::grant_type_is_the_urn, rfc8628-3.4-grant-type-value: pass when it was recorded, fail now" in said


def test_a_script_that_says_something_else_is_named(copy, capsys):
    def other(edited):
        of_scenario(edited, SLOW)[3]["said"] = "400 slow_down 00000000"

    rewrite(copy, other)
    assert command("replay", "--brief", copy) == 2
    said = capsys.readouterr().err
    assert f"{SLOW}, run 1: " in said
    assert "was answered 400 slow_down 00000000, and the script now says" in said
    assert "record it again" in said


def test_runs_that_are_missing_or_left_over_are_named(copy, capsys):
    def twice(edited):
        at = edited.index({"line": "scenario", "name": SLOW})
        run = of_scenario(edited, SLOW)[1:]
        edited[at + 1 : at + 1] = run

    rewrite(copy, twice)
    assert command("replay", "--brief", copy) == 2
    assert f"{SLOW}: 2 runs of the client were recorded, and 1 are asked for now" in capsys.readouterr().err

    def none(edited):
        for line in of_scenario(edited, SLOW)[1:]:
            edited.remove(line)

    rewrite(copy, none)
    assert command("replay", "--brief", copy) == 2
    assert f"{SLOW}, run 1: not recorded" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: b"", "first line is no header"),
        (lambda text: text[:-20], "line \\d+: "),
        (lambda text: text.replace(b'"format":1', b'"format":0'), "format 0 is not what this version reads"),
        (lambda text: text.replace(b'"format":1', b'"format":99'), "format 99 is newer .* update the suite"),
        (lambda text: text.replace(b'"format":1', b'"format":' + b"[" * 100_000), "first line is no header"),
        (lambda text: text + text.splitlines()[0], "line \\d+: not where it could be"),
        (lambda text: text.replace(b'"operation"', b'"surprise":1,"operation"'), "surprise"),
        (lambda text: text.replace(b'"at":', b'"at":"soon","was":'), "float"),
        (
            lambda text: (
                text + b'{"line":"scenario","name":"x"}\n{"line":"sent","at":1,"said":"","send":"","fields":""}'
            ),
            "no",
        ),
        (lambda text: text + b'{"line":"scenario","name":"x"}\n' * 2, "'x' a second time"),
        (lambda text: text.replace(b"\n", b"\n\xff", 1), "line 2"),
        (lambda text: text.splitlines()[0] + b"\n" + b'{"line":"run","files":' + b"[" * 100_000, "line 2"),
    ],
)
def test_what_is_damaged_or_hostile_is_refused_in_one_line(copy, change, said):
    file = copy / SESSIONS
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(UsageError, match=said) as refused:
        read_sessions(copy)
    assert str(refused.value).startswith(str(file))
    assert "\n" not in str(refused.value)
    assert command("replay", "--brief", copy) == 2


@pytest.mark.parametrize("send", ["POST http://[::1", "", "\x1b[2J", "POST //[", "GET http://\udce4/"])
def test_a_request_that_is_none_ends_no_replay_in_an_error_of_the_suite(copy, send):
    rewrite(copy, lambda edited: of_scenario(edited, SLOW)[2].update(send=send))
    assert command("replay", "--brief", copy) == 2


def test_a_folder_with_other_files_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    assert record(tmp_path, checks=(PLAIN,)) == 2
    assert "choose an empty folder for --record" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_of_recordings_stands_for_all_in_it(kept, tmp_path, capsys):
    for name in ("one", "two"):
        folder = tmp_path / "kept" / "clients" / name
        folder.mkdir(parents=True)
        for file in kept.iterdir():
            folder.joinpath(file.name).write_bytes(file.read_bytes())
    assert command("replay", "--brief", tmp_path / "kept", "--report", tmp_path / "reports") == 0
    said = capsys.readouterr().out
    assert [line.split(":")[0].rpartition("/")[2] for line in said.splitlines()] == ["one", "two"]
    assert {folder.name for folder in (tmp_path / "reports").iterdir()} == {"client-one", "client-two"}
    assert command("replay", "--brief", tmp_path / "reports") == 2


# What must not be in it.


def test_what_is_withheld_is_not_shown_by_the_sessions(tmp_path, capsys):
    baseline = tmp_path / "baseline.toml"
    baseline.write_text('withheld = ["security"]\n', "utf-8")
    names = [check.name for check in all_checks() if check.party == "client" and not check.timed]
    record(tmp_path / "kept", "--expect", baseline, checks=names)
    hidden = {entry.id for entry in catalogue().requirements if entry.security}
    kept = {line["name"] for line in lines(tmp_path / "kept") if line["line"] == "scenario"}
    for check in all_checks():
        if check.party == "client" and hidden & set(check.requirements):
            assert check.name not in kept
    judged = json.loads((tmp_path / "kept" / VERDICTS).read_text("utf-8"))
    assert not hidden & {requirement for own in judged.values() for requirement in own}
    runs = [line for line in lines(tmp_path / "kept") if line["line"] == "run"]
    assert not any("mode" in file for run in runs for file in run.get("files", ()))
    assert not any("glimpsed" in run for run in runs)
    capsys.readouterr()
    assert command("replay", "--brief", tmp_path / "kept") == 0
    # Nor is anything said of it from what is left.
    command("replay", tmp_path / "kept", "--report", tmp_path / "report")
    said = (tmp_path / "report" / "results.jsonl").read_text("utf-8")
    assert not any(f'"{requirement}"' in said for requirement in hidden)


class Chatty(SmallClient):
    """Has a secret of its own, and tells of the machine."""

    def flow(self):
        self.lines.append(f"HOME is {self.invocation.home.path}, on {socket.gethostname()}, in {Path.cwd()}")
        super().flow()
        token = self.invocation.authority.last("access_token")
        self.lines.append(f"the token is {token}")

    def ask(self, method, url, members=None):
        own = {"client_assertion": "an-assertion-of-my-own"} if members else members
        return super().ask(method, url, members and {**members, **own})


def recorded(client, *, discreet=False):
    driver = RecordingDriver(client)
    run = ClientRun(driver, dialect(RFC8628), catalogue())
    run.drawn = True
    run.handshake()
    run_check(run, scenarios()[PLAIN])
    return text_of(sessions_of(driver, "revision", Scope(frozenset({PLAIN}), discreet=discreet)))


def test_secrets_of_the_client_and_names_of_the_machine_are_replaced():
    text = recorded(Chatty())
    assert "an-assertion-of-my-own" not in text
    assert re.search(r"client_assertion=[a-z]{2}-[a-z]{9}-[a-z]{2}-[a-z]{2}-[a-z]{3}", text)
    assert "HOME is /person, on " in text
    assert str(Path.cwd()) not in text
    assert "device-grant-home-" not in text


def test_lines_with_secrets_are_left_out_where_that_is_withheld():
    assert "the token is AT." in recorded(Chatty())
    assert "the token is" not in recorded(Chatty(), discreet=True)


def test_a_folder_at_the_top_is_no_name_of_the_machine(monkeypatch):
    monkeypatch.chdir("/")
    assert all(path != "/" for path, _ in machine_paths("/tmp/somewhere"))


def test_a_secret_of_the_environment_is_never_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MY_API_TOKEN", "reference-client")  # which the reference client calls itself
    assert record(tmp_path / "kept", checks=(PLAIN,)) == 3
    assert "a secret would have been written" in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()


# What is in the repository.


@pytest.mark.parametrize("file", COMMITTED, ids=lambda file: file.parent.name)
def test_committed_sessions_are_written_as_they_would_be_now(file):
    assert text_of(read_sessions(file.parent)) == file.read_text("utf-8")

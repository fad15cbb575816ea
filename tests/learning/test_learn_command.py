"""The command: what it prints, writes, reads back and replays, and with which exit code it ends."""

import json
import shlex

import pytest
from click.testing import CliRunner

from device_grant.cli import cli
from device_grant.errors import UsageError
from device_grant.learning.record import read, read_all

SMALL = ("--inputs", "poll_polite,approve")


def run(*words):
    return CliRunner().invoke(cli, ["learn", *words], standalone_mode=False, catch_exceptions=True)


def code(result):
    if result.exception is not None:
        raise result.exception
    return result.return_value


def test_a_machine_is_printed_written_and_read_back(tmp_path):
    result = run("embedded", *SMALL, "--out", str(tmp_path))
    assert code(result) == 0
    text = " ".join(result.output.split())
    assert "3 states, complete: no other machine over these 2 inputs with at most 4 states answers so (k = 1" in text
    assert "No edge breaks a requirement" in text
    record = read(tmp_path / "machine-own.json")
    assert record.complete
    assert record.machine.answers(("approve", "poll_polite", "poll_polite")) == ("ok", "token", "invalid_grant")
    assert (tmp_path / "machine-own.dot").read_text().startswith('digraph "embedded, own" {')
    assert read_all(tmp_path)["own"].set == "own"


def test_a_red_edge_prints_the_command_that_shows_it():
    result = run("embedded", *SMALL, "--fault", "code_reusable", "--json")
    assert code(result) == 1
    [record] = json.loads(result.output)
    [edge] = [edge for edge in record["edges"] if edge["colour"] == "red"]
    assert edge["requirement"] == "rfc8628-3.5-device-code-single-use"
    program, command, *words = shlex.split(edge["command"])
    assert (program, command) == ("device-grant", "learn")
    again = run(*words)
    assert code(again) == 1
    assert "poll_polite / token breaks rfc8628-3.5-device-code-single-use" in " ".join(again.output.split())


def test_the_same_word_of_the_honest_server_is_not_red():
    result = run("embedded", "--ask", "approve poll deny poll")
    assert code(result) == 0
    assert "breaks" not in result.output
    assert "deny / refused" in result.output


def test_two_machines_are_compared(tmp_path):
    for name, fault in (("one", ()), ("other", ("--fault", "approval_ignored"))):
        run("embedded", *SMALL, *fault, "--out", str(tmp_path / name))
    result = run("--diff", str(tmp_path / "one"), str(tmp_path / "other" / "machine-own.json"))
    assert code(result) == 1
    assert "approve/ok poll_polite: token | pending" in result.output
    assert code(run("--diff", str(tmp_path / "one"), str(tmp_path / "one"))) == 0
    learned = run("--diff", str(tmp_path / "one"), "embedded", *SMALL, "--json")
    assert code(learned) == 0
    assert json.loads(learned.output)["sets"] == {"own": []}


def test_an_unfinished_machine_is_not_compared(tmp_path):
    assert code(run("embedded", "--requests", "100", "--out", str(tmp_path))) == 5
    with pytest.raises(UsageError, match=r"unfinished \(100 requests were sent"):
        code(run("--diff", str(tmp_path), str(tmp_path)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{}", "missing required field"),
        ("[", "not JSON in line 1, column 2"),
        ('{"format": "device-grant-machine-2"}', "format"),
    ],
)
def test_a_file_that_is_no_machine_is_said_to_be_none(tmp_path, content, words):
    file = tmp_path / "machine-x.json"
    file.write_text(content)
    with pytest.raises(UsageError, match=words):
        read(file)


def test_a_machine_with_a_hole_is_refused(tmp_path):
    code(run("embedded", *SMALL, "--out", str(tmp_path)))
    file = tmp_path / "machine-own.json"
    document = json.loads(file.read_text())
    del document["states"][0]["approve"]
    file.write_text(json.dumps(document))
    with pytest.raises(UsageError, match="state 0 has no transition for approve"):
        read(file)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("embedded", "--inputs", "basik"), "did you mean basic?"),
        (("embedded", "--ask", "aprove"), "did you mean approve?"),
        (("embedded", "--diff", "a", "b"), "leave TARGET"),
        (("--diff", "{tmp}", "{tmp}"), "there is no machine-"),
        (("cassette:cassettes/nanoidp",), "name a live target"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, words, said):
    result = run(*(word.format(tmp=tmp_path) for word in words))
    assert isinstance(result.exception, UsageError)
    assert said in str(result.exception)

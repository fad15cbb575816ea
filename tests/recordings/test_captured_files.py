"""Files as people have them: their times, what is none of the known forms, and folders."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.captured import CODE, TOKEN, Traffic, aws, har, noise, rfc, vcr
from support.foreign import (
    FORMATS,
    test_proxy,
    with_dates,
)
from support.judged import failing, judged

from device_grant.cli import cli, main
from device_grant.recordings.formats import FORMATS as READERS
from device_grant.recordings.formats import OpenedFile, capture_of
from device_grant.recordings.judge import find, flows_of

test_proxy.__test__ = False
WAITS = "rfc8628-3.5-client-waits-before-each-request"
DATES = "the times are those of the answers' Date headers"


def captured(text, name="a.txt"):
    return capture_of(OpenedFile(Path(name), text if isinstance(text, bytes) else text.encode()))


def said(capsys, *words):
    with pytest.raises(SystemExit) as done:
        main(["judge", *map(str, words)])
    out = capsys.readouterr()
    return done.value.code, out.out, out.err


# Times.


def test_dates_of_answers_are_the_times_where_there_are_no_others(tmp_path):
    hasty = with_dates(rfc(gaps=(5.2, 0.2, 0.2)))
    result = judged(tmp_path, vcr(hasty), name="a.yaml")
    assert failing(result) == {WAITS}
    assert result[WAITS]["got"] == DATES
    slow = judged(tmp_path, vcr(with_dates(rfc(gaps=(9.0, 9.0, 9.0)))), name="a.yaml")
    assert slow[WAITS]["verdict"] == "pass"
    close = judged(tmp_path, vcr(with_dates(rfc(gaps=(5.2, 5.2, 5.2)))), name="a.yaml")
    assert (close[WAITS]["verdict"], close[WAITS]["message"]) == ("inconclusive", DATES)


@pytest.mark.parametrize("kind", ["still", "backwards", "cached"])
def test_dates_that_are_no_clock_are_none(tmp_path, kind):
    sent = with_dates(rfc(gaps=(0.1, 0.1, 0.1))).sent
    if kind == "backwards":
        later = with_dates(rfc(gaps=(30.0, 30.0, 30.0))).sent
        sent = [replace(one, answered=other.answered) for one, other in zip(sent, reversed(later), strict=True)]
    elif kind == "cached":
        sent = [replace(one, answered=(*one.answered, ("Age", "5"))) for one in sent]
    result = judged(tmp_path, vcr(Traffic(sent)), name="a.yaml")
    assert failing(result) == set()
    assert result[WAITS]["message"] == "the capture has no times"


# Files that are none of them.


@pytest.mark.parametrize(
    ("name", "octets", "look", "cure"),
    [
        ("a.pcap", b"\xd4\xc3\xb2\xa1\x02\0\x04\0", "a packet capture", "export HAR"),
        ("a.chls", b"\xac\xed\x00\x05sr", "a session of Charles (.chls)", "HTTP Archive"),
        ("a.html", b"<!DOCTYPE html><html></html>", "a web page", "Save all as HAR"),
        ("a.http", b"### start\nPOST https://login.example/device\n\nclient_id=x\n", "an .http file", "as HAR"),
        ("a.http", b"POST /device HTTP/1.1\nHost: x\n\nclient_id=x\n", "requests without answers", "HAR"),
        ("a.json", b'{"consumer": {}, "provider": {}, "interactions": []}', "a Pact contract", "HAR"),
        ("a.json", b'{"_type": "export", "__export_format": 4}', "Insomnia", "HAR"),
        ("a.json", b'{"issuer": "x", "token_endpoint": "y"}', "the metadata of a server", "device-grant run"),
        ("a.json", b'{"device_code": "x", "user_code": "y"}', "the body of one answer", "HAR"),
        ("a.log", b"2024-01-01 INFO device login started\n", "a log", "HAR"),
        ("a.bin", b"\0\1\2\3", "no text", "HAR"),
        ("a.zip", b"PK\x03\x04....", "a zip", "unpack"),
        ("a.png", b"\x89PNG\r\n", "a picture", "HAR"),
        ("a.txt", b"", "empty", "HAR"),
        ("a.txt", b"nothing of note", "no capture that is known here", "HAR"),
        ("a.py", b"import requests\nrequests.post('x')\n", "a program", "HAR"),
    ],
)
def test_of_a_file_that_is_none_of_them_it_is_said_what_it_looks_like(tmp_path, capsys, name, octets, look, cure):  # noqa: PLR0913, PLR0917 - a row of a table
    file = tmp_path / name
    file.write_bytes(octets)
    code, _, err = said(capsys, file)
    assert code == 2
    assert err.count("\n") == 1
    assert look in err
    assert cure in err


# Several.


def test_standard_input_and_json():
    for write, _ in (FORMATS["aws-debug"], FORMATS["fiddler"], FORMATS["go-vcr-3"]):
        text = write(aws(gaps=(1.1, 0.1)))
        octets = text if isinstance(text, bytes) else text.encode()
        done = CliRunner().invoke(cli, ["judge", "-", "--json"], input=octets, standalone_mode=False)
        said = json.loads(done.output)
        assert said["capture"]["exchanges"] == 4
        assert said["exit_code"] == done.return_value
        assert TOKEN not in done.output
        assert said["capture"]["file"] == "standard input"
        assert all("device-grant judge - --only" in one["again"] for cause in said["failures"] for one in cause)


def test_json_is_written_over_no_capture(tmp_path, capsys):
    for name in ("a.har", "b.har"):
        (tmp_path / name).write_text(har(rfc()))
    code, _, err = said(capsys, "--json", tmp_path / "a.har", tmp_path / "b.har")
    assert code == 2
    assert "put --json behind the captures" in err
    assert (tmp_path / "a.har").read_text() == har(rfc())
    code, out, _ = said(capsys, tmp_path / "a.har", tmp_path / "b.har", "--json")
    assert code == 0
    assert len(out.splitlines()) == 1


def test_a_folder_is_looked_through(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    (tmp_path / "sub" / ".git").mkdir(parents=True)
    (tmp_path / "a.har").write_text(har(rfc()))
    (tmp_path / "sub" / "copy.har").write_text(har(rfc()))
    (tmp_path / "sub" / "a.yaml").write_text(vcr(aws(gaps=(1.1, 0.1))))
    (tmp_path / "sub" / "other.har").write_text(har(Traffic(noise())))
    (tmp_path / "sub" / ".git" / "b.har").write_text("{")
    (tmp_path / "README.md").write_text("# Captures\n")
    done = CliRunner().invoke(cli, ["judge", str(tmp_path), "--report", str(tmp_path / "r")], standalone_mode=False)
    text = " ".join(done.output.split())
    assert (done.return_value, done.exception) == (0, None)
    assert "copy.har: the same as" in text
    assert "1 capture without a device grant, 1 file that is no capture" in text
    assert (tmp_path / "r" / "a" / "results.jsonl").is_file()
    assert (tmp_path / "r" / "sub" / "a" / "results.jsonl").is_file()
    (tmp_path / "sub" / "bad.har").write_text('{"log": {}}')
    done = CliRunner().invoke(cli, ["judge", str(tmp_path / "sub")], standalone_mode=False)
    assert done.return_value == 2
    assert "without log.entries" in " ".join(done.output.split())


def test_several_clients_and_servers_are_named(tmp_path):
    second = [
        replace(
            one,
            at=one.at + 0.7,
            url=one.url.replace("login", "other"),
            body=one.body.replace(CODE.encode(), b"dc-second-000001").replace(b"tv-app", b"radio"),
            answer=json.loads(one.content.replace(CODE, "dc-second-000001")),
            headers=(*one.headers, ("User-Agent", "radio/2.0 (x)")),
        )
        for one in rfc(gaps=(5.2, 0.2, 5.2)).sent
    ]
    file = tmp_path / "two.har"
    file.write_text(har(Traffic([*rfc().sent, *second])))
    done = CliRunner().invoke(cli, ["judge", str(file)], standalone_mode=False)
    text = " ".join(done.output.split())
    assert "the client (tv-app; radio, radio/2.0) breaks 1" in text
    assert "the server (login.example; other.example) none" in text
    assert len(flows_of(find(capture_of(OpenedFile(file, file.read_bytes()))), "rfc8628")) == 2
    server = CliRunner().invoke(cli, ["judge", str(file), "--party", "server"], standalone_mode=False)
    assert "of the server (login.example; other.example)" in " ".join(server.output.split())


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_a_timeline_is_as_wide_as_the_terminal(tmp_path, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    file = tmp_path / "a.har"
    many = ("authorization_pending",) * 20
    file.write_text(har(rfc(gaps=(5.2,) * 21, errors=many)))
    done = CliRunner().invoke(cli, ["judge", str(file), "--timeline"], standalone_mode=False)
    lines = done.output.splitlines()
    drawn = [line for line in lines if line.rstrip().endswith(("|", ":")) and ("|" in line or ": " in line)]
    assert max(len(line) for line in drawn) == columns
    assert any("device authorization" in line for line in drawn)
    assert any("16 polls more" in line for line in drawn)
    assert CODE not in done.output


def test_readers_are_all_tried_by_a_sample():
    kinds = {captured(*((write(rfc()), file))).kind for write, file in FORMATS.values()}
    # Two layouts of go-vcr, and three of text, are one reader each.
    assert len(kinds) == len(FORMATS) - 3
    assert len(READERS) == 15

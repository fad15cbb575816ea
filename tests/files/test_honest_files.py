"""Files that are odd and honest, as browsers, proxies, editors and other recorders write them: they are read."""

from __future__ import annotations

import gzip
import json
import shutil

import pytest
import yaml
from support import ROOT
from support.captured import har, rfc, vcr
from support.judged import judged, verdicts

from device_grant.catalogue import load as catalogue
from device_grant.recordings.formats import read_capture
from device_grant.recordings.formats.sessions import SESSIONS, read_sessions
from device_grant.results.baseline import load
from device_grant.results.reader import read
from device_grant.targets.load import read_target

RESULTS = ROOT / "reports" / "client-aws-js-token-providers" / "results.jsonl"


@pytest.fixture
def plain(tmp_path):
    return verdicts(judged(tmp_path, har(rfc())))


def edited(change):
    data = json.loads(har(rfc()))
    change(data["log"])
    return json.dumps(data)


def unknown_keys(log):
    log["_custom"] = {"deep": [[[]]], "number": 1.5}
    for entry in log["entries"]:
        entry |= {
            "_initiator": {"type": "script"},
            "pageref": "page_1",
            "connection": "443",
            "timings": {"blocked": -1},
        }
        entry["request"] |= {"cookies": [], "queryString": [], "headersSize": -1, "bodySize": -1}


def half_a_pair(log):
    body = {"text": "\ud83d, as scripts have it", "size": 20}
    log["entries"].insert(
        0,
        {"request": {"method": "GET", "url": "https://cdn.example/a.js"}, "response": {"status": 200, "content": body}},
    )


def a_large_body(log):
    body = {"text": "[{,]}é😀" * 10**6, "size": 13 * 10**6}
    log["entries"].insert(
        0,
        {"request": {"method": "GET", "url": "https://cdn.example/a.js"}, "response": {"status": 200, "content": body}},
    )


def what_was_never_answered(log):
    log["entries"].append(
        {"request": {"method": "GET", "url": "data:text/plain,x" * 1000}, "time": -1, "response": {"status": 0}}
    )


@pytest.mark.parametrize("change", [unknown_keys, half_a_pair, a_large_body, what_was_never_answered])
def test_har(tmp_path, plain, change):
    assert verdicts(judged(tmp_path, edited(change))) == plain


def test_har_of_editors(tmp_path, plain):
    text = json.dumps(json.loads(har(rfc())), indent=1).replace("\n", "\r\n")
    assert verdicts(judged(tmp_path, "\ufeff" + text)) == plain


def test_cassettes_with_octets_and_codings(tmp_path):
    data = yaml.safe_load(vcr(rfc()))
    plain = verdicts(judged(tmp_path, yaml.dump(data), name="plain.yaml"))
    for one in data["interactions"]:
        one["response"]["headers"]["Content-Encoding"] = ["gzip"]
        one["response"]["body"]["string"] = gzip.compress(one["response"]["body"]["string"].encode())
        one["unknown"] = {"x": [1, 2.5, None]}
    text = yaml.dump(data)
    assert "!!binary" in text
    assert verdicts(judged(tmp_path, text, name="packed.yaml")) == plain
    assert verdicts(judged(tmp_path, text.replace("!!binary", "!binary"), name="ruby.yaml")) == plain
    assert verdicts(judged(tmp_path, "\ufeff" + text.replace("\n", "\r\n"), name="editor.yaml")) == plain


def test_cassettes_with_aliases_and_words_of_python_2(tmp_path):
    shared = {"Content-Type": ["application/json"]}
    data = yaml.safe_load(vcr(rfc()))
    for one in data["interactions"]:
        one["response"]["headers"] = shared
    text = yaml.dump(data)
    assert "*id" in text
    file = tmp_path / "aliases.yaml"
    file.write_text(text.replace("method: POST", "method: !!python/unicode 'POST'"), "utf-8")
    assert all(one.response.header("content-type") == "application/json" for one in read_capture(file).entries)


def test_times(tmp_path):
    data = yaml.safe_load(vcr(rfc(), layout="betamax"))
    times = ["Fri, 12 Oct 2012 01:02:03 GMT", "2012-10-12T01:02:09", "9999-12-31T23:59:59+00:00"]
    for one, time in zip(data["http_interactions"], times, strict=False):
        one["recorded_at"] = time
    text = yaml.dump(data)
    for time in times[1:]:
        text = text.replace(f"'{time}'", time)
    file = tmp_path / "times.yaml"
    file.write_text(text, "utf-8")
    started = [one.started for one in read_capture(file).entries]
    assert started[1] - started[0] == 6
    assert started[2] == 253402300799


def test_numbers_without_quotes(tmp_path):
    data = yaml.safe_load(vcr(rfc()))
    data["interactions"][0]["response"]["headers"] = {"Content-Length": [2], "Age": 0, "Server": None}
    file = tmp_path / "numbers.yaml"
    file.write_text(yaml.dump(data), "utf-8")
    assert read_capture(file).entries[0].response.headers == (("Age", "0"), ("Content-Length", "2"))


def test_results_of_editors_and_of_runs_that_were_killed(tmp_path):
    content = RESULTS.read_bytes()
    whole = read(RESULTS)
    file = tmp_path / "results.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    assert read(file) == whole
    first = content.split(b"\n")[0]
    file.write_bytes(content[: content.index(b"\n", len(first) + 1) + 1] + '{"kind": "result", "got": "é'.encode()[:-1])
    assert read(file).interrupted
    file.write_bytes(content.replace(b'"kind":"result"', b'"later": {"x": [[1]]}, "kind": "result"'))
    assert read(file) == whole


def test_configurations_of_editors(tmp_path):
    file = tmp_path / "target.toml"
    file.write_bytes(b"\xef\xbb\xbf" + 'name = "é"\r\n[endpoints]\r\nbase = "https://login.example"\r\n'.encode())
    assert read_target(file).config.name == "é"
    ids = {entry.id for entry in catalogue().requirements}
    baseline = tmp_path / "baseline.toml"
    baseline.write_bytes(b"\xef\xbb\xbf# nothing\r\n")
    assert load(baseline, ids).known == ()
    assert load(type(tmp_path)("/dev/null"), ids).known == ()


def test_sessions_of_editors(tmp_path):
    source = ROOT / "cassettes" / "clients" / "authlib"
    shutil.copytree(source, tmp_path / "kept")
    file = tmp_path / "kept" / SESSIONS
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert read_sessions(tmp_path / "kept") == read_sessions(source)

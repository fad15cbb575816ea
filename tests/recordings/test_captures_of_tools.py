"""Captures as the tools write them: what an honest tool writes is read, and what it adds is no body."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from support.captured import CODE, aws, iso, rfc
from support.foreign import (
    FORMATS,
    curl_v,
    go_vcr,
    nock_module,
    postman,
    raw_http,
    saz,
    test_proxy,
    wiremock,
)
from support.judged import failing, judged

from device_grant.cli import cli, main
from device_grant.recordings.formats import OpenedFile, capture_of
from device_grant.recordings.judge import find

test_proxy.__test__ = False
WAITS = "rfc8628-3.5-client-waits-before-each-request"


def captured(text, name="a.txt"):
    return capture_of(OpenedFile(Path(name), text if isinstance(text, bytes) else text.encode()))


def codes(capture):
    return [one.exchange.code for one in find(capture).exchanges]


ALL = ["ok", "authorization_pending", "authorization_pending", "ok"]


def said(capsys, *words):
    with pytest.raises(SystemExit) as done:
        main(["judge", *map(str, words)])
    out = capsys.readouterr()
    return done.value.code, out.out, out.err


# curl.


def test_what_curl_prints_beside_it_is_no_part_of_a_body():
    meter = (
        "  % Total    % Received % Xferd  Average\n100   290  100   267  100    23   7565    651 --:--:-- --:--:--\n"
    )
    text = curl_v(rfc()).replace("* ALPN", meter + "* ALPN").replace("< \n", "< \n{ [212 bytes data]\n")
    capture = captured(text)
    assert codes(capture) == ALL
    assert capture.entries[0].request.url == "https://login.example/oauth2/device"
    assert capture.entries[0].request.content == rfc().sent[0].body
    assert capture.entries[3].response.content == rfc().sent[3].content.encode()


def test_curl_with_i_prints_the_head_twice():
    lines = []
    for line in curl_v(rfc()).splitlines():
        if line.startswith("{"):
            lines += (
                ["HTTP/2 200", "content-type: application/json", ""]
                if "pending" not in line
                else ["HTTP/2 400", "a: b", ""]
            )
        lines.append(line)
    capture = captured("\n".join(lines))
    assert codes(capture) == ALL
    assert not any(entry.bodiless for entry in capture.entries)


def test_what_gh_prints_has_times_and_bodies(tmp_path):
    lines = []
    for one in rfc(gaps=(5.2, 0.2, 5.2)).sent:
        moment = iso(one.at).replace("T", " ").replace("Z", " +0000 UTC m=+0.1")
        target = one.url.removeprefix("https://login.example")
        lines += [
            f"* Request at {moment}",
            f"* Request to {one.url}",
            f"> POST {target} HTTP/1.1",
            "> Host: login.example",
        ]
        lines += [f"> {name}: {value}" for name, value in (*one.headers, ("Content-Length", len(one.body)))]
        lines += ["", one.body.decode(), "", f"< HTTP/2.0 {one.status} OK"]
        lines += [f"< {name}: {value}" for name, value in one.answered]
        lines += ["", json.dumps(one.answer, indent=2), "", "* Request took 50.5ms"]
    capture = captured("\n".join(lines))
    assert codes(capture) == ALL
    assert capture.entries[1].request.content == rfc().sent[1].body
    assert capture.entries[1].took == pytest.approx(0.0505)
    assert failing(judged(tmp_path, "\n".join(lines), name="a.txt")) == {WAITS}


def test_a_remark_of_a_shell_is_no_body_of_a_request():
    text = "\n".join(line for line in curl_v(rfc()).splitlines() if not line.startswith("$"))
    capture = captured(text.replace("> \n", "> \n\nNote: something=else of a shell\n"))
    assert [entry.unsent for entry in capture.entries] == [True] * 4
    assert codes(capture) == ALL


def test_a_command_alone_is_the_request():
    answered = [block.partition("HTTP/1.1 ")[2] for block in raw_http(rfc()).split("\n\nPOST")]
    commands = [f"user@host:~$ curl -i \\\n  -d '{one.body.decode()}' \\\n  {one.url}" for one in rfc().sent]
    text = "\n".join(f"{one}\nHTTP/1.1 {other}" for one, other in zip(commands, answered, strict=True))
    assert codes(captured(text)) == ALL


def test_a_variable_in_a_command_is_no_body():
    text = curl_v(rfc()).replace(f"device_code={CODE}", "device_code=$CODE")
    capture = captured(text)
    assert [entry.unsent for entry in capture.entries] == [False, True, True, True]
    assert codes(capture) == ALL


@pytest.mark.parametrize("cut", ["", '{"device_code": "dc-Zq81', "..."])
def test_half_an_answer_accuses_nobody(tmp_path, cut):
    start = rfc().sent[0]
    text = raw_http(rfc()).replace(start.content, cut)
    assert captured(text).entries[0].bodiless
    assert failing(judged(tmp_path, text, name="a.txt")) <= {"rfc8628-3.2-response-200-json"} - {
        "rfc8628-3.2-response-200-json"
    }


def test_an_answer_that_is_no_json_is_known_by_its_length(tmp_path):
    broken = rfc().changed(3, answer='{"access_token": "at-1", ')
    capture = captured(raw_http(broken))
    assert not capture.entries[3].bodiless
    assert failing(judged(tmp_path, raw_http(broken), name="a.txt"))


def test_bodies_behind_all_heads_belong_to_nobody(tmp_path):
    heads = curl_v(rfc())
    for one in rfc().sent:
        heads = heads.replace(one.content, "", 1)
    text = heads + "".join(one.content for one in rfc().sent)
    assert captured(text).entries[3].bodiless
    assert failing(judged(tmp_path, text, name="a.txt")) == set()


def test_chunks_are_undone():
    one = rfc().sent[3]
    chunked = f"{len(one.content):x}\n{one.content}\n0\n"
    text = raw_http(rfc()).replace(
        f"Content-Length: {len(one.content)}\n\n{one.content}", f"Transfer-Encoding: chunked\n\n{chunked}"
    )
    assert captured(text).entries[3].response.content == one.content.encode()


def test_the_times_of_curl_are_exact_to_a_second(tmp_path):
    def timed(traffic):
        moments = iter(traffic.sent)
        at, lines = 0.0, []
        for line in curl_v(traffic).splitlines():
            if line.startswith("> POST"):
                at = next(moments).at
            clock = (86_395 + at) % 86_400
            stamp = f"{int(clock // 3600):02}:{int(clock // 60 % 60):02}:{clock % 60:09.6f} "
            lines.append(stamp + line if line[:2] in ("> ", "< ", "* ") else line)
        return "\n".join(lines)

    assert "whose clock is up to a second off" in captured(timed(rfc())).timing
    for gap, verdict in ((6.5, "pass"), (5.0, "inconclusive"), (1.0, "fail")):
        result = judged(tmp_path, timed(rfc(gaps=(gap, gap, gap))), name="a.txt")
        assert result[WAITS]["verdict"] == verdict, gap


def test_what_windows_writes_is_read():
    capture = captured(b"\xff\xfe" + raw_http(rfc()).replace("\n", "\r\n").encode("utf-16-le"))
    assert codes(capture) == ALL


# Debug logs.


def test_logs_of_other_handlers():
    log = FORMATS["aws-debug"][0](aws())
    bare = "\n".join(
        line.partition(" - MainThread - ")[2].replace(" - DEBUG - ", ": ", 1).join(("DEBUG:", ""))
        if " - MainThread" in line
        else line
        for line in log.splitlines()
    )
    assert codes(captured(bare)) == ["ok", "ok", "authorization_pending", "ok"]
    assert captured(bare).entries[0].started is None
    old = log.replace("b'{", "{").replace("}'\n", "}\n")
    assert codes(captured(old))[2:] == ["authorization_pending", "ok"]


def test_a_log_without_the_status_judges_no_server():
    log = "\n".join(line for line in FORMATS["aws-debug"][0](aws()).splitlines() if "urllib3" not in line)
    capture = captured(log)
    assert codes(capture) == ["ok", "ok", "authorization_pending", "ok"]
    assert all(entry.bodiless for entry in capture.entries)


def test_a_retry_of_botocore_is_a_request_of_its_own():
    log = FORMATS["aws-debug"][0](aws())
    line = next(line for line in log.splitlines() if "Sending http request" in line and "/token" in line)
    again = log.replace(
        line, f"{line}\n{line[:20]}000 - MainThread - botocore.httpsession - DEBUG - read timed out\n{line}", 1
    )
    entries = captured(again).entries
    assert len(entries) == 5
    assert entries[2].error == "no answer"


# Test suites.


def test_bodies_of_the_test_proxy():
    data = json.loads(test_proxy(rfc()))
    data["Entries"][0]["ResponseBody"] = ["{\r\n", '"device_code": "dc-1", "user_code": "A"}']
    data["Entries"][1] |= {
        "ResponseBody": "eyJlcnJvciI6ImFjY2Vzc19kZW5pZWQifQ==",
        "ResponseHeaders": {"Content-Type": "application/octet-stream"},
    }
    data["Entries"][2]["ResponseBody"] = []
    data["Entries"][3]["ResponseBody"] = "Sanitized"
    first, second, third, last = captured(json.dumps(data), "a.json").entries
    assert first.response.content.startswith(b'{\r\n"device_code"')
    assert second.response.content == b'{"error":"access_denied"}'
    assert (third.response.content, third.bodiless) == (b"", False)
    assert last.bodiless


def test_go_vcr_has_durations_and_forms():
    data = yaml.safe_load(go_vcr(rfc()))
    assert captured(go_vcr(rfc()), "a.yaml").entries[0].took == pytest.approx(0.05025)
    for interaction in data["interactions"]:
        interaction["request"]["body"] = ""
    capture = captured(yaml.safe_dump(data), "a.yaml")
    assert codes(capture) == ALL
    assert all(entry.rebuilt for entry in capture.entries)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1m0.5s", 60.5), ("84.6ms", 0.0846), ("5µs", 5e-6), ("0s", 0.0), ("soon", None)]
)
def test_durations_of_go(text, seconds):
    data = yaml.safe_load(go_vcr(rfc()))
    data["interactions"][0]["response"]["duration"] = text
    took = captured(yaml.safe_dump(data), "a.yaml").entries[0].took
    assert took == (None if seconds is None else pytest.approx(seconds))


def test_a_module_that_nock_has_not_written(tmp_path, capsys):
    written = "nock(base).post('/oauth2/token', body => true).reply(200, () => ({}));\n"
    file = tmp_path / "a.js"
    file.write_text(f"const nock = require('nock');\n{written}")
    code, _, err = said(capsys, file)
    assert code == 2
    assert "record it as JSON with nock.back" in err
    both = nock_module(rfc()) + "nock('https://login.example').post('/oauth2/token', body).reply(400, answer(1));\n"
    last = captured(both, "a.js").entries[-1]
    assert last.bodiless
    assert last.unsent


def test_a_recorder_without_the_fields_of_requests_praises_nobody(tmp_path):
    data = json.loads(FORMATS["nock-json"][0](rfc()))
    whole = judged(tmp_path, json.dumps(data), name="a.json")
    for one in data:
        del one["reqheaders"]
    bare = judged(tmp_path, json.dumps(data), name="a.json")
    assert failing(bare) == set()
    assert {"rfc8628-3.1-client-form-body", "rfc6749-B-form-escaped"} <= whole.keys() - bare.keys()


def test_chains_of_nock():
    text = """
    nock("https://login.example", { reqheaders: { accept: 'application/json' } })
      .post('/oauth2/token', { grant_type: 'x', device_code: "a\\u0062\\n" })
      .query({ v: '2' })
      .times(2)
      .reply(400, { error: 'slow_down', 'n': -1.5, list: [true, null] }, { 'Content-Type': `application/json` })
      .get('/other').reply(204);
    """
    first, second = captured(text, "a.ts").entries
    assert first.request.url == "https://login.example/oauth2/token?v=2"
    assert json.loads(first.request.content)["device_code"] == "ab\n"
    assert json.loads(first.response.content) == {"error": "slow_down", "n": -1.5, "list": [True, None]}
    assert second.response.status == 204


def test_mappings_of_wiremock_in_a_folder(tmp_path):
    folder = tmp_path / "wiremock"
    (folder / "mappings").mkdir(parents=True)
    (folder / "__files").mkdir()
    (tmp_path / "secret.txt").write_text("{}")
    for number, mapping in enumerate(json.loads(wiremock(rfc()))["mappings"]):
        (folder / "__files" / f"body-{number}.json").write_text(mapping["response"].pop("body"))
        mapping["response"]["bodyFileName"] = f"body-{number}.json" if number != 3 else "../../secret.txt"
        (folder / "mappings" / f"{number}.json").write_text(json.dumps(mapping))
    done = CliRunner().invoke(cli, ["judge", str(folder), "--report", str(tmp_path / "r")], standalone_mode=False)
    assert (done.return_value, done.exception) == (0, None), done.output
    assert "1 answer without a body" in " ".join(done.output.split())
    assert "patterns" in done.output
    assert (tmp_path / "r" / "mappings" / "results.jsonl").is_file() or list((tmp_path / "r").rglob("results.jsonl"))


def test_a_template_of_wiremock_is_no_answer():
    mapping = json.loads(wiremock(rfc()))["mappings"][3]
    mapping["response"] |= {"body": '{"access_token": {{randomValue}} }', "transformers": ["response-template"]}
    assert captured(json.dumps(mapping), "a.json").entries[0].bodiless


def test_the_journal_of_wiremock_has_times(tmp_path):
    served = []
    for one in rfc(gaps=(5.2, 0.2, 5.2)).sent:
        asked = {
            "absoluteUrl": one.url,
            "url": one.url,
            "method": one.method,
            "headers": dict(one.headers),
            "body": one.body.decode(),
        }
        asked["loggedDate"] = int((1_700_000_000 + one.at) * 1000)
        answered = {"status": one.status, "headers": dict(one.answered), "body": one.content}
        served.insert(
            0, {"id": "x", "request": asked, "response": answered, "timing": {"totalTime": 50}, "wasMatched": True}
        )
    text = json.dumps({"requests": served, "meta": {"total": 4}, "requestJournalDisabled": False})
    assert failing(judged(tmp_path, text, name="a.json")) == {WAITS}


def test_a_collection_says_nothing_of_a_client(tmp_path):
    data = json.loads(postman(rfc(errors=("authorization_pending", "access_denied"), last="access_denied")))
    result = judged(tmp_path, json.dumps(data), name="a.json")
    assert failing(result) == set()
    assert not any(one["check"].startswith("rules::") for one in result.values())
    for item in data["item"][0]["item"]:
        item["response"] = []
    with pytest.raises(Exception, match="without saved answers"):
        captured(json.dumps(data), "a.json")


# Proxies.


def test_an_archive_with_a_password_and_a_bomb():
    file = io.BytesIO(saz(rfc()))
    octets = bytearray(file.getvalue())
    place = octets.find(b"PK\x01\x02", 0)
    while place >= 0:
        octets[place + 8] |= 1
        place = octets.find(b"PK\x01\x02", place + 4)
    with pytest.raises(Exception, match="with a password"):
        captured(bytes(octets), "a.saz")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("raw/1_c.txt", b"\0" * (17 * 2**20))
    with pytest.raises(Exception, match="larger than what is read"):
        captured(bomb.getvalue(), "a.saz")


def test_a_dump_of_mitmproxy_names_the_extra(monkeypatch):
    monkeypatch.setattr("device_grant.recordings.formats.proxies.mitmproxy.find_spec", lambda _: None)
    with pytest.raises(Exception, match=r"\[mitmproxy\].*hardump=login.har"):
        captured(b"12:9:websocket;0:~}4:type;4:http;7:request,", "flows")

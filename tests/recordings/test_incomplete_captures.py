"""Captures that lack bodies, and answers that are forms: what is not there accuses nobody, and the rest is judged."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest
import yaml
from click.testing import CliRunner
from support.captured import CODE, TOKEN, USER_CODE, Sent, Traffic, aws, har, rfc, vcr
from support.judged import failing, judged, verdicts

from device_grant.cli import cli
from device_grant.recordings.judge import find, flows_of, read_capture

WAITS = "rfc8628-3.5-client-waits-before-each-request"
STOPS = "rfc8628-3.5-client-stops-on-other-errors"
OF_BODIES = {
    "rfc8628-3.1-client-form-body",
    "rfc8628-3.1-client-id-required",
    "rfc8628-3.4-token-endpoint-post-form",
    "rfc8628-3.4-grant-type-value",
    "rfc8628-3.4-device-code-sent",
    "rfc8628-3.4-client-id-required",
}


def without_bodies(traffic, form):
    """The same traffic as a recorder writes it that keeps no bodies of requests."""
    if form == "vcr":
        data = yaml.safe_load(vcr(traffic))
        for one, sent in zip(data["interactions"], traffic.sent, strict=True):
            one["request"]["body"] = None
            one["request"]["headers"]["Content-Length"] = [str(len(sent.body))]
        return yaml.safe_dump(data)
    data = json.loads(har(traffic))
    for entry, sent in zip(data["log"]["entries"], traffic.sent, strict=True):
        if form == "placeholder":
            entry["request"]["postData"]["text"] = "[FILTERED]"
            continue
        del entry["request"]["postData"]
        if form == "size":
            entry["request"]["bodySize"] = len(sent.body)
    return json.dumps(data)


NAMES = {"vcr": "a.yaml", "har": "a.har", "size": "a.har", "placeholder": "a.har"}


@pytest.mark.parametrize("form", NAMES)
@pytest.mark.parametrize("traffic", [rfc(), aws()], ids=["rfc8628", "aws-sso-oidc"])
def test_a_recorder_that_drops_bodies_makes_no_failure(tmp_path, traffic, form):
    result = judged(tmp_path, without_bodies(traffic, form), name=NAMES[form])
    assert failing(result) == set()
    assert OF_BODIES.isdisjoint(result)
    assert result[WAITS]["judged"] == sum(one.url.endswith("/token") for one in traffic.sent) - 1


@pytest.mark.parametrize("form", ["har", "size", "placeholder"])
def test_polls_are_known_by_their_answers(tmp_path, form):
    hasty = judged(tmp_path, without_bodies(rfc(gaps=(0.2, 0.2, 0.2)), form))
    assert failing(hasty) == {WAITS}
    again = rfc(errors=("authorization_pending", "access_denied"), last="access_denied")
    assert failing(judged(tmp_path, without_bodies(again, form))) == {STOPS}
    assert failing(judged(tmp_path, without_bodies(aws(gaps=(1.1, 0.1)), form))) == {WAITS}


def test_a_refresh_without_its_body_is_no_poll(tmp_path):
    last = rfc().sent[-1]
    renewed = replace(last, at=last.at + 0.3, answer={"access_token": "at-next-0123456789", "token_type": "Bearer"})
    refused = replace(last, at=last.at + 0.5, status=400, answer={"error": "invalid_grant"})
    result = judged(tmp_path, without_bodies(Traffic([*rfc().sent, renewed, refused]), "har"))
    assert failing(result) == set()
    denied = rfc(errors=("authorization_pending", "authorization_pending"), last="access_denied")
    result = judged(tmp_path, without_bodies(Traffic([*denied.sent, renewed]), "har"))
    assert failing(result) == set()


def test_logins_side_by_side_are_not_told_apart_without_bodies(tmp_path):
    first = rfc(gaps=(5.2, 5.2, 5.2))
    second = [replace(one, at=one.at + 0.7) for one in first.sent]
    start = second[0]
    second[0] = replace(start, answer={**start.answer, "device_code": "dc-second-000001"})
    both = without_bodies(Traffic([*first.sent, *second]), "har")
    assert failing(judged(tmp_path, both)) == set()


def test_a_post_without_a_body_is_still_one_where_the_parameters_are_elsewhere(tmp_path):
    start = rfc().sent[0]
    query = replace(start, url=f"{start.url}?{start.body.decode()}", body=b"")
    result = judged(tmp_path, har(Traffic([query, *rfc().sent[1:]])))
    assert result["rfc8628-3.1-client-form-body"]["verdict"] == "fail"


def test_the_terminal_says_what_is_missing(tmp_path):
    file = tmp_path / "a.har"
    file.write_text(without_bodies(rfc(), "har"))
    done = CliRunner().invoke(cli, ["judge", str(file)], standalone_mode=False)
    assert "4 requests without a body in the capture" in " ".join(done.output.split())


# Answers that are forms, as GitHub's are where no JSON is asked for.


def github(gaps=(5.2, 5.2, 5.2), errors=("authorization_pending", "authorization_pending"), last=None):
    kind = (("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"), ("Cache-Control", "no-store"))
    sent = []
    for one in rfc(gaps, errors, last=last).sent:
        url = one.url.replace("/oauth2/device", "/login/device/code").replace(
            "/oauth2/token", "/login/oauth/access_token"
        )
        sent.append(replace(one, url=url, status=200, answer=urlencode(one.answer), answered=kind))
    return Traffic(sent)


def test_form_encoded_answers_are_recognised(tmp_path):
    file = tmp_path / "github.har"
    file.write_text(har(github()))
    findings = find(read_capture(file))
    assert [one.exchange.code for one in findings.exchanges] == [
        "ok",
        "authorization_pending",
        "authorization_pending",
        "ok",
    ]
    [flow] = flows_of(findings, "rfc8628")
    assert (flow.device_code, len(flow.polls)) == (CODE, 3)
    result = judged(tmp_path, har(github()))
    assert {result[name]["party"] for name in failing(result)} <= {"authorization-server", "both"}
    assert verdicts(result)[WAITS] == "pass"
    assert "rfc6749-5.1-json-media-type" in failing(result)
    assert "rfc6749-5.1-access-token" not in failing(result)
    hasty = judged(tmp_path, har(github(gaps=(0.2, 0.2, 0.2))))
    assert verdicts(hasty)[WAITS] == "fail"
    assert hasty[WAITS]["got"] == "0.25 s where 5 s are owed"


def test_secrets_of_form_encoded_answers_are_not_written(tmp_path):
    file = tmp_path / "github.har"
    file.write_text(har(github(), encoded=False))
    folder = tmp_path / "report"
    CliRunner().invoke(cli, ["judge", str(file), "--report", str(folder)], standalone_mode=False)
    text = "".join(one.read_text("utf-8") for one in folder.iterdir())
    assert [value for value in (CODE, TOKEN, USER_CODE) if value in text] == []


def test_a_page_is_no_form(tmp_path):
    page = Sent(0.0, "https://login.example/x", b"a=b", 200, "<p>error=no</p>", (), (("Content-Type", "text/html"),))
    result = judged(tmp_path, har(Traffic([*rfc().sent, page])))
    assert failing(result) == set()

"""What somebody took out of a capture blames nobody, praises nobody, and hides nothing that does not depend on it."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest
from support.captured import Traffic, aws, har, rfc
from support.judged import failing, judged

from device_grant.recordings.formats.placeholders import is_put_there

WAITS = "rfc8628-3.5-client-waits-before-each-request"
WORDS = ["REDACTED", "Sanitized", "***", "[FILTERED]", "{{token}}", "<hidden>", "SANITIZED_VALUE", "xxxxxxxx"]
SECRET = {"device_code", "user_code", "access_token", "refresh_token", "client_secret", "client_id"}
SECRET_AWS = {"deviceCode", "userCode", "accessToken", "clientSecret", "clientId", "verificationUriComplete"}
MORE = SECRET | SECRET_AWS | {"verification_uri", "expires_in", "interval", "token_type", "scope", "tokenType"}
MORE |= {"verificationUri", "expiresIn", "startUrl", "clientSecretExpiresAt"}
LOGINS = {"rfc8628": rfc, "aws-sso-oidc": aws}


def scrubbed(traffic, word, names, *, headers=False):
    """The traffic with that word for the values of these members, on both sides."""

    def body(octets):
        if octets[:1] == b"{":
            members = json.loads(octets)
            return json.dumps({name: word if name in names else value for name, value in members.items()}).encode()
        return urlencode(
            [(name, word if name in names else value) for name, value in parse_qsl(octets.decode())]
        ).encode()

    def answer(members):
        return {name: word if name in names else value for name, value in members.items()}

    def fields(pairs):
        return tuple((name, word if headers else value) for name, value in pairs)

    return Traffic(
        [
            replace(one, body=body(one.body), answer=answer(one.answer), answered=fields(one.answered))
            for one in traffic.sent
        ]
    )


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("names", [SECRET | SECRET_AWS, MORE], ids=["secrets", "all"])
def test_a_good_login_stays_good(tmp_path, word, login, names):
    assert is_put_there(word)
    expected = judged(tmp_path, har(LOGINS[login]()))
    assert failing(expected) == set()
    result = judged(tmp_path, har(scrubbed(LOGINS[login](), word, names)))
    assert failing(result) == set()
    worse = {name for name, one in result.items() if one["verdict"] == "warn"}
    assert worse <= {name for name, one in expected.items() if one["verdict"] == "warn"}


def test_headers_that_were_taken_out_blame_nobody(tmp_path):
    result = judged(tmp_path, har(scrubbed(rfc(), "REDACTED", SECRET, headers=True)))
    assert failing(result) == set()
    assert result["rfc6749-5.1-json-media-type"]["verdict"] == "inconclusive"


def test_what_does_not_depend_on_it_is_judged(tmp_path):
    hasty = scrubbed(rfc(gaps=(0.2, 0.2, 0.2)), "REDACTED", SECRET)
    assert failing(judged(tmp_path, har(hasty))) == {WAITS}
    gone = scrubbed(rfc(), "REDACTED", SECRET)
    last = gone.sent[3]
    typeless = gone.changed(3, answer={name: value for name, value in last.answer.items() if name != "token_type"})
    assert "rfc6749-5.1-token-type" in failing(judged(tmp_path, har(typeless)))
    wrong = gone.changed(3, answered=(("Content-Type", "text/html"), *last.answered[1:]))
    assert "rfc6749-5.1-json-media-type" in failing(judged(tmp_path, har(wrong)))


def test_nobody_is_praised_for_a_word_in_place_of_a_value(tmp_path):
    result = judged(tmp_path, har(scrubbed(rfc(), "REDACTED", {"token_type", "access_token", "expires_in"})))
    assert result["rfc6749-5.1-token-type"]["verdict"] != "fail"
    open_ones = {name for name, one in result.items() if "took a value out" in one["message"]}
    assert any("expires" in name for name in open_ones)


def test_logins_side_by_side_are_not_mixed_up(tmp_path):
    second = [replace(one, at=one.at + 0.7) for one in rfc().sent]
    both = scrubbed(Traffic([*rfc().sent, *second]), "REDACTED", SECRET)
    assert failing(judged(tmp_path, har(both))) == set()
    after = [replace(one, at=one.at + 60) for one in rfc(gaps=(5.2, 0.2, 5.2)).sent]
    in_turn = scrubbed(Traffic([*rfc().sent, *after]), "REDACTED", SECRET)
    assert failing(judged(tmp_path, har(in_turn))) == {WAITS}


def test_a_code_that_is_left_on_one_side_alone(tmp_path):
    whole = rfc()
    answers = scrubbed(whole, "REDACTED", {"device_code"})
    requests = Traffic([replace(one, body=other.body) for one, other in zip(whole.sent, answers.sent, strict=True)])
    came = Traffic([replace(one, answer=other.answer) for one, other in zip(whole.sent, answers.sent, strict=True)])
    for traffic in (requests, came):
        assert failing(judged(tmp_path, har(traffic))) == set()
    hasty = rfc(gaps=(5.2, 0.2, 5.2))
    half = Traffic([replace(one, body=other.body) for one, other in zip(hasty.sent, answers.sent, strict=True)])
    assert failing(judged(tmp_path, har(half))) == {WAITS}


@pytest.mark.parametrize(
    "value", ["at-93kdLq0ZmXbWv77Q", "WDJB-MJHT", "tv-app", "Bearer", "openid", "application/json"]
)
def test_ordinary_values_are_not_taken_for_such_words(value):
    assert not is_put_there(value)

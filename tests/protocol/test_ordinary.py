"""Words that a peer calls secrets are none; what is drawn at random is one in every disguise."""

import base64
from urllib.parse import quote

import pytest

from device_grant.errors import SuiteError
from device_grant.protocol import Secrets
from device_grant.protocol.ordinary import is_common, is_no_secret
from device_grant.protocol.redaction import disguises
from device_grant.results import scan

DRAWN = "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS"


@pytest.mark.parametrize("word", ["test", "device_code", "class=", "2.1.0", "Bearer", "authorization_pending"])
def test_a_word_that_all_know_is_no_secret(word):
    assert is_common(word)
    secrets = Secrets()
    secrets.register("device_code", word)
    assert secrets.redact(f"device_code={word}") == f"device_code={word}"
    assert secrets.entries() == ()


@pytest.mark.parametrize("code", [DRAWN, "WDJB-MJHT", "wdjb-mjht", "123456", "correct horse battery", "0.28.1b"])
def test_a_code_that_somebody_has_drawn_is_one(code):
    assert not is_common(code)
    secrets = Secrets()
    secrets.register("user_code", code)
    assert secrets.redact(f"the code is {code}") == "the code is <user_code 1>"


def test_what_the_user_has_given_is_kept_however_common_it_is(tmp_path):
    secrets = Secrets()
    secrets.register_given("password", "test")
    assert secrets.redact("it was test") == "it was <password 1>"
    secrets.register_given("client_secret", "POST http")
    (tmp_path / "page.html").write_text("<p>POST http://x</p>")
    with pytest.raises(SuiteError, match="client_secret 1"):
        scan(tmp_path, secrets)


@pytest.mark.parametrize(
    "value",
    ["code 1>", '","message":"', '"kind":"result"', "2026-11-28T22", "28T22:01:02", "POST http", "m-rfc8628-3.5"],
)
def test_what_any_report_may_have_by_chance_breaks_none(tmp_path, value):
    secrets = Secrets()
    secrets.register("device_code", value)
    (tmp_path / "page.html").write_text(f"<p>{value}</p>")
    scan(tmp_path, secrets)


def test_what_is_drawn_breaks_a_report_that_has_it(tmp_path):
    for value in (DRAWN, "QKZP-XWVB", "6f1e6c1a-0c43-4c3c-9a53-2d4c2f3f9d0e", 'QX&7 ZB"9,KW<4'):
        assert not is_no_secret(value)
        secrets = Secrets()
        secrets.register("device_code", value)
        (tmp_path / "page.html").write_text(f"<p>{value}</p>")
        with pytest.raises(SuiteError):
            scan(tmp_path, secrets)


@pytest.mark.parametrize("prefix", ["", "a", "ab", "abc", "id:"])
@pytest.mark.parametrize("suffix", ["", "z", "zz"])
def test_a_secret_in_base64_with_something_before_it(prefix, suffix):
    secrets = Secrets()
    secrets.register("client_secret", DRAWN)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(f"{prefix}{DRAWN}{suffix}".encode()).decode()
        clean = secrets.redact(text)
        assert "<client_secret 1>" in clean
        # No more than its neighbours' octets and a part of one of its own is left.
        assert len(clean.replace("<client_secret 1>", "").rstrip("=")) <= 4 * 2 + 2


@pytest.mark.parametrize(
    "disguise",
    [
        "".join(f"%{octet:02X}" for octet in DRAWN.encode()),
        "".join(f"%{octet:02x}" for octet in DRAWN.encode()),
        "".join(f"\\u{ord(letter):04x}" for letter in DRAWN),
        "".join(f"\\u{ord(letter):04X}" for letter in DRAWN),
        DRAWN.encode().hex(),
        DRAWN.encode().hex().upper(),
        base64.b32encode(DRAWN.encode()).decode(),
        DRAWN[::-1],
        quote(DRAWN),
    ],
)
def test_a_secret_in_disguise(tmp_path, disguise):
    secrets = Secrets()
    secrets.register("device_code", DRAWN)
    assert secrets.leaks(f"error: {disguise} unknown") == ["<device_code 1>"]
    clean = secrets.redact(f"error: {disguise} unknown").replace("=", "")
    assert clean == "error: <device_code 1> unknown"
    (tmp_path / "results.jsonl").write_text(f'{{"message": "{disguise}"}}\n'.replace("\\u", "\\\\u"))
    with pytest.raises(SuiteError):
        scan(tmp_path, secrets)


def test_short_values_have_no_disguise_that_chance_writes():
    assert all(len(shape) >= 12 for shape in disguises("1234") if shape)
    assert "4321" not in disguises("1234")
    assert len(disguises("1234")) == len(disguises(DRAWN)) == len(disguises("ü\ud800"))

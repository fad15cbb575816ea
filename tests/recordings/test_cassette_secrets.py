"""Secrets in cassettes: replaced in every form, and nothing of them is written."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import msgspec
import pytest
from support.cassettes import RFC, SECRET, judge, record

from device_grant.errors import SuiteError
from device_grant.protocol import Request, Response
from device_grant.recordings.formats.cassette import read, write
from device_grant.recordings.pseudonyms import Pseudonyms
from device_grant.recordings.record import finishing as finish
from device_grant.recordings.replay.player import Player
from device_grant.recordings.replay.target import ReplayTarget
from device_grant.recordings.tape import SHARED, Tape, TapedExchange
from device_grant.reference.embedded import embedded


def test_pseudonyms_keep_the_form():
    codes = ["BCDF-GHJK", "LMNP-QRST", "BCDF-GHJL"]
    result = Pseudonyms([("user_code", code) for code in codes], b"key")
    description = [result.of(code) for code in codes]
    assert len(set(description)) == 3
    assert set(description).isdisjoint(codes)
    assert all(one[4] == "-" and len(one) == 9 and set(one) - {"-"} <= set("".join(codes)) for one in description)
    assert result.text(f"type {codes[0].lower()} or {codes[0].replace('-', '')}") == (
        f"type {description[0].lower()} or {description[0].replace('-', '')}"
    )
    assert result.text(codes[0]) == Pseudonyms([("user_code", code) for code in codes], b"key").text(codes[0])


def test_pseudonyms_of_tokens_can_still_be_read():
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    token = ".".join((part({"alg": "RS256"}), part({"client": SECRET, "jti": "a1b2c3d4", "exp": 5}), "c2lnbmVk"))
    result = Pseudonyms([("access_token", token), ("client_secret", SECRET)])
    header, payload, signature = result.of(token).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert header == token.split(".")[0]
    assert claims["exp"] == 5
    assert claims["client"] == result.of(SECRET) != SECRET
    assert claims["jti"] != "a1b2c3d4"
    assert signature != "c2lnbmVk"


def test_addresses_keep_all_but_the_secret():
    code = "BCDF-GHJK"
    complete = f"http://target.test/device?user_code={code}"
    bare = "http://target.test/device?t=Zk31abQ9"
    result = Pseudonyms(
        [("verification_uri_complete", complete), ("verification_uri_complete", bare), ("user_code", code)]
    )
    assert result.of(complete) == f"http://target.test/device?user_code={result.of(code)}"
    assert result.of(bare).startswith("http://target.test/device?t=")
    assert result.of(bare) != bare


def planted(text):
    raw = SECRET.encode()
    return {
        "plain": SECRET,
        "url": quote(f"{SECRET}/", safe="")[:-3],
        "base64": base64.b64encode(raw).decode(),
        "base64url": base64.urlsafe_b64encode(raw).decode().rstrip("="),
        "json": json.dumps({"inner": json.dumps({"deep": SECRET})}),
    }[text]


@pytest.mark.parametrize("form", ["plain", "url", "base64", "base64url", "json"])
def test_a_planted_secret_is_replaced_in_every_encoding_and_found_where_it_is_not(tmp_path, form):
    url = "http://target.test/token"
    got = Response(200, (("x-echo", planted(form)),), f"<p>{planted(form)}</p>".encode())
    manifest = replace_checks(RFC, ["planted"])

    def tapes():
        return {
            SHARED: Tape(SHARED),
            "planted": Tape("planted", entries=[TapedExchange(Request("GET", url), got, reason="OK")]),
        }

    entries = [("access_token", SECRET)]
    write(tmp_path / "open", manifest, tapes().values())
    with pytest.raises(SuiteError, match="access_token"):
        finish.search(tmp_path / "open", entries)
    kept = tapes()
    player = Player(kept, Pseudonyms(entries))
    with ReplayTarget(player, manifest, "draft") as target, target.clock, player.check("planted", target.clock):
        description = target.http().get(url)
    assert SECRET not in description.text
    write(tmp_path / "hidden", manifest, kept.values())
    finish.search(tmp_path / "hidden", entries)


def replace_checks(folder, checks):
    return msgspec.structs.replace(read(folder).manifest, checks=checks)


def test_what_was_cut_out_of_a_secret_is_one_unless_all_secrets_have_it():
    header, one, other = "eyJraWQiOiAicmVmZXJlbmNlIn0", "b2ZmZXJlZC1ieS1vbmU", "b2ZmZXJlZC1ieS1hbm90aGVy"
    secrets = [("client_secret", f"{header}.{one}"), ("client_secret", f"{header}.{other}")]
    cut = [("altered client_secret", header), ("altered client_secret", one)]
    assert finish.genuine([*secrets, *cut], []) == [*secrets, ("altered client_secret", one)]
    assert finish.genuine([*secrets, *cut], cut) == secrets


def test_nothing_secret_of_a_whole_login_is_written(tmp_path):
    names = ["user_decision::test_approval", "client_authentication::test_form_encoded_basic_credentials"]
    names += ["user_codes::test_code_in_the_other_case", "refresh::test_altered_refresh_token"]
    folder, live, entries = record(embedded("rfc8628"), names, tmp_path)
    kinds = {kind for kind, _ in entries}
    assert {"access_token", "refresh_token", "device_code", "user_code", "client_secret", "cookie"} <= kinds
    finish.search(folder, entries)
    text = "".join(file.read_text("utf-8") for file in folder.iterdir())
    assert not [
        kind for kind, value in entries if kind != "verification_uri_complete" and value.lower() in text.lower()
    ]
    assert {name: judge(folder, name)[0] for name in names} == live

"""Whose an access token is: the endpoint that target.toml or the metadata names is asked, and nobody else."""

import base64
import json
from types import SimpleNamespace

import pytest

from device_grant.judging import Untestable
from device_grant.protocol import Response
from device_grant.server.session.subject import subjects_of

USERINFO = "https://id.example/me"


def part(members):
    return base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()


def device(userinfo, *, trusted=True):
    asked = []

    def send(request, _label):
        asked.append(request)
        return SimpleNamespace(response=Response(200, (), b'{"sub": "ada"}'))

    run = SimpleNamespace(
        endpoints=SimpleNamespace(userinfo=userinfo), trust=SimpleNamespace(allows=lambda _url: trusted)
    )
    return SimpleNamespace(case=SimpleNamespace(run=run, send=send)), asked


def test_userinfo_tells():
    asker, asked = device(USERINFO)
    assert subjects_of(asker, {"access_token": "t"}) == {"userinfo": "ada"}
    (request,) = asked
    assert (request.url, dict(request.headers)["Authorization"]) == (USERINFO, "Bearer t")


def test_an_id_token_tells_without_it():
    asker, asked = device("")
    token = ".".join((part({"alg": "none"}), part({"sub": "ada"}), ""))
    assert subjects_of(asker, {"access_token": "t", "id_token": token}) == {"id_token": "ada"}
    assert asked == []


def test_a_token_goes_to_no_host_that_nobody_trusts():
    asker, asked = device(USERINFO, trusted=False)
    with pytest.raises(Untestable, match="nothing says whose a token is"):
        subjects_of(asker, {"access_token": "t"})
    assert asked == []

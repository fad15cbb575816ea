"""Methods of authentication that a server has, and the token that lets clients register."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest
from support.broken_servers import REGISTER, Answer, behind
from support.proof import catalogue
from support.serving import serving

from device_grant.protocol import RFC8628, Exchange, Outcome, Request, Response
from device_grant.reference.embedded import embedded
from device_grant.server.session.methods import METHOD, Methods
from device_grant.server.session.registering import refused
from device_grant.server.session.run import new_run
from device_grant.targets.config import RegistrationSection

LISTED = f"{METHOD}s_supported"
BASIC, POST = "client_secret_basic", "client_secret_post"


def answered(status, code):
    return Exchange(Request("POST", "/register"), Response(status), Outcome(status, code), 0, 0, 0)


@pytest.mark.parametrize(
    ("document", "usual", "instead"),
    [
        ({}, BASIC, {}),
        ({LISTED: "no array"}, BASIC, {}),
        ({LISTED: [BASIC, POST]}, BASIC, {}),
        ({LISTED: [7, POST, "none"]}, BASIC, {METHOD: POST}),
        ({LISTED: ["private_key_jwt"]}, BASIC, {}),
        ({LISTED: [POST]}, "none", {}),
        ({LISTED: [POST]}, None, {}),
    ],
)
def test_a_listed_method_is_taken_where_the_usual_one_is_not_listed(document, usual, instead):
    assert Methods(document).instead_of(usual) == instead


def test_a_client_gets_a_secret_where_public_ones_are_neither_listed_nor_registered():
    methods = Methods({LISTED: [POST]})
    assert not methods.refused(answered(429, "http-429"))
    assert methods.instead_of("none") == {}
    assert methods.refused(answered(400, "invalid_client_metadata"))
    assert methods.nobody_public
    assert methods.instead_of("none") == {METHOD: POST}


def test_a_server_that_lists_public_clients_is_not_asked_for_others():
    methods = Methods({LISTED: [POST, "none"]})
    assert not methods.refused(answered(400, "invalid_client_metadata"))
    assert methods.instead_of("none") == {}


def test_registrations_carry_the_initial_access_token_and_nothing_else_does():
    token = "initial-token-0123456789"
    with embedded(RFC8628) as target:
        target.config = msgspec.structs.replace(
            target.config, registration=RegistrationSection(initial_access_token=token)
        )
        run = new_run(target, RFC8628, catalogue())
        registered = run.exchange(run.registration_request(), 0)
        metadata = run.exchange(Request("GET", run.endpoints.metadata), 0)
        own = run.registration_request()
        other = run.exchange(replace(own, headers=(*own.headers, ("Authorization", "Bearer other"))), 0)
        run.close()
    assert registered.request.header("authorization") == f"Bearer {token}"
    assert metadata.request.header("authorization") is None
    assert other.request.header("authorization") == "Bearer other"
    assert token not in run.secrets.redact(f"Authorization: Bearer {token}")


def choosy(said):
    """Registers nobody who says anything of response_types, as some frameworks do."""

    def before(request):
        if request.path != REGISTER or b"response_types" not in request.body:
            return request
        return Answer(400, json.dumps({"error": "invalid_request", "error_description": said}).encode())

    return behind(before)


@pytest.mark.parametrize(
    ("said", "without", "registers"),
    [
        ("response_types cannot be empty", (), True),
        ("no", (), False),
        ("no", ("response_types",), True),
        ("bad grant_types", (), False),
    ],
)
def test_members_that_the_server_refuses_are_left_out(said, without, registers):
    with serving(choosy(said), registration=RegistrationSection(without=without)) as target:
        run = new_run(target, RFC8628, catalogue())
        assert (run.client() is not None) is registers
        assert run.exchange(run.registration_request(), 0).outcome.ok is registers
        run.close()


def test_the_refusal_says_what_the_server_says():
    with serving(choosy("response_types cannot be empty")) as target:
        run = new_run(target, RFC8628, catalogue())
        exchange = run.exchange(run.registration_request(), 0)
        said = str(refused(exchange))
        run.close()
    assert "400 invalid_request (response_types cannot be empty)" in said
    assert "[registration] without" in said

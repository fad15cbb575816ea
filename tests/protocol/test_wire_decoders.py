"""What clients that cannot run here are able to decode, and that the reference server sends just that.

The rules of Soto and aws-elixir are those of their decoders, written down again; boto3 is the thing itself. Each is
also shown an answer that it cannot read, lest it should read everything.
"""

from __future__ import annotations

import json

import pytest
from botocore.parsers import RestJSONParser
from support.reference import START, Server

from device_grant.protocol import AWS_SSO_OIDC, REFRESH_TOKEN_GRANT, Client, service_model

NAMES = frozenset(service_model.errors_by_name())


class UndecodableError(Exception):
    """The client cannot make of the answer what its type promises."""


def soto(operation, status, headers, content):
    """Soto: the name of a typed error, or the members of the answer.

    The body must be an object before the header is looked at; names are cut at a hash and not at a colon.
    """
    if "hal+json" in headers.get("content-type", ""):
        raise UndecodableError("read as HAL")
    try:
        body = json.loads(content) if content or status >= 300 else {}
    except ValueError as error:
        raise UndecodableError("no JSON") from error
    if not isinstance(body, dict):
        raise UndecodableError("no JSON object")
    if not 200 <= status < 300:
        name = str(body.get("code") or headers.get("x-amzn-errortype", "")).partition("#")[0]
        if name not in NAMES:
            raise UndecodableError(f"no typed error: {name!r}")
        return name
    collected = {}
    for member in service_model.operation(operation).output:
        value = body.get(member.name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, _swift_type(member.type))):
            raise UndecodableError(f"{member.name} has another type")
        collected[member.name] = value
    return collected


def _swift_type(kind):
    return int if kind in ("integer", "long") else str


def aws_elixir(_operation, status, _headers, content):
    """aws-elixir: success is status 200 alone; of an error it hands out the body, whose `error` applications read."""
    try:
        body = json.loads(content) if content else None
    except ValueError as error:
        raise UndecodableError("no JSON") from error
    if status == 200:
        return body
    if not isinstance(body, dict) or not isinstance(body.get("error"), str):
        raise UndecodableError("no error in the body")
    return service_model.errors_by_code()[body["error"]].name


def boto3(operation, status, headers, content):
    """botocore's own parser: the name of the error, or the members."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    shape = ServiceModel(Loader().load_service_model("sso-oidc", "service-2")).operation_model(operation).output_shape
    answer = {"status_code": status, "headers": headers, "body": content}
    parsed = RestJSONParser().parse(answer, shape)
    if status < 300:
        parsed.pop("ResponseMetadata")
        return parsed
    if parsed["Error"]["Code"] not in NAMES:
        raise UndecodableError(parsed["Error"]["Code"])
    return parsed["Error"]["Code"]


DECODERS = pytest.mark.parametrize("decode", [soto, aws_elixir, boto3], ids=lambda decode: decode.__name__)


@pytest.fixture
def server():
    return Server(AWS_SSO_OIDC)


def decoded(server, decode, operation):
    last = server.last
    return decode(operation, last.status_code, last.headers, last.content)


@DECODERS
def test_successes(server, decode):
    grant = server.start()
    started = decoded(server, decode, "StartDeviceAuthorization")
    assert (started["deviceCode"], started["userCode"]) == (grant.device_code, grant.user_code)
    assert (started["expiresIn"], started["interval"]) == (600, 1)
    server.register()
    registered = decoded(server, decode, "RegisterClient")
    assert registered["clientSecretExpiresAt"] > registered["clientIdIssuedAt"] == START
    assert registered["clientId"]
    assert registered["clientSecret"]
    grant.approve()
    assert grant.poll().ok
    token = decoded(server, decode, "CreateToken")
    assert (token["tokenType"], token["expiresIn"]) == ("Bearer", 28_800)
    assert token["accessToken"]
    assert token["refreshToken"]
    assert grant.refresh(token["refreshToken"]).ok
    assert decoded(server, decode, "CreateToken")["accessToken"] != token["accessToken"]


@DECODERS
def test_errors_of_the_flow(server, decode):
    waiting, denied, expired = server.start(), server.start(), server.start()
    denied.deny()
    names = []
    for grant, after in ((waiting, 6), (waiting, 0), (denied, 6)):
        grant.poll(after=after)
        names.append(decoded(server, decode, "CreateToken"))
    server.clock.now += 600
    expired.poll(after=0)
    names.append(decoded(server, decode, "CreateToken"))
    assert names == [
        "AuthorizationPendingException",
        "SlowDownException",
        "AccessDeniedException",
        "ExpiredTokenException",
    ]


@DECODERS
def test_errors_of_requests(server, decode):
    grant = server.start()
    stranger = Client("nobody", "nothing")
    cases = (
        (lambda: grant.server.token(grant.client, grant_type="password"), "UnsupportedGrantTypeException"),
        (lambda: grant.server.token(grant.client), "InvalidRequestException"),
        (lambda: grant.server.token(stranger, grant_type=REFRESH_TOKEN_GRANT), "InvalidClientException"),
        (
            lambda: grant.server.token(grant.client, grant_type=REFRESH_TOKEN_GRANT, refresh_token="RT"),
            "InvalidGrantException",
        ),
    )
    for ask, name in cases:
        ask()
        assert decoded(server, decode, "CreateToken") == name
    server.try_start(grant.client, start_url="no URL")
    assert decoded(server, decode, "StartDeviceAuthorization") == "InvalidRequestException"


@pytest.mark.parametrize(
    ("fault", "unreadable_for"),
    [
        ("error_type_with_uri", {"soto"}),
        ("error_type_missing", {"soto", "boto3"}),
        ("error_member_missing", {"aws_elixir"}),
        ("error_body_empty", {"soto", "aws_elixir"}),
    ],
)
def test_each_decoder_has_its_limits(fault, unreadable_for):
    server = Server(AWS_SSO_OIDC, (fault,))
    server.start().poll()
    for decode in (soto, aws_elixir, boto3):
        if decode.__name__ in unreadable_for:
            with pytest.raises(UndecodableError):
                decoded(server, decode, "CreateToken")
        else:
            assert decoded(server, decode, "CreateToken") == "AuthorizationPendingException"


@pytest.mark.parametrize(("fault", "operation"), [("numbers_as_strings", "StartDeviceAuthorization")])
def test_soto_takes_no_text_for_a_number(fault, operation):
    server = Server(AWS_SSO_OIDC, (fault,))
    server.start()
    with pytest.raises(UndecodableError, match="another type"):
        decoded(server, soto, operation)


def test_aws_elixir_knows_no_success_but_200():
    server = Server(AWS_SSO_OIDC, ("registration_status_wrong",))
    server.register()
    with pytest.raises(UndecodableError):
        decoded(server, aws_elixir, "RegisterClient")

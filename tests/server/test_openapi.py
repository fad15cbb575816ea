"""The OpenAPI documents, and how what schemathesis says with them becomes claims."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml
from click.testing import CliRunner
from hypothesis.errors import Flaky
from openapi_spec_validator import OpenAPIV31SpecValidator

from device_grant.catalogue import Verdict, load
from device_grant.cli.openapi import openapi
from device_grant.errors import UsageError
from device_grant.judging import check_of
from device_grant.protocol import (
    AWS_SSO_OIDC,
    RFC8628,
    Exchange,
    Operation,
    Purpose,
    Request,
    Response,
    dialect,
    service_model,
)
from device_grant.protocol.openapi import METADATA, operation_of
from device_grant.protocol.openapi import document as described
from device_grant.protocol.openapi import parts as openapi_parts
from device_grant.reference.embedded import embedded
from device_grant.server.checks.http import test_schemathesis as checks
from device_grant.server.generation.documented import Documented, request_violations
from device_grant.server.generation.generated import Generated, _load
from device_grant.server.generation.written import failures_of
from device_grant.server.session.case import ServerCase
from device_grant.server.session.run import new_run

DIALECTS = (RFC8628, AWS_SSO_OIDC)


def document(name, *arguments, **options):
    return described(dialect(name), *arguments, **options)


def schema(result, name):
    return result["components"]["schemas"][name]


def requirements_of(value):
    if isinstance(value, list):
        return set().union(*map(requirements_of, value)) if value else set()
    if not isinstance(value, dict):
        return set()
    own = set(value.get("x-requirements", {}).values()) - {""}
    return own.union(*(requirements_of(entry) for name, entry in value.items() if name != "x-requirements"))


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("endpoints", [None, {Operation.TOKEN: "https://tokens.example/t", METADATA: "/m"}])
def test_documents_are_valid(name, endpoints):
    result = document(name, endpoints, "https://id.example.com/realm")
    assert list(OpenAPIV31SpecValidator(result).iter_errors()) == []
    _load(result).validate()
    assert yaml.safe_load(yaml.safe_dump(result)) == result


def test_requirements_are_those_that_the_checks_name():
    named = set().union(*(requirements_of(document(name)) for name in DIALECTS))
    assert named | {"rfc9110-15.6-no-5xx-on-client-error"} == set(checks.DOCUMENTED)
    load().check_references({"documents": tuple(named)})


def test_requirements_exist_in_the_dialect_that_names_them():
    catalogue = load()
    for name in DIALECTS:
        assert [entry for entry in requirements_of(document(name)) if name not in catalogue.get(entry).dialects] == []


def test_aws_document_follows_the_service_model(monkeypatch):
    result = document(AWS_SSO_OIDC)
    assert set(result["paths"]) == {"/client/register", "/device_authorization", "/token"}
    assert schema(result, "CreateTokenRequest")["required"] == ["clientId", "clientSecret", "grantType"]
    assert schema(result, "CreateTokenResponse")["properties"]["refreshToken"]["type"] == ["string", "null"]
    assert schema(result, "CreateTokenResponse")["properties"]["expiresIn"]["type"] == "integer"
    assert schema(result, "RegisterClientRequest")["properties"]["scopes"]["type"] == ["array", "null"]
    assert schema(result, "Error401")["properties"]["error"]["enum"] == ["invalid_client"]
    assert "authorization_pending" in schema(result, "Error400")["properties"]["error"]["enum"]
    token = operation_of(result, Operation.TOKEN)
    assert {"200", "400", "401", "500"} <= set(token["responses"])
    assert "401" not in operation_of(result, Operation.REGISTRATION)["responses"]
    assert token["responses"]["400"]["headers"]["x-amzn-ErrorType"]["required"]

    model = service_model.operation("CreateToken")
    session = service_model.Member("session", "long", required=False, sensitive=False)
    grown = replace(model, output=(*model.output, session))
    known = service_model.operation
    monkeypatch.setattr(service_model, "operation", lambda name: grown if name == "CreateToken" else known(name))
    assert schema(document(AWS_SSO_OIDC), "CreateTokenResponse")["properties"]["session"]["type"] == ["integer", "null"]


@pytest.mark.parametrize("name", DIALECTS)
def test_links_lead_from_registration_to_refresh(name):
    result = document(name)

    def targets(operation):
        answers = operation_of(result, operation)["responses"].values()
        return {link["operationId"] for answer in answers for link in answer.get("links", {}).values()}

    assert targets(Operation.REGISTRATION) == {Operation.DEVICE_AUTHORIZATION}
    assert targets(Operation.DEVICE_AUTHORIZATION) == {Operation.TOKEN}
    assert targets(Operation.TOKEN) == {Operation.TOKEN}


def test_endpoints_of_a_target():
    urls = {
        Operation.DEVICE_AUTHORIZATION: "https://id.example.com/realm/device",
        Operation.TOKEN: "https://tokens.example.com/oauth/token",
        METADATA: "",
    }
    result = document(RFC8628, urls, "https://id.example.com/realm/")
    assert result["servers"] == [{"url": "https://id.example.com/realm"}]
    assert set(result["paths"]) == {"/device", "/oauth/token"}
    assert result["paths"]["/oauth/token"]["post"]["servers"] == [{"url": "https://tokens.example.com"}]
    assert operation_of(result, Operation.REGISTRATION) is None
    without_token = document(RFC8628, {Operation.DEVICE_AUTHORIZATION: "/device"})
    assert "links" not in operation_of(without_token, Operation.DEVICE_AUTHORIZATION)["responses"]["200"]


def test_a_document_belongs_to_its_caller():
    changed = document(RFC8628)
    schema(changed, "TokenResponse")["properties"]["access_token"]["type"] = "integer"
    assert schema(document(RFC8628), "TokenResponse")["properties"]["access_token"]["type"] == "string"
    assert schema(changed, "TokenResponse")["properties"]["token_type"]["type"] == "string"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rfc9999",), "aws-sso-oidc"),
        ((RFC8628, None, "id.example.com"), "'id.example.com' must be an absolute"),
        ((RFC8628, {Operation.TOKEN: "ftp://id.example.com/token"}), "ftp://id.example.com/token"),
        ((RFC8628, {Operation.TOKEN: "https://id.example.com/token?a=b"}), "without query"),
    ],
)
def test_bad_input_says_what_is_wrong(arguments, said):
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        document(*arguments)


def test_references_are_followed():
    result = document(RFC8628)
    token = operation_of(result, Operation.TOKEN)
    assert "oneOf" in openapi_parts.schema_of(result, token["requestBody"])
    assert openapi_parts.schema_of(result, token["responses"]["429"]) is None


def test_command_prints_json_and_yaml(tmp_path):
    runner = CliRunner()
    printed = runner.invoke(openapi, ["--dialect", AWS_SSO_OIDC, "--base", "http://127.0.0.1:9"])
    assert json.loads(printed.stdout) == document(AWS_SSO_OIDC, base="http://127.0.0.1:9")
    out = tmp_path / "openapi.yaml"
    written = runner.invoke(openapi, ["--format", "yaml", "--out", str(out)])
    assert written.exit_code == 0
    assert written.stdout == ""
    assert "*id" not in out.read_text()
    assert yaml.safe_load(out.read_text()) == document(RFC8628)
    refused = runner.invoke(openapi, ["--out", str(tmp_path / "none" / "x.json")])
    assert isinstance(refused.exception, UsageError)
    assert "cannot be written" in str(refused.exception)


def said(name, operation, status, body, *, headers=(), sent=None):  # noqa: PLR0913 - one exchange has that many parts
    """What schemathesis's failures come to for one response: requirement and whether it is tolerated."""
    result = document(name)
    speaks = dialect(name)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    standard = (("content-type", "application/json"), ("cache-control", "no-store"), ("x-amzn-requestid", "1"))
    names = {key.lower() for key, _ in headers}
    all_headers = tuple(header for header in standard if header[0] not in names) + tuple(headers)
    response = Response(status, all_headers, content)
    sending = Operation(operation) if operation != METADATA else Operation.OTHER
    request = Request("POST", "http://x.test/", (), json.dumps(sent or {}).encode(), sending)
    exchange = Exchange(request, response, speaks.decode(sending, response), 0, 0)
    documented = Documented(result, speaks, operation, exchange)

    import requests
    import schemathesis

    described = operation_of(result, operation)
    path = next(path for path, item in result["paths"].items() if described in item.values())
    method = "GET" if operation == METADATA else "POST"
    case = _load(result)[path][method].Case(body={}, media_type="application/json")
    answer = schemathesis.Response(
        status_code=status,
        headers={key: [value] for key, value in all_headers},
        content=content,
        request=requests.Request(method, "http://x.test/").prepare(),
        elapsed=0.0,
        verify=False,
        encoding="utf-8",
    )
    failures = failures_of(case, answer)
    broken = {
        (judgement.requirement, judgement.tolerated)
        for failure in failures
        for judgement in documented.judgements(failure)
        if judgement.requirement
    }
    assert {requirement for requirement, _ in broken} <= documented.examined() | set(checks.DOCUMENTED)
    return broken


CODES = {"device_code": "d", "user_code": "u", "verification_uri": "https://id.example.com/d", "expires_in": 600}
TOKENS = {"access_token": "a", "token_type": "Bearer", "expires_in": 60}


@pytest.mark.parametrize(
    ("operation", "status", "body", "broken"),
    [
        (Operation.DEVICE_AUTHORIZATION, 200, CODES, set()),
        (Operation.DEVICE_AUTHORIZATION, 200, CODES | {"expires_in": 600.0, "interval": 0, "more": 1}, set()),
        (Operation.DEVICE_AUTHORIZATION, 201, CODES, {("rfc8628-3.2-status-200", False)}),
        (
            Operation.DEVICE_AUTHORIZATION,
            200,
            {name: value for name, value in CODES.items() if name != "user_code"},
            {("rfc8628-3.2-user-code-present", False)},
        ),
        (
            Operation.DEVICE_AUTHORIZATION,
            200,
            CODES | {"device_code": None},
            {("rfc8628-3.2-device-code-present", False)},
        ),
        (Operation.DEVICE_AUTHORIZATION, 200, CODES | {"interval": "5"}, {("rfc8628-3.2-interval-type", False)}),
        (Operation.DEVICE_AUTHORIZATION, 500, b"", {("rfc9110-15.6-no-5xx-on-client-error", False)}),
        (Operation.DEVICE_AUTHORIZATION, 503, b"soon", set()),
        (Operation.DEVICE_AUTHORIZATION, 429, b"slower", set()),
        (Operation.TOKEN, 200, TOKENS | {"refresh_token": None}, {("rfc6749-5.1-json-types", True)}),
        (Operation.TOKEN, 400, [], {("rfc6749-5.2-error-json", False)}),
        (Operation.TOKEN, 400, {"error": "invalid_dpop_proof"}, set()),
        (Operation.TOKEN, 401, {"error": "invalid_client"}, set()),
        (Operation.TOKEN, 401, {"error": "authorization_pending"}, {("rfc6749-5.2-status-400", False)}),
        (Operation.TOKEN, 401, {"error": "use_dpop_nonce"}, set()),
        (Operation.TOKEN, 418, b"", {("rfc6749-5.2-status-400", False)}),
        (Operation.TOKEN, 400, {"error": 'no "x"'}, {("rfc6749-5.2-error-charset", False)}),
        (Operation.REGISTRATION, 400, {"error": 'no "x"'}, set()),
        (Operation.REGISTRATION, 400, {"error": "größe"}, {("rfc7591-3.2.2-error-code", False)}),
        (METADATA, 200, {"issuer": "https://id.example.com"}, set()),
        (
            METADATA,
            200,
            {"issuer": "https://id.example.com", "authorization_endpoint": "https://id.example.com/authorize"},
            {("rfc8414-2-response-types-supported", True)},
        ),
        (METADATA, 200, {"response_types_supported": ["none"]}, set()),
        (Operation.REGISTRATION, 201, {"client_id": "c", "client_secret_expires_at": None}, set()),
        (
            Operation.REGISTRATION,
            201,
            {"client_id": "c", "client_secret": "s"},
            {("rfc7591-3.2.1-secret-expires-at", False)},
        ),
        (
            Operation.REGISTRATION,
            201,
            {"client_id": "c", "client_secret": "s", "client_secret_expires_at": None},
            {("rfc7591-3.2.1-secret-expires-at", False)},
        ),
    ],
)
def test_reports_on_the_rfc_dialect(operation, status, body, broken):
    assert said(RFC8628, operation, status, body) == broken


def test_media_types():
    headers = (("content-type", "text/html"),)
    assert said(RFC8628, Operation.TOKEN, 200, TOKENS, headers=headers) == {("rfc6749-5.1-json-media-type", False)}
    assert said(RFC8628, Operation.TOKEN, 429, b"x", headers=headers) == set()


def test_missing_headers():
    headers = (("cache-control", "no-store"),)
    assert said(RFC8628, Operation.TOKEN, 200, TOKENS, headers=headers) == set()
    cacheable = said(AWS_SSO_OIDC, Operation.TOKEN, 400, {"error": "slow_down", "error_description": ""})
    assert cacheable == {("smithy-restjson1-error-header", False)}


@pytest.mark.parametrize(
    ("status", "body", "error_type", "broken"),
    [
        (400, {"error": "slow_down", "error_description": "x", "reason": None}, "SlowDownException:http://x", set()),
        (400, {"error": "slow_down", "error_description": "x", "__type": "SlowDownException"}, "", set()),
        (400, {"message": None}, "SerializationException", set()),
        (400, {"error": "slow_down"}, "SlowDownException", set()),
        (400, {"error_description": "x"}, "SlowDownException", {("aws-error-body-members", False)}),
        (
            400,
            {"error": "invalid_client", "error_description": "x"},
            "InvalidClientException",
            {("aws-error-status-table", False)},
        ),
        (400, {"error": "odd", "error_description": "x"}, "SlowDownException", set()),
        (422, {"message": "x"}, "SerializationException", {("smithy-restjson1-error-status-default", False)}),
        (200, {"accessToken": "a", "tokenType": "Bearer", "expiresIn": 1, "idToken": None, "odd": 1}, "", set()),
        (
            200,
            {"accessToken": "a", "tokenType": "Bearer", "expiresIn": "1"},
            "",
            {("aws-numbers-not-strings", False)},
        ),
        (200, {"access_token": "a", "tokenType": "Bearer", "expiresIn": 1}, "", {("aws-token-success", False)}),
    ],
)
def test_reports_on_the_aws_dialect(status, body, error_type, broken):
    headers = (("x-amzn-errortype", error_type),) if error_type else ()
    assert said(AWS_SSO_OIDC, Operation.TOKEN, status, body, headers=headers) == broken


def test_a_registration_may_repeat_what_it_was_sent():
    answer = {"client_id": "c", "client_secret": "s", "client_secret_expires_at": "never"}
    rule = {("rfc7591-3.2.1-secret-expires-at", False)}
    assert said(RFC8628, Operation.REGISTRATION, 201, answer) == rule
    echoed = {"client_secret_expires_at": "never"}
    assert said(RFC8628, Operation.REGISTRATION, 201, answer, sent=echoed) == set()


@pytest.mark.parametrize(
    ("name", "operation", "body", "wrong"),
    [
        (RFC8628, Operation.DEVICE_AUTHORIZATION, {"client_id": "c"}, []),
        (RFC8628, Operation.DEVICE_AUTHORIZATION, {"client_id": 5, "scope": ["a"]}, []),
        (RFC8628, Operation.DEVICE_AUTHORIZATION, {"client_id": ""}, ["client_id absent"]),
        (RFC8628, Operation.REGISTRATION, {"client_name": 5, "grant_types": ["a", 1]}, ["client_name", "grant_types"]),
        (RFC8628, Operation.TOKEN, {"grant_type": "refresh_token"}, ["refresh_token absent", "client_id absent"]),
        (RFC8628, METADATA, {}, []),
        (AWS_SSO_OIDC, Operation.REGISTRATION, {"clientName": "n", "clientType": "public", "scopes": None}, []),
        (
            AWS_SSO_OIDC,
            Operation.REGISTRATION,
            {"clientName": None, "clientType": "x"},
            ["clientName absent", "clientType"],
        ),
        (AWS_SSO_OIDC, Operation.REGISTRATION, {"clientName": True, "clientType": "public"}, ["clientName"]),
        (AWS_SSO_OIDC, Operation.TOKEN, b"\xff", []),
    ],
)
def test_what_is_wrong_with_a_request(name, operation, body, wrong):
    result = request_violations(document(name), operation, body)
    assert [f"{entry.member}{' absent' * entry.absent}" for entry in result] == wrong


def generated_for(target, name):
    case = ServerCase(new_run(target, name, load()), check_of(checks.test_documented_requests))
    return case, Generated(case)


def token_case(generated, body):
    return generated.schema["/token"]["POST"].Case(body=body, media_type="application/x-www-form-urlencoded")


def test_genuine_values_spare_what_is_wrong_on_purpose():
    with embedded(AWS_SSO_OIDC, []) as target, target.clock:
        _, generated = generated_for(target, AWS_SSO_OIDC)
        start = generated.schema["/device_authorization"]["POST"]
        example = start.Case(body={"clientId": "x", "startUrl": 5, "other": 1}, media_type="application/json")
        generated.fill(example, credentials=True)
        assert example.body["startUrl"] == 5
        assert example.body["other"] == 1
        assert example.body["clientId"] != "x"
        assert "clientSecret" not in example.body
        linked = start.Case(body={"clientId": "x", "clientSecret": "y", "startUrl": ""}, media_type="application/json")
        generated.fill(linked, credentials=False)
        assert linked.body == {"clientId": "x", "clientSecret": "y", "startUrl": "https://example.awsapps.com/start"}


def test_generated_requests_are_recorded_and_redacted():
    with embedded(RFC8628, []) as target, target.clock:
        case, generated = generated_for(target, RFC8628)
        example = token_case(
            generated,
            {
                "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
                "device_code": "d",
                "client_id": "c",
                "client_secret": "s",
            },
        )
        generated.try_out(example, genuine=True)
        exchange = case.transcript.exchanges[-1]
        assert exchange.code == "authorization_pending"
        assert (exchange.label, exchange.purpose) == ("schemathesis token", Purpose.GENERATED)
        assert b"client_secret" not in exchange.request.content
        assert "<device_code 1>" in case.run.secrets.redact(exchange.request.content.decode())
        assert case.ledger.tallies["rfc6749-5.2-status-400"].verdict is Verdict.PASS


def test_what_hypothesis_cannot_repeat_stands_as_it_was_seen():
    with embedded(RFC8628, ["error_member_missing"]) as target, target.clock:
        case, generated = generated_for(target, RFC8628)
        with generated.exploring(), case.raising():
            try:
                generated.try_out(token_case(generated, {"grant_type": "x"}), genuine=False)
            except Exception as seen:
                raise Flaky("answered differently") from seen
        assert case.ledger.tallies["rfc6749-5.2-error-member"].verdict is Verdict.FAIL


def test_without_a_client_the_credentials_are_made_up():
    with embedded(RFC8628, ["client_id_missing"]) as target, target.clock:
        target.config = replace_clients(target.config)
        case, generated = generated_for(target, RFC8628)
        register = generated.schema["/register"]["POST"].Case(body={}, media_type="application/json")
        generated.try_out(register, genuine=True)
        generated.try_out(token_case(generated, {"grant_type": "x"}), genuine=True)
        assert case.ledger.tallies["rfc7591-3.2.1-client-id"].verdict is Verdict.FAIL


def replace_clients(config):
    import msgspec

    return msgspec.structs.replace(config, clients=())

"""Where the operations are: configured, advertised, or those of the service model."""

import json
import socket
from types import SimpleNamespace

import httpx
import pytest

from device_grant.errors import TargetUnreachableError, UsageError
from device_grant.protocol import AWS_SSO_OIDC, Operation, dialect
from device_grant.targets import discover
from device_grant.targets.adapter import Adapter
from device_grant.targets.config import EndpointsSection, TargetConfig
from device_grant.targets.transports.limits import TooLarge

OAUTH = "/.well-known/oauth-authorization-server"
OIDC = "/.well-known/openid-configuration"


def document(base="http://target.test", **extra):
    return {
        "issuer": base,
        "token_endpoint": f"{base}/t",
        "device_authorization_endpoint": f"{base}/d",
        "registration_endpoint": f"{base}/r",
        "authorization_endpoint": f"{base}/a",
        **extra,
    }


def listens(host, port):
    return Adapter.listens(None, host, port)


def discovered(documents, *, base="http://target.test", in_process=True, dialect=None, claims=None, **endpoints):
    config = TargetConfig(name="t", endpoints=EndpointsSection(**endpoints), claims=claims or {})
    target = SimpleNamespace(config=config, base=base, in_process=in_process, spec="t", listens=listens)

    def answer(request):
        body = documents.get(request.url.path)
        if body is None:
            return httpx.Response(404)
        if isinstance(body, Exception):
            raise body
        return httpx.Response(200, content=body if isinstance(body, bytes) else json.dumps(body).encode())

    with httpx.Client(transport=httpx.MockTransport(answer), base_url=base) as http:
        return discover(target, http, dialect)


def test_metadata_of_rfc_8414_comes_first():
    result = discovered({OAUTH: document(), OIDC: document("http://other.test")})
    assert result.device_authorization == "http://target.test/d"
    assert result.token == result.url(Operation.TOKEN) == "http://target.test/t"
    assert result.registration == result.url(Operation.REGISTRATION) == "http://target.test/r"
    assert result.authorization == "http://target.test/a"
    assert result.metadata == f"http://target.test{OAUTH}"
    assert result.document == document()
    assert [(request.url, response.status) for request, response in result.exchanges] == [(result.metadata, 200)]
    assert result.url(Operation.OTHER) == ""


def test_openid_discovery_is_asked_next():
    result = discovered({OIDC: document()})
    assert result.metadata == f"http://target.test{OIDC}"
    assert [response.status for _, response in result.exchanges] == [404, 200]


def test_a_later_document_fills_the_gaps_of_the_first():
    first = document()
    del first["device_authorization_endpoint"]
    result = discovered({OAUTH: first, OIDC: document(token_endpoint="http://target.test/other")})
    assert result.device_authorization == "http://target.test/d"
    assert result.token == "http://target.test/t"
    assert result.metadata.endswith(OIDC)


def test_an_issuer_with_a_path_has_it_inserted_or_appended():
    base = "http://target.test/tenant"
    assert discovered({f"{OAUTH}/tenant": document()}, base=base).metadata == f"http://target.test{OAUTH}/tenant"
    assert discovered({f"/tenant{OIDC}": document()}, base=base).metadata == f"{base}{OIDC}"


def test_configured_paths_win():
    result = discovered({"/x/meta": document()}, base="http://target.test/x", token="/mine", metadata="/meta")
    assert result.metadata == result.exchanges[0][0].url == "http://target.test/x/meta"
    assert result.token == "http://target.test/x/mine"
    result = discovered(
        {"/meta": document()}, metadata="http://target.test/meta", token="/mine", verification="/device"
    )
    assert result.token == "http://target.test/mine"
    assert result.device_authorization == "http://target.test/d"
    assert result.verification == "http://target.test/device"


def test_a_target_without_metadata_needs_its_paths():
    result = discovered({}, token="/t", device_authorization="/d")
    assert (result.token, result.metadata, result.document) == ("http://target.test/t", "", {})
    assert len(result.exchanges) == 2
    assert discovered({}, token="/t", device_authorization="/d", claims={"metadata": False}).exchanges == ()


@pytest.mark.parametrize(
    ("documents", "claims", "parts"),
    [
        ({}, {}, ["there is no metadata", "(404)", 'device_authorization = "/path", token = "/path"']),
        ({OAUTH: {"token_endpoint": "http://x/t"}}, {}, ["names no device_authorization_endpoint", "[endpoints]"]),
        ({OAUTH: document(token_endpoint=7)}, {}, ["names no token_endpoint", 'write token = "/path"']),
        ({OAUTH: b"<html>", OIDC: b"[]"}, {}, ["there is no metadata", "(200)"]),
        ({OAUTH: document()}, {"metadata": False}, ["claims.metadata is false"]),
    ],
)
def test_what_is_missing_is_named_with_the_keys_to_write(documents, claims, parts):
    with pytest.raises(UsageError) as caught:
        discovered(documents, claims=claims)
    assert not [part for part in parts if part not in str(caught.value)], str(caught.value)


def test_a_target_that_does_not_answer_is_unreachable():
    with pytest.raises(TargetUnreachableError, match="connection refused"):
        discovered({OAUTH: httpx.ConnectError("connection refused")})


def test_the_aws_dialect_asks_nothing():
    result = discovered({}, dialect=dialect(AWS_SSO_OIDC), base="http://target.test/prefix", token="/mine")
    assert result.registration == "http://target.test/prefix/client/register"
    assert result.device_authorization == "http://target.test/prefix/device_authorization"
    assert result.token == "http://target.test/prefix/mine"
    assert result.exchanges == ()


def test_advertised_addresses_are_used_unless_nothing_listens_there():
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_server(("127.0.0.1", 0)) as closing:
        here, gone = (f"http://127.0.0.1:{place.getsockname()[1]}" for place in (listening, closing))
        closing.close()
        advertised = document(here, token_endpoint=f"{gone}/t?x=1")
        result = discovered({OAUTH: advertised}, base="http://127.0.0.1:1", in_process=False)
        assert result.device_authorization == f"{here}/d"
        assert result.token == "http://127.0.0.1:1/t?x=1"
        assert len(result.moved) == 1
        assert f"{gone}/t" in result.moved[0]
        # What target.toml says, and what is far away or in process, is taken at its word.
        assert discovered({}, in_process=False, token=f"{gone}/t", device_authorization="/d").token == f"{gone}/t"
        assert discovered({OAUTH: document(gone)}, base="https://idp.test", in_process=False).token == f"{gone}/t"
        assert discovered({OAUTH: document(gone)}).token == f"{gone}/t"


LARGE = TooLarge("the content of an answer 200 goes on after 1048576 octets, which is all that is read")


def test_metadata_that_are_too_large_are_said_to_be_so():
    with pytest.raises(UsageError) as error:
        discovered({OAUTH: LARGE, OIDC: LARGE})
    said = str(error.value)
    assert f"its metadata was not read (http://target.test{OAUTH}: the content of an answer 200 goes on after" in said
    assert "device_authorization" in said
    assert "does not answer" not in said


def test_metadata_that_are_too_large_are_no_metadata():
    result = discovered({OAUTH: LARGE, OIDC: document()})
    assert (result.token, result.metadata) == ("http://target.test/t", f"http://target.test{OIDC}")
    known = discovered({OAUTH: LARGE, OIDC: LARGE}, device_authorization="/d", token="/t")
    assert (known.token, known.metadata, dict(known.document)) == ("http://target.test/t", "", {})


def test_what_target_toml_says_of_userinfo_comes_before_the_metadata():
    published = {OAUTH: document() | {"userinfo_endpoint": "http://target.test/u"}}
    assert discovered(published).userinfo == "http://target.test/u"
    assert discovered(published, userinfo="/me").userinfo == "http://target.test/me"
    assert discovered({OAUTH: document()}).userinfo == ""

"""Secrets of target.toml go to the hosts that it names, wherever metadata may lead."""

import json
from types import SimpleNamespace

import httpx
import pytest

from device_grant.catalogue import load
from device_grant.errors import UsageError
from device_grant.judging import Untestable
from device_grant.protocol import RFC8628, Operation, Request
from device_grant.reference.embedded import embedded
from device_grant.server.session.run import new_run
from device_grant.targets import discover
from device_grant.targets.config import (
    EndpointsSection,
    KnownClient,
    Located,
    RegistrationSection,
    RequestDefaults,
    TargetConfig,
)
from device_grant.targets.supplied import Supplied
from device_grant.targets.trust import Trust
from device_grant.targets.validate import contradictions

SECRET = (KnownClient(id="tv", secret="hush", authentication="client_secret_basic"),)
REMOTE = "https://id.example.com"


def target_of(base, *, in_process=False, clients=SECRET, listens=True, sections=None, **endpoints):
    config = TargetConfig(
        name="t", endpoints=EndpointsSection(base=base, **endpoints), clients=clients, **(sections or {})
    )
    return SimpleNamespace(
        config=config, base=base, in_process=in_process, spec="t", listens=lambda _host, _port: listens
    )


def endpoints_of(target, **advertised):
    base = target.base
    document = {"issuer": base, "token_endpoint": f"{base}/t", "device_authorization_endpoint": f"{base}/d"}

    def answer(_request):
        return httpx.Response(200, content=json.dumps(document | advertised).encode())

    with httpx.Client(transport=httpx.MockTransport(answer), base_url=base) as http:
        return discover(target, http)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        (REMOTE, "https://id.example.com:8443/t"),
        (REMOTE, "https://ID.example.com./t"),
        ("https://büro.example", "https://xn--bro-hoa.example/t"),
        ("http://id.example.com", "https://id.example.com/t"),
        ("http://id.example.com", "http://id.example.com:8080/t"),
        # All names of this machine, and other ports: how most servers that people start themselves describe themselves.
        ("http://127.0.0.1:8000", "http://localhost:9000/t"),
        ("http://localhost:8000", "http://[::1]:8000/t"),
        ("https://localhost:8000", "http://127.0.0.1/t"),
        # A proxy of a test rig that ends TLS.
        ("https://keycloak.internal", "http://keycloak.internal/t"),
        ("https://10.0.0.5", "http://10.0.0.5:8080/t"),
    ],
)
def test_the_same_host_is_asked_without_a_word(base, url):
    assert endpoints_of(target_of(base), token_endpoint=url).token == url


@pytest.mark.parametrize(
    "url",
    [
        "https://collector.example/t",
        "https://id.example.com.collector.example/t",
        "https://id.example.com@collector.example/t",
        "https://id.example.com:pw@collector.example/t",
        "http://id.example.com/t",
        "HTTP://id.example.com/t",
        "http://127.0.0.1/t",
    ],
)
@pytest.mark.parametrize("member", ["token_endpoint", "device_authorization_endpoint"])
def test_another_host_stops_the_run_with_one_line(url, member):
    with pytest.raises(UsageError, match=r"the secret of the client tv.*trust = \[") as stopped:
        endpoints_of(target_of(REMOTE), **{member: url})
    line = str(stopped.value)
    assert line.count("\n") == 0
    assert url in line
    assert member in line
    assert "hush" not in line


@pytest.mark.parametrize("url", ["https://collector.example/t", "http://id.example.com/t", "https://192.0.2.7:444/t"])
def test_a_host_that_target_toml_names_is_asked(url):
    named = ("collector.example", "id.example.com", "192.0.2.7")
    assert endpoints_of(target_of(REMOTE, trust=named), token_endpoint=url).token == url


def test_addresses_of_target_toml_are_the_word_of_its_author():
    target = target_of(REMOTE, token="https://api.example.net/t")
    result = endpoints_of(target, token_endpoint="https://collector.example/t")
    assert result.token == "https://api.example.net/t"
    # And what metadata has at the same host is no stranger.
    target = target_of(REMOTE, token="https://api.example.net/t")
    result = endpoints_of(target, device_authorization_endpoint="https://api.example.net/d")
    assert result.device_authorization == "https://api.example.net/d"


@pytest.mark.parametrize(
    "sections",
    [
        {"registration": RegistrationSection(initial_access_token="hush")},
        {"request": RequestDefaults(registration={"software_statement": "hush"})},
    ],
)
def test_whatever_is_secret_counts(sections):
    target = target_of(REMOTE, clients=(), sections=sections)
    with pytest.raises(UsageError, match=r"initial access token|software_statement"):
        endpoints_of(target, registration_endpoint="https://collector.example/r")


def test_only_endpoints_that_would_get_a_secret_are_asked_about():
    target = target_of(REMOTE)
    other = "https://api.example.net/r"
    assert endpoints_of(target, registration_endpoint=other).registration == other
    target = target_of(REMOTE, clients=(), sections={"registration": RegistrationSection(initial_access_token="hush")})
    assert endpoints_of(target, token_endpoint=other).token == other


def test_without_a_secret_nothing_is_asked():
    target = target_of(REMOTE, clients=(KnownClient(id="tv"),))
    assert endpoints_of(target, token_endpoint="https://api.example.net/t").token == "https://api.example.net/t"


def test_nothing_leaves_a_process():
    target = target_of("http://target.test", in_process=True)
    assert endpoints_of(target, token_endpoint="https://api.example.net/t").token == "https://api.example.net/t"


def test_a_name_that_only_a_container_can_reach_is_no_stranger():
    target = target_of("http://127.0.0.1:8080", listens=False)
    result = endpoints_of(target, token_endpoint="http://keycloak:8080/t")
    assert result.token == "http://127.0.0.1:8080/t"
    assert result.moved
    with pytest.raises(UsageError, match="keycloak"):
        endpoints_of(target_of("http://127.0.0.1:8080"), token_endpoint="http://keycloak:8080/t")


@pytest.mark.parametrize(
    "url", ["https://collector.example\\@id.example.com/t", "https://id.example.com\\.x.test/", "x"]
)
def test_an_address_that_readers_read_differently_is_trusted_by_none(url):
    assert not Trust.of(target_of(REMOTE)).allows(url)


@pytest.mark.parametrize("host", ["https://x.test", "x.test:8", "x.test/", "", "a b", "a@b"])
def test_a_host_is_named_alone(tmp_path, host):
    config = TargetConfig(name="t", endpoints=EndpointsSection(base=REMOTE, trust=(host,)))
    problems = list(contradictions(Located(config=config, folder=tmp_path, spec="t")))
    assert problems == [f"endpoints.trust: {host!r} is not the name of a host: write it alone, as login.example.com"]


def test_the_command_line_names_hosts_too(tmp_path):
    config = TargetConfig(name="t", endpoints=EndpointsSection(base=REMOTE, trust=("a.test",)))
    located = Located(config=config, folder=tmp_path, spec="t")
    assert Supplied(trust="b.test,[::2]").applied(located).config.endpoints.trust == ("a.test", "b.test", "[::2]")
    with pytest.raises(UsageError, match=r"endpoints\.trust"):
        Supplied(trust="https://b.test").applied(located)


def test_a_request_with_credentials_goes_to_no_stranger():
    with embedded(RFC8628) as target:
        run = new_run(target, RFC8628, load())
        run.trust = Trust.of(target_of(REMOTE))
        sent = run.exchanges
        bearer = Request("GET", "https://collector.example/userinfo", (("Authorization", "Bearer x"),))
        operation = Request("POST", "https://collector.example/t", operation=Operation.TOKEN)
        for request in (bearer, operation):
            with pytest.raises(Untestable, match="trust"):
                run.exchange(request, 0.0)
        assert run.exchanges == sent
        run.close()

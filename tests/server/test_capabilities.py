"""What a target announces, it claims; what target.toml says comes first; what neither says is not applicable."""

from dataclasses import dataclass, field

import pytest

from device_grant.judging import NotApplicable, Untestable
from device_grant.server.session.capabilities import CAPABILITIES, require
from device_grant.targets.discovery import Endpoints

ANNOUNCED = {
    "revocation": {"revocation": "https://id.example/revoke"},
    "introspection": {"introspection": "https://id.example/introspect"},
    "userinfo": {"userinfo": "https://id.example/userinfo"},
    "openid": {"document": {"scopes_supported": ["openid"]}},
    "dpop": {"document": {"dpop_signing_alg_values_supported": ["ES256"]}},
    "dpop_device_code": None,
    "mtls": {"document": {"tls_client_certificate_bound_access_tokens": True}},
    "resource": None,
    "device_pkce": None,
}


@dataclass
class Trusting:
    hosts: bool = True

    def allows(self, _url):
        return self.hosts


@dataclass
class Asked:
    endpoints: Endpoints
    said: dict = field(default_factory=dict)
    trust: Trusting = field(default_factory=Trusting)

    def claims(self, name):
        return self.said.get(name)


def endpoints(**members):
    return Endpoints("https://id.example/d", "https://id.example/t", **members)


def test_each_is_tried_here():
    assert ANNOUNCED.keys() == CAPABILITIES.keys()


@pytest.mark.parametrize("name", CAPABILITIES)
def test_what_nobody_announces_is_not_applicable(name):
    with pytest.raises(NotApplicable) as caught:
        require(Asked(endpoints()), name)
    assert str(caught.value) == CAPABILITIES[name].lacking


@pytest.mark.parametrize("name", [name for name, members in ANNOUNCED.items() if members])
def test_what_is_announced_is_required_of_nobody_else(name):
    require(Asked(endpoints(**ANNOUNCED[name])), name)
    with pytest.raises(NotApplicable, match="does not claim"):
        require(Asked(endpoints(**ANNOUNCED[name]), {name: False}), name)


@pytest.mark.parametrize(
    "document",
    [
        {"scopes_supported": "openid"},
        {"scopes_supported": ["profile"], "id_token_signing_alg_values_supported": []},
        {"tls_client_certificate_bound_access_tokens": "true", "mtls_endpoint_aliases": []},
        {"token_endpoint_auth_methods_supported": {"tls_client_auth": 1}},
    ],
)
@pytest.mark.parametrize("name", ["openid", "mtls"])
def test_malformed_metadata_announces_nothing(name, document):
    with pytest.raises(NotApplicable):
        require(Asked(endpoints(document=document)), name)


@pytest.mark.parametrize("name", [name for name, one in CAPABILITIES.items() if one.endpoint])
def test_a_claim_without_a_place_says_what_to_write(name):
    with pytest.raises(Untestable, match=rf"write {name} under \[endpoints\]"):
        require(Asked(endpoints(), {name: True}), name)


def test_a_claim_without_an_endpoint_is_enough():
    require(Asked(endpoints(), {"resource": True}), "resource")


def test_secrets_do_not_follow_the_metadata_to_another_host():
    elsewhere = endpoints(revocation="https://elsewhere.example/revoke")
    with pytest.raises(Untestable, match="another host: give --trust"):
        require(Asked(elsewhere, trust=Trusting(hosts=False)), "revocation")


def test_a_name_that_is_not_in_the_table_is_found_out():
    require(Asked(endpoints()), "slow_down")
    with pytest.raises(NotApplicable):
        require(Asked(endpoints(), {"slow_down": False}), "slow_down")


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"registration": "https://id.example/r", "document": {"issuer": "https://id.example"}},
        {"registration": "https://id.example/r"},
    ],
    ids=["nothing is published", "advertised", "configured"],
)
def test_registration_that_is_there_or_cannot_be_told_is_left_to_the_check(members):
    require(Asked(endpoints(**members)), "registration")


def test_metadata_without_registration():
    with pytest.raises(NotApplicable, match="names no registration endpoint"):
        require(Asked(endpoints(document={"issuer": "https://id.example"})), "registration")

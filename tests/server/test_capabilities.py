"""What a target says that it lacks, by target.toml or by its metadata, is not applicable."""

from dataclasses import dataclass, field

import pytest

from device_grant.judging import NotApplicable
from device_grant.server.session.capabilities import require
from device_grant.targets.discovery import Endpoints

START, TOKEN = "https://id.example/d", "https://id.example/t"
DOCUMENT = {"issuer": "https://id.example"}


@dataclass
class Asked:
    endpoints: Endpoints = field(default_factory=lambda: Endpoints(START, TOKEN))
    said: dict = field(default_factory=dict)

    def claims(self, name):
        return self.said.get(name)


@pytest.mark.parametrize("name", ["registration", "slow_down"])
def test_what_target_toml_denies(name):
    with pytest.raises(NotApplicable, match=f"does not claim {name}"):
        require(Asked(said={name: False}), name)


def test_metadata_without_registration():
    with pytest.raises(NotApplicable, match="names no registration endpoint"):
        require(Asked(Endpoints(START, TOKEN, document=DOCUMENT)), "registration")


@pytest.mark.parametrize(
    "endpoints",
    [
        Endpoints(START, TOKEN),
        Endpoints(START, TOKEN, registration="https://id.example/r", document=DOCUMENT),
        Endpoints(START, TOKEN, registration="https://id.example/r"),
    ],
    ids=["nothing is published", "advertised", "configured"],
)
def test_what_is_there_or_cannot_be_told_is_left_to_the_check(endpoints):
    require(Asked(endpoints), "registration")


def test_of_other_capabilities_no_metadata_tells():
    require(Asked(Endpoints(START, TOKEN, document=DOCUMENT)), "refresh_token")

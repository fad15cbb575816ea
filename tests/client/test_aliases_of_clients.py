"""Clients that meet aliases for mutual TLS in metadata: odd honest ones are accused of nothing, broken ones are."""

from __future__ import annotations

import json

import pytest
from support.small_client import GiveUp, SmallClient, verdicts_of

IGNORES = "rfc8705-5-client-ignores-other-aliases"
CHECK = "discovering::test_aliases_of_other_endpoints"
NEEDED = ("device_authorization_endpoint", "token_endpoint")


class KnowsAliases(SmallClient):
    """Takes the alias of an endpoint that it needs, and the usual endpoint where there is none."""

    def read_metadata(self, answer):
        super().read_metadata(answer)
        for name, url in self.aliases(answer).items():
            self.take(name, url)

    def aliases(self, answer):
        return json.loads(answer.response.content).get("mtls_endpoint_aliases", {})

    def take(self, name, url):
        if name in NEEDED:
            self.given[name.upper()] = url


class Chokes(KnowsAliases):
    def take(self, name, _url):
        if name not in NEEDED:
            raise GiveUp(f"what is {name}?")


class WantsAllOfThem(KnowsAliases):
    def aliases(self, answer):
        known = super().aliases(answer)
        return {name: known[name] for name in NEEDED} if known else {}


class TakesWhateverComesFirst(KnowsAliases):
    def take(self, _name, url):
        self.given[NEEDED[0].upper()] = url

    def start(self):
        if "example.com" in self.given[NEEDED[0].upper()]:
            raise GiveUp("nobody there")
        return super().start()


class NeverWorks(SmallClient):
    def read_metadata(self, _answer):
        raise GiveUp("it wants more")


class LooksNowhere(SmallClient):
    def discover(self):
        self.given |= {"DEVICE_AUTHORIZATION_ENDPOINT": "http://127.0.0.1:1/device_authorization"}
        self.given |= {"TOKEN_ENDPOINT": "http://127.0.0.1:1/token"}


@pytest.mark.parametrize(
    ("client", "verdict"),
    [
        (SmallClient, "pass"),
        (KnowsAliases, "pass"),
        (Chokes, "fail"),
        (WantsAllOfThem, "fail"),
        (TakesWhateverComesFirst, "fail"),
        (NeverWorks, "untestable"),
        (LooksNowhere, "untestable"),
    ],
)
def test_aliases_that_a_client_has_no_use_for(client, verdict):
    expected = "warn" if verdict == "fail" else verdict
    assert verdicts_of(client(), CHECK)[IGNORES] == expected, "what should be and is not is a warning"

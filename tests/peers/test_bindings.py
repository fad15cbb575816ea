"""Resources and PKCE of device grants: no odd server is accused, and what a broken one does wrong is seen."""

from __future__ import annotations

from typing import ClassVar

import odd_bindings
import pytest
from odd_bindings import Challenged, Indicated
from peer_records import Refused
from peer_room import of
from peer_verdicts import verdicts
from support.proof import judges

from device_grant.catalogue import Verdict

CHECKS = sorted(name for name, check in judges()[0].items() if ".checks.binding." in check.function.__module__)
ODD = of(odd_bindings)
ALLOWED = {
    "rfc7636-device-verifier-without-challenge",
    "rfc8707-2.1-page-names-resource",
    "rfc8707-2.2-scope-is-cut",
}
"""What is only observed: these peers ignore such a verifier, and have pages that name nothing."""


def seen_of(peer, folder, checks=CHECKS):
    return [(check, *entry) for check in checks for entry in verdicts(peer, check, folder).items()]


@pytest.mark.parametrize("name", ODD)
def test_no_odd_server_is_accused(name, tmp_path):
    accused = [one for one in seen_of(ODD[name], tmp_path) if one[2] > Verdict.UNTESTABLE and one[1] not in ALLOWED]
    assert accused == []


@pytest.mark.parametrize(
    ("peer", "group"), [(Indicated, "resource"), (Challenged, "device_pkce")], ids=["resources", "challenges"]
)
def test_honest_server_passes(peer, group, tmp_path):
    checks = [name for name in CHECKS if name.startswith(group)]
    passed = {one for _, one, verdict in seen_of(peer, tmp_path, checks) if verdict is Verdict.PASS}
    rest = {one for _, one, _ in seen_of(peer, tmp_path, checks)} - passed
    # No client of this one has to use PKCE.
    assert rest - {"rfc7636-device-4.3-required-start"} <= ALLOWED


class EmptyIsAResource(Indicated):
    """Refuses resource= as a resource that it does not know."""

    def parameters(self, request):
        if b"resource=&" in request.body + b"&":
            raise Refused("invalid_target", "no such resource")
        return super().parameters(request)


class LooksAtTheFirst(Indicated):
    """Looks at the first of several resources of a refresh alone, and issues for all."""

    def fit(self, family):
        if self.named and self.named[0] in [*self.wanted.get(family, []), SWAPPED]:
            return
        super().fit(family)


SWAPPED = odd_bindings.SECOND


class AddsAtThePoll(Indicated):
    """Adds what a poll names to what was approved."""

    def fit(self, family):
        self.named = [*self.wanted.get(family, []), *self.named]


class AnyVerifier(Challenged):
    """Wants a verifier, whatever it is."""

    def compare(self, code, challenge, method, verifier):
        if not verifier:
            raise self.mismatch(code)


class UnhashedToo(Challenged):
    """Takes every method for S256."""

    transforms: ClassVar[tuple[str, ...]] = ("S256", "plain", "S512")


class RefusesOnlyAfterTheDecision(odd_bindings.AllChallenged):
    """Notices at redemption that the challenge is missing."""

    demanded = False


BROKEN = {
    EmptyIsAResource: "rfc8707-2-malformed-resource",
    LooksAtTheFirst: "rfc8707-2.2-refresh-does-not-widen",
    AddsAtThePoll: "rfc8707-2.2-poll-does-not-widen",
    AnyVerifier: "rfc7636-device-4.6-wrong-verifier",
    UnhashedToo: "rfc7636-device-4.2-s256",
    RefusesOnlyAfterTheDecision: "rfc7636-device-4.3-required-start",
}


FURTHER = {
    LooksAtTheFirst: {"rfc8707-2.2-poll-does-not-widen"},
    AddsAtThePoll: {"rfc8707-2.2-refresh-does-not-widen", "rfc8707-2.2-all-grant-types"},
}
"""What the same mistake breaks besides."""


@pytest.mark.parametrize("peer", BROKEN, ids=lambda peer: peer.__name__)
def test_broken_server_is_seen(peer, tmp_path):
    wrong = {one for _, one, verdict in seen_of(peer, tmp_path) if verdict >= Verdict.WARN and one not in ALLOWED}
    assert BROKEN[peer] in wrong
    assert wrong - {BROKEN[peer]} <= FURTHER.get(peer, set())

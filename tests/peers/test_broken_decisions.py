"""Pages that decide what they must not are caught, in whatever way they are built."""

from __future__ import annotations

import pytest
from broken_decisions import FAILING, PASSING, UNTESTABLE, UNTOLD, WARNED
from peer_verdicts import verdicts

from device_grant.catalogue import Verdict

EXPECTED = [
    *((*entry, Verdict.FAIL) for entry in FAILING),
    *((*entry, Verdict.WARN) for entry in WARNED),
    *((*entry, Verdict.PASS) for entry in PASSING),
    *((*entry, Verdict.INCONCLUSIVE) for entry in UNTOLD),
    *((*entry, Verdict.UNTESTABLE) for entry in UNTESTABLE),
]


@pytest.mark.parametrize(("peer", "check", "requirement", "verdict"), EXPECTED)
def test_what_the_pages_decide(peer, check, requirement, verdict, tmp_path):
    assert verdicts(peer, check, tmp_path)[requirement] is verdict

"""The card of CONTRIBUTING.md, which everyone copies, is a check that runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from device_grant.catalogue import Verdict
from device_grant.engine import run_check
from device_grant.judging import all_checks, check_of, throwaway_registry
from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.reference.embedded import embedded
from device_grant.server import checks

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"
MODULE = f"{checks.__name__}.test_card"


@pytest.fixture(scope="module")
def card():
    """The check that the page shows, registered where nobody else sees it."""
    section = PAGE.read_text("utf-8").partition("## The card of a check")[2]
    (source,) = re.findall(r"^```python\n(.*?)^```", section.partition("\n## ")[0], re.DOTALL | re.MULTILINE)
    module = ModuleType(MODULE)
    sys.modules[MODULE] = module
    try:
        with throwaway_registry() as registry:
            exec(compile(source, str(PAGE), "exec", dont_inherit=True), module.__dict__)
    finally:
        del sys.modules[MODULE]
    (entry,) = registry.checks.values()
    return entry


def verdicts(card, dialect, *faults):
    with embedded(dialect, faults) as target:
        return run_check(target, card).verdicts


def test_card_is_a_check_on_servers(card):
    assert (card.name, card.party) == ("card::test_denial_is_final", "server")
    assert card.faults
    assert card.title.startswith("Start, let the user deny")


@pytest.mark.parametrize("dialect", [RFC8628, AWS_SSO_OIDC])
def test_honest_reference_passes_the_card(card, dialect):
    assert verdicts(card, dialect) == dict.fromkeys(card.requirements, Verdict.PASS)


@pytest.mark.parametrize("dialect", [RFC8628, AWS_SSO_OIDC])
def test_reference_with_the_fault_of_the_card_fails_it(card, dialect):
    for fault in card.faults:
        assert Verdict.FAIL in verdicts(card, dialect, fault).values()


def test_nobody_else_sees_the_card(card):
    assert card.name not in {entry.name for entry in all_checks()}
    assert check_of(card.function) is card

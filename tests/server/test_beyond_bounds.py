"""Runs against servers whose times no clock has, and whose texts no encoding has: no error of the suite."""

from __future__ import annotations

import pytest
from support.hostile import Change, Plan
from support.hostile_run import run_against

TIMES = ("100000", "1e12", "1e308", "Infinity", "-Infinity", "NaN", "1" + "0" * 400)
HALF = '"\\ud800-and-more-than-enough-\\udfff"'
DIALECTS = ("rfc8628", "aws-sso-oidc")


def ended(folder, dialect, changes, *modules):
    plan = Plan(dialect, tuple(changes), configured=True, walked=True)
    return run_against(plan, folder, lambda name: name.partition("::")[0] in modules)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("text", TIMES)
def test_an_interval_without_bound_is_waited_for_or_untestable(tmp_path, dialect, text):
    changes = [Change("start", "always", "member", "interval", text)]
    assert ended(tmp_path, dialect, changes, "polling").errors == []


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("place", "name"),
    [("start", "device_code"), ("start", "user_code"), ("start", "verification_uri"), ("registration", "client_id")],
)
def test_a_text_that_no_encoding_has_ends_no_run(tmp_path, dialect, place, name):
    changes = [Change(place, "always", "member", name, HALF)]
    assert ended(tmp_path, dialect, changes, "polling", "malformed_input", "schemathesis", "encoding").errors == []

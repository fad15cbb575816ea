"""Ids that an invariant judges are judged on a few checks, and nothing else is in the result."""

from __future__ import annotations

import pytest
from support.commands import device_grant, lines_of
from support.proof import catalogue, judged, judges, needs_browser

from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.reference.embedded import embedded
from device_grant.server.invariants.tour import TOUR

CHECKS, INVARIANTS = judges()


def _verdicts(dialect, names):
    collected = {}
    with embedded(dialect) as target:
        for said in judged(target, names, 40):
            for by_requirement in said.invariants.values():
                for requirement, verdict in by_requirement.items():
                    collected[requirement] = max(verdict, collected.get(requirement, verdict))
    return collected


def test_the_tour_is_of_checks_that_there_are():
    assert set(TOUR) <= CHECKS.keys()


@pytest.mark.long
@pytest.mark.parametrize("dialect", [RFC8628, AWS_SSO_OIDC])
def test_the_tour_says_what_the_whole_run_says(dialect):
    # That it finds each fault of an invariant is in test_proof.py.
    whole = _verdicts(dialect, [name for name in CHECKS if not needs_browser(CHECKS[name])])
    assert _verdicts(dialect, TOUR) == whole


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("rfc8628-3.5-*", ()), ("rfc6749-5.1-token-type", ()), ("rfc6749-5.1-token-type", ("-n", "2"))],
)
def test_only_what_judges_the_ids_runs(pattern, words, tmp_path):
    done = device_grant("run", "embedded:rfc8628", "--only", pattern, *words, "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = {entry.id for entry in catalogue().select([pattern])}
    lines = lines_of(tmp_path)
    ran = {line["check"] for line in lines if line["kind"] == "case"}
    naming = {name for name, check in CHECKS.items() if wanted & set(check.requirements)}
    assert ran <= naming | set(TOUR)
    asked = {line["requirement"] for line in lines if line["kind"] == "result"}
    assert asked
    assert asked <= wanted
    assert lines[-1]["narrowed"].startswith("Only what ")
    assert "--check '*'" in done.stdout


def test_an_entry_that_the_tour_does_not_come_to_is_not_stale(tmp_path):
    known = tmp_path / "baseline.toml"
    entry = '[[known]]\nrequirement = "rfc9110-15.6-no-5xx-on-client-error"\nreason = "at odd lengths"\n'
    known.write_text(entry, encoding="utf-8")
    words = ("run", "embedded:rfc8628", "--only", "rfc9110-15.6-*", "--expect", str(known))
    assert device_grant(*words).returncode == 0
    # A check that was run, and is said to fail, is another thing.
    known.write_text(
        '[[known]]\nrequirement = "rfc8628-3.5-access-denied"\nreason = "it does"\n'
        'check = "user_decision::test_denial_is_final"\n',
        encoding="utf-8",
    )
    words = ("run", "embedded:rfc8628", "--only", "rfc8628-3.5-access-denied", "--expect", str(known))
    assert device_grant(*words).returncode == 1


@pytest.mark.parametrize("words", [(), ("-n", "2")])
def test_a_run_that_stops_at_a_failure_says_so(words, tmp_path):
    fault = ("--fault", "denial_as_invalid_grant", "--check", "user_decision::*", "--check", "polling::*")
    done = device_grant("run", "embedded:rfc8628", *fault, "-x", *words, "--report", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    footer = lines_of(tmp_path)[-1]
    assert footer["narrowed"].startswith("The run stopped at a failure, after ")
    assert "The run stopped at a failure, after " in " ".join(done.stdout.split())
    assert "The run stopped at a failure" in (tmp_path / "index.html").read_text(encoding="utf-8")

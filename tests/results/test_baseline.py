from __future__ import annotations

from datetime import date

import pytest
from support import samples

from device_grant.errors import UsageError
from device_grant.results import Baseline, Known, evidence
from device_grant.results.baseline import load

IDS = ("rfc8628-3.5-access-denied", "rfc8628-3.5-expired-token", "rfc6749-5.2-error-status")
A, B, _ = IDS
TODAY = date(2026, 3, 1)


def known(requirement=A, **changes) -> Known:
    return Known(requirement=requirement, **({"reason": "known"} | changes))


def loaded(tmp_path, text, **options):
    path = tmp_path / "baseline.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, IDS, **options)


def test_a_whole_file(tmp_path):
    baseline = loaded(
        tmp_path,
        f"""
        withheld = ["security"]
        [[known]]
        requirement = "{A}"
        reason = "Fixed in 3.5.0"
        [[known]]
        requirement = "{B}"
        check = "expiry::test_expired"
        match = "500"
        reason = "Depends on the store"
        issue = "https://idp.example.com/issues/7"
        expires = 2026-06-30
        kind = "flaky"
        """,
    )
    assert baseline.known == (
        known(reason="Fixed in 3.5.0"),
        known(
            B,
            check="expiry::test_expired",
            match="500",
            reason="Depends on the store",
            issue="https://idp.example.com/issues/7",
            expires=date(2026, 6, 30),
            kind="flaky",
        ),
    )
    assert baseline.withholds_security
    assert not loaded(tmp_path, "").withholds_security


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'[[known]]\nrequirement = "{A[:-1]}"\nreason = "r"', f"entry 1 .*unknown requirement: did you mean .*{A}"),
        ('[[known]]\nreason = "r"', "entry 1: `requirement` is missing"),
        (f'[[known]]\nrequirement = "{A}"', "entry 1 .*`reason` is missing"),
        (f'[[known]]\nrequirement = "{A}"\nreason = "  "', "`reason` is missing"),
        (
            f'[[known]]\nrequirement = "{A}"\nreason = "r"\nkind = "wontfix"',
            "unknown kind 'wontfix': choose one of dev",
        ),
        (f'[[known]]\nrequirement = "{A}"\nreason = "r"\nkind = ["flaky"]', "unknown kind"),
        (f'[[known]]\nrequirement = "{A}"\nreason = "r"\nchek = "x"', "unknown key 'chek': did you mean check"),
        (f'[[known]]\nrequirement = "{A}"\nreason = "r"\nexpires = "soon"', "entry 1 .*expires"),
        (f'[[known]]\nrequirement = "{A}"\nreason = "r"\nexpires = 2026-01-01T10:00:00', "expires"),
        (f'[[known]]\nrequirement = "{A}"\nreason = "r"\nmatch = 5', "match"),
        (f'[[known]]\nrequirement = "{A}"\nreason = "r"\n' * 2, "entry 2: says the same as entry 1"),
        ("withold = []", "unknown key 'withold': did you mean withheld"),
        ('withheld = ["everything"]', '`withheld` must be \\["security"\\]'),
        ('withheld = "security"', "`withheld` must be"),
        ("known = 5", "under \\[\\[known\\]\\]"),
        ("[[known", "not TOML"),
    ],
)
def test_a_wrong_file_is_told_with_file_and_entry(tmp_path, text, message):
    with pytest.raises(UsageError, match=message) as caught:
        loaded(tmp_path, text)
    assert str(tmp_path / "baseline.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "baseline.toml", IDS)


def test_withheld_requirements_must_not_be_listed(tmp_path):
    text = f'withheld = ["security"]\n[[known]]\nrequirement = "{A}"\nreason = "r"'
    with pytest.raises(UsageError, match="tagged security"):
        loaded(tmp_path, text, security_ids={A})
    assert loaded(tmp_path, text, security_ids={B}).known
    assert loaded(tmp_path, text.partition("\n")[2], security_ids={A}).known


def test_an_entry_expects_its_requirement_check_and_message_only():
    baseline = Baseline(known=(known(check="c::a", match="500"),))
    assert baseline.expects(A, "c::a", "status was 500", TODAY)
    assert baseline.expects(A, "c::a", "status was 400", TODAY) is None
    assert baseline.expects(A, "c::b", "status was 500", TODAY) is None
    assert baseline.expects(B, "c::a", "status was 500", TODAY) is None


def test_the_most_specific_entry_gives_the_reason():
    broad, narrow = known(reason="broad"), known(check="c::a", reason="narrow")
    for entries in ((broad, narrow), (narrow, broad)):
        baseline = Baseline(known=entries)
        assert baseline.expects(A, "c::a", "", TODAY) == narrow
        assert baseline.expects(A, "c::b", "", TODAY) == broad


def test_entries_count_through_their_last_day():
    baseline = Baseline(known=(known(expires=TODAY),))
    assert baseline.expects(A, "c::a", "", TODAY)
    assert baseline.expired(TODAY) == []
    tomorrow = date(2026, 3, 2)
    assert baseline.expects(A, "c::a", "", tomorrow) is None
    assert baseline.expired(tomorrow) == list(baseline.known)


@pytest.mark.parametrize(
    ("verdict", "marked"), [("fail", True), ("warn", True), ("pass", False), ("untestable", False)]
)
def test_failures_and_warnings_are_marked(verdict, marked):
    baseline = Baseline(known=(known(kind="disputed", reason="why", issue="https://x.example/1"),))
    result = baseline.mark(samples.result(A, verdict), TODAY)
    assert (result.expected, result.reason, result.issue) == (
        ("disputed", "why", "https://x.example/1") if marked else ("", "", "")
    )
    other = samples.result(B, verdict)
    assert baseline.mark(other, TODAY) is other


def stale(entry, *results):
    return bool(Baseline(known=(entry,)).stale(*evidence(results)))


def test_what_no_longer_happens_is_stale():
    assert stale(known(), samples.result(A, "pass"))
    assert not stale(known(), samples.result(A, "fail"))
    assert not stale(known(), samples.result(A, "warn"))
    assert stale(known(match="500"), samples.result(A, "fail", message="status 400"))


def test_flaky_entries_are_never_stale():
    assert not stale(known(kind="flaky"), samples.result(A, "pass"))


@pytest.mark.parametrize("verdict", ["untestable", "inconclusive", "not-applicable"])
def test_what_was_not_judged_is_not_stale(verdict):
    assert not stale(known(), samples.result(A, verdict))
    assert not stale(known(check="c::a"), samples.result(A, verdict, check="c::a"))
    # One check passes, but the deviation may be what the other one would have shown.
    both = samples.result(A, "pass", check="c::a"), samples.result(A, verdict, check="c::b")
    assert not stale(known(), *both)
    assert stale(known(check="c::a"), *both)


def test_what_was_deselected_is_not_stale():
    assert not stale(known(), samples.result(B, "pass"))
    assert not stale(known(check="c::a"), samples.result(A, "pass", check="c::b"))


def test_a_broad_entry_beside_a_narrow_one_is_not_stale():
    baseline = Baseline(known=(known(), known(check="c::a")))
    assert baseline.stale(*evidence([samples.result(A, "fail", check="c::a")])) == []


def test_labels_name_requirement_and_check():
    assert known().label == A
    assert known(check="c::a").label == f"{A} (c::a)"

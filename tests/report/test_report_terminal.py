from __future__ import annotations

import io
from dataclasses import replace

import msgspec
import pytest
from rich.console import Console
from support import samples

from device_grant.catalogue.model import Verdict
from device_grant.report import REPORT_FORMS
from device_grant.report.terminal.progress import Progress, Remaining
from device_grant.report.terminal.verdicts import render
from device_grant.report.view import View
from device_grant.results import withhold_security


def console(width=120, *, terminal=False, no_color=True, encoding="utf-8", **options):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    return Console(
        file=file,
        width=width,
        height=40,
        force_terminal=terminal,
        no_color=no_color,
        color_system="standard" if not no_color else None,
        **options,
    ), lambda: raw.getvalue().decode(encoding)


def printed(report, width=120, **options):
    target, text = console(width, **options)
    render(report, target)
    return text()


@pytest.fixture(autouse=True)
def no_color(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.parametrize("width", [60, 120])
def test_the_verdict_comes_first_then_each_failure_then_what_is_open(width):
    text = printed(samples.report(), width)
    order = [
        "example-idp 3.4.0 against RFC 8628",
        "Not conformant: 4 requirements fail among 13 judged",
        "1 of 4 failures are expected by the baseline.",
        "The suite itself broke",
        "races::test_broken_in_the_suite",
        "Failures",
        "FAIL rfc8628-3.5-access-denied",
        "Warnings",
        "warn rfc8628-3.5-expired-token",
        "Could not be tested",
        "untestable 2 requirements: no user module",
        "Expected by the baseline",
        "fail rfc8628-3.5-slow-down-not-owed (deviation)",
        "Stale",
        "- rfc8628-3.2-device-code-present",
        "Expired",
    ]
    samples.assert_in_order(text, order)
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [60, 120])
def test_nothing_but_what_is_meant_for_copying_is_wider_than_the_terminal(width):
    long = [line for line in printed(samples.report(), width).splitlines() if len(line) > width]
    assert long
    assert all(line.split()[0] in ("curl:", "again:", "RFC") for line in long)


def test_a_failure_tells_all_that_is_needed():
    text = printed(samples.report())
    block = text[text.index("FAIL rfc8628-3.5-access-denied") : text.index("FAIL rfc8628-3.5-hostile-body")]
    for part in (
        "MUST, binds authorization-server",
        "RFC 8628 section 3.5 https://www.rfc-editor.org/rfc/rfc8628#section-3.5",
        "The server answers a poll according to the state of the grant.",
        "sent:     POST http://127.0.0.1:8000/token",
        "accepted: access_denied | invalid_grant",
        "came:     400 authorization_pending",
        '{"error": "authorization_pending"}',
        "found:    after the denial",
        "why:      Clients decide by this answer",
        "curl:     curl -i -X POST",
        "&client_id=conf'\n",
        "again:    device-grant run example-idp --only rfc8628-3.5-access-denied\n",
    ):
        assert part in block, part


def test_the_last_exchange_is_the_one_that_is_shown():
    text = printed(samples.report())
    block = text[text.index("FAIL rfc8628-3.5-access-denied") : text.index("FAIL rfc8628-3.5-hostile-body")]
    assert "/device_authorization" not in block


def test_control_characters_of_the_target_do_not_reach_the_terminal():
    text = printed(samples.report(), terminal=True, no_color=False)
    assert "\\x1b[31mred" in text
    assert "\x1b[31mred" not in text
    assert "\u202e" not in text


def test_brackets_are_not_read_as_markup():
    assert "(add [user] to target.toml)" in printed(samples.report())


def test_a_poor_encoding_does_not_break_the_report():
    report = samples.clean()
    odd = samples.shown("rfc8628-3.5-a", "fail", got="schön ✓")
    text = printed(type(report)(header=report.header, results=(odd,)), encoding="ascii")
    assert "sch\\xf6n \\u2713" in text


def test_a_conformant_run_says_so():
    text = printed(samples.clean())
    assert "Conformant: no failing requirement among 1 judged" in text
    assert "Failures" not in text
    assert "Not conformant" not in text


def test_a_run_without_a_judgement_is_not_called_conformant():
    text = printed(samples.clean(Verdict.UNTESTABLE))
    assert "No verdict: no requirement was judged" in text
    assert "Conformant" not in text


def test_an_interrupted_run_is_not_called_conformant():
    report = samples.clean()
    text = printed(type(report)(header=report.header, results=report.results))
    assert "No verdict: no failing requirement among 1 judged so far" in text
    assert "The run was interrupted" in text


def test_a_suite_error_is_not_called_conformant():
    report = samples.clean()
    broken = samples.case("c::broken", outcome="suite-error", message="KeyError: 'x'", steps=[])
    text = printed(type(report)(header=report.header, cases=(broken,), results=report.results, footer=report.footer))
    assert "No verdict" in text
    assert "says nothing about the target" in text
    assert "KeyError: 'x'" in text


def test_withheld_results_are_mentioned():
    text = printed(withhold_security(samples.report(suite_error=False)))
    assert "1 result on a security requirement is withheld" in text
    assert "planted" not in text


def test_no_percentages():
    assert "%" not in printed(samples.clean())


@pytest.mark.parametrize("options", [{"terminal": False}, {"terminal": True, "no_color": True}])
def test_progress_is_plain_lines_without_a_colour_terminal(options):
    target, text = console(60, **options)
    with Progress(target, total=12) as progress:
        progress.check_started("polling::test_denial_is_final")
        progress.check_finished("polling::test_denial_is_final", Verdict.FAIL)
        progress.check_started("polling::test_other")
        progress.check_finished("polling::test_other", None)
    assert text().splitlines() == [
        "[ 1/12] fail           polling::test_denial_is_final  0:00",
        "[ 2/12] suite error    polling::test_other  0:00",
    ]


def test_a_broken_rule_has_a_line_of_its_own_once():
    """One request that breaks a rule is in every scenario; which scenario failed by itself must stay to be seen."""
    target, text = console(60, terminal=False)
    with Progress(target, total=2) as progress:
        for name in ("asking::test_one", "asking::test_two"):
            progress.check_finished(name, Verdict.PASS)
            progress.rule_judged("rules::quiet", Verdict.PASS)
            progress.rule_judged("rules::clients_wait", Verdict.WARN)
        progress.rule_judged("rules::clients_wait", Verdict.FAIL)
    assert text().splitlines() == [
        "[1/2] pass           asking::test_one  0:00",
        "      warn           rules::clients_wait",
        "[2/2] pass           asking::test_two  0:00",
        "      fail           rules::clients_wait",
    ]


def test_checks_that_run_once_more_are_counted_apart(monkeypatch):
    target, text = console(60, terminal=False)
    with Progress(target, total=12) as progress:
        progress.repeating(0, 1)
        progress.repeating(2, 3)
    assert text().splitlines() == [
        "        again          0 of 1 run once more, a few at a time",
        "        again          2 of 3 run once more, a few at a time",
    ]
    monkeypatch.delenv("NO_COLOR")
    target, text = console(60, terminal=True, no_color=False)
    with Progress(target, total=12) as progress:
        progress.repeating(2, 3)
        assert "2 of 3 run once more" in text()


def test_what_is_left_is_told_by_the_last_run_and_not_guessed():
    target, text = console(120, terminal=False)
    clock = iter((0.0, *(second for second in (4.0, 4.0, 64.0, 64.0, 200.0, 200.0)))).__next__
    names = ("one::test_a", "one::test_b", "one::test_c")
    # On a machine that is twice as slow as the last time.
    known = Remaining(names, {"one::test_a": 2.0, "one::test_b": 30.0, "one::test_c": 60.0, "other::test": 900.0})
    with Progress(target, 3, known, clock) as progress:
        for name in names:
            progress.check_finished(name, Verdict.PASS)
    first, second, third = text().splitlines()
    assert first.endswith("0:04, about 3:00 left")
    assert second.endswith("1:04, about 2:00 left")
    assert third.endswith("3:20")
    assert Remaining(names, {}).seconds is None
    assert Remaining(names, {"one::test_a": 2.0}).seconds is None


def test_progress_is_one_live_line_on_a_terminal(monkeypatch):
    monkeypatch.delenv("NO_COLOR")
    target, text = console(60, terminal=True, no_color=False)
    progress = Progress(target, total=12)
    progress.check_started("polling::test_denial_is_final")
    progress.check_finished("polling::test_denial_is_final", Verdict.WARN)
    progress.check_started("polling::test_with_a_name_that_is_far_longer_than_the_line_can_be \x1b[2J")
    before = text()
    progress.close()
    progress.close()
    assert "1/12" in before
    assert "warn 1" in before
    assert "…" in before
    assert "\x1b[2J" not in before
    assert "\n" not in before


def test_a_lost_race_may_not_come_again():
    def remarks(verdict, rounds):
        raced = samples.result("rfc8628-3.5-concurrent-redemption", verdict, measured={"rounds": rounds})
        return View(replace(samples.report(), results=(raced,))).remarks

    wanted = '1 failure of races may not come again at once: a baseline calls them kind = "flaky".'
    assert wanted in remarks("fail", 4.0)
    assert not [remark for remark in remarks("pass", 12.0) if "races" in remark]


def test_a_link_is_sent_to_a_terminal_with_colours_alone(monkeypatch):
    monkeypatch.delenv("NO_COLOR")
    report = samples.report()
    url = next(result.url for result in report.results if result.verdict == "fail" and not result.expected)
    for terminal in (True, False):
        target, text = console(120, terminal=terminal, no_color=not terminal)
        render(report, target)
        assert url in text()
        assert ("\x1b]8;" in text()) is terminal


def test_implied_is_explained_wherever_it_stands():
    failure = samples.shown("rfc8628-3.5-access-denied", "fail", level="IMPLIED")
    report = replace(samples.report(), results=(failure,))
    words = "follows from the text, which has no keyword for it"
    assert printed(report).count(words) == 2
    for name in ("html", "markdown"):
        assert words in REPORT_FORMS[name].render(report), name
    assert "IMPLIED" not in printed(replace(report, results=(replace_level(failure),)))


def test_a_reason_that_several_checks_share_stands_once():
    cases = [
        msgspec.structs.replace(case, check=f"fuzz::test_{number}", unsampled=reason)
        for number, (case, reason) in enumerate(
            zip([samples.report().cases[0]] * 3, ["no client", "no client", "no user"], strict=True)
        )
    ]
    remarks = View(replace(samples.report(), cases=tuple(cases))).remarks
    reasons = "fuzz::test_0, fuzz::test_1 (no client); fuzz::test_2 (no user)."
    assert f"3 checks that generate requests judged nothing: {reasons}" in remarks


def replace_level(result):
    return msgspec.structs.replace(result, level="MUST")

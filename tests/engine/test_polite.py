"""Polite runs against the embedded server, which counts what it is sent: few requests, slow, and none that do harm."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import msgspec
import pytest
from support.counted import counted

import device_grant.reference.server.user as hands
from device_grant.catalogue import Verdict, load
from device_grant.engine.last_run import LastRun, _file, remembered
from device_grant.engine.options import Options
from device_grant.engine.rehearsal import rehearsed
from device_grant.engine.running import named_check
from device_grant.engine.scheduling import Task
from device_grant.engine.server_subject import ServerSubject
from device_grant.engine.session import CheckSession
from device_grant.errors import UsageError
from device_grant.judging import all_checks, applies
from device_grant.judging.loading import import_checks
from device_grant.protocol import dialect as spoken
from device_grant.server.session.by_hand import PLAN as BY_HAND
from device_grant.server.session.polite import ASKED, MOST_DECISIONS, PLAN, left_out
from device_grant.targets import GrantView, ModuleUser, PromptUser, UserError

DIALECTS = ("rfc8628", "aws-sso-oidc")


def finished(dialect, *faults, refuse=lambda _number: None, user=None, **options):
    """A polite run to its end: its report, the server's counter, and the session."""
    target, counter = counted(dialect, *faults, refuse=refuse, user=user)
    chosen = Options(**{"target": f"embedded:{dialect}", "polite": True, "agreed": True} | options)
    session = CheckSession(chosen, ServerSubject(chosen, lambda _: target))
    import_checks("server")
    session.start()
    try:
        selection = session.selection()
        checks = [one for one in all_checks() if one.name != "main_path::test_main_path" and selection.keeps(one)]
        tasks = [Task(check.name, check) for check in sorted(checks, key=session.subject.turn)]
        session.begin(tasks)
        for task in tasks:
            done, payload = session.run(task)
            assert done.error is None, done.error
            session.take(payload)
    finally:
        session.finish()
    return session.collector.report, counter, session


whole = cache(finished)
"""For tests that only look."""


@pytest.mark.parametrize("dialect", DIALECTS)
def test_few_slow_and_harmless(dialect):
    report, counter, session = whole(dialect)
    assert len(counter.arrivals) <= 150
    assert len(counter.arrivals) == session.subject._run.manners.sent, "nothing passes uncounted"
    assert counter.most_in_a_second <= 2
    assert counter.most_at_once == 1
    malformed = [one for one in counter.arrivals if one.malformed]
    assert 0 < len(malformed) <= 12
    assert max(len(one.body) for one in counter.arrivals) <= 8192
    # The others were refused, or ask for what was refused.
    assert session.subject._run.manners.registered <= 4
    assert report.footer.exit_code == 0
    assert {one.verdict for one in report.results} == {"pass", "untestable", "not-applicable"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_requirement_has_a_verdict_or_a_reason(dialect):
    report, _, _ = whole(dialect)
    catalogue, said = load(), report.by_requirement()
    bound = {
        name
        for check in all_checks()
        if check.party == "server" and applies(check, spoken(dialect), catalogue.get)
        for name in check.requirements
        if spoken(dialect).binds(catalogue.get(name))
    }
    assert bound <= said.keys(), bound - said.keys()
    reasons = {one.message for one in report.results if one.verdict == "untestable"}
    assert all(reason.startswith("left out by --polite: it ") or "no socket" in reason for reason in reasons), reasons
    judged = [one for one in said.values() if one.verdict is Verdict.PASS]
    assert len(judged) > 140
    # What passed although a part of its checks was left out is named too.
    assert {name for case in report.cases for name in case.spared or ()} & {one.id for one in judged}
    assert "checks were left out, wholly or in part" in report.footer.narrowed


def test_the_plan_names_checks_and_every_other_one_has_a_reason():
    import_checks("server")
    names = {check.name for check in all_checks() if check.party == "server"}
    assert set(PLAN) <= names
    assert len(PLAN) == len(set(PLAN))
    assert set(ASKED) <= set(PLAN)
    assert sum(BY_HAND[name].decisions for name in ASKED) == MOST_DECISIONS
    assert {name for name in PLAN if name in BY_HAND} == set(ASKED)
    for check in all_checks():
        if check.party == "server" and check.name not in (*PLAN, "main_path::test_main_path"):
            assert left_out(check).startswith("left out by --polite: it "), check.name


def test_what_is_planned_is_neither_alone_nor_last_nor_drawn():
    planned = [named_check(name) for name in PLAN]
    assert not [check.name for check in planned if check.alone or check.order or check.sampled]
    assert not [check.name for check in planned if "fuzz" in check.parameters]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("budget", [1, 5, 30, 77])
def test_an_empty_budget_accuses_nobody(dialect, budget):
    report, counter, session = finished(dialect, budget=budget)
    assert len(counter.arrivals) <= budget
    assert report.footer.exit_code in (0, 5)
    verdicts = {one.verdict for one in report.results}
    assert verdicts <= {"pass", "untestable", "not-applicable"}
    assert any(f"the budget of {budget} requests was used up" in one.message for one in report.results)
    assert session.first is None, "a path that was not walked to its end is no finding"


@pytest.mark.parametrize(
    ("dialect", "fault", "requirement"),
    [
        ("rfc8628", "denial_ignored", "rfc8628-3.5-access-denied"),
        ("rfc8628", "code_reusable", "rfc8628-3.5-device-code-single-use"),
        ("aws-sso-oidc", "timestamps_in_milliseconds", "aws-register-response-members"),
        ("aws-sso-oidc", "grant_types_unchecked", "aws-register-grant-types"),
    ],
)
def test_what_is_broken_is_seen_all_the_same(dialect, fault, requirement):
    report, counter, _ = finished(dialect, fault)
    assert requirement in {one.requirement for one in report.results if one.verdict in ("fail", "warn")}
    assert len(counter.arrivals) <= 150


@pytest.mark.parametrize("dialect", DIALECTS)
def test_whatever_is_broken_keeps_to_the_budget(dialect):
    for fault in ("device_code_missing", "approval_ignored", "slow_down_always", "interval_above_lifetime"):
        try:
            _, counter, _ = finished(dialect, fault)
        except UsageError:
            continue  # a fault that the dialect does not have
        assert len(counter.arrivals) <= 150
        assert counter.most_in_a_second <= 2
        assert sum(one.malformed for one in counter.arrivals) <= 12


def limited(every, **fields):
    return lambda number: (429, {"Retry-After": "7", **fields}) if number % every == 0 else None


def test_a_limit_of_the_server_is_kept():
    report, counter, _ = finished("aws-sso-oidc", refuse=limited(9))
    at = [one.at for one in counter.arrivals]
    refused = range(8, len(at) - 1, 9)
    assert refused
    assert min(at[number + 1] - at[number] for number in refused) >= 7
    assert len(at) <= 150
    assert not [one for one in report.results if one.verdict in ("fail", "warn")]


@pytest.mark.parametrize(
    "answer", [(429, {"Retry-After": "3600"}), (429, {}), (503, {"Retry-After": "5"}), (429, {"Retry-After": "x" * 99})]
)
def test_a_server_that_goes_on_refusing_is_left_alone(answer):
    report, counter, _ = finished("aws-sso-oidc", refuse=lambda number: answer if number > 20 else None)
    assert len(counter.arrivals) <= 24
    assert not [one for one in report.results if one.verdict in ("fail", "warn")]
    assert any("left alone" in one.message for one in report.results)


class Person:
    """Does at the pages what the terminal says, in a browser whose requests are nobody's but theirs."""

    columns = 60

    def __init__(self):
        self.shown, self.asked = "", []
        self.before = ()
        self.target = None

    def write(self, text):
        self.shown += text
        return len(text)

    def flush(self):
        return None

    def readline(self):
        question = self.shown.rpartition("\nDecision ")[2]
        self.asked.append(question)
        code = re.search(r'^  code  (?:"(.*?)"|(.*))$', question, re.MULTILINE)
        address = re.search(r"^  open  (.*)$", question, re.MULTILINE)
        user, view = ModuleUser(Path(hands.__file__)), GrantView(code[1] or code[2], address[1])
        manners, self.target.manners = self.target.manners, None
        with self.target.http() as http:
            self.target.manners = manners
            try:
                (user.approve if "ALLOW" in question else user.deny)(http, view)
            except UserError:
                return "n\n"
        return "\n"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", ["", "approval_ignored", "denial_ignored"])
def test_a_person_is_asked_five_times_at_most_and_first(dialect, fault, monkeypatch):
    person = Person()
    target, counter = counted(dialect, *filter(None, [fault]), user=PromptUser(person))
    person.target = target
    monkeypatch.setattr("support.counted.embedded", lambda *_, **__: target)
    monkeypatch.setitem(globals(), "counted", lambda *_, **__: (target, counter))
    report, _, session = finished(dialect)
    assert len(person.asked) <= 5
    assert session.subject._run.manners.sent <= 150
    asked = [case.check for case in report.cases if any(step.event == "decided" for step in case.steps)]
    assert set(asked) <= set(ASKED)
    if not fault:
        assert len(person.asked) == 5
        assert "About 5 decisions" in person.shown
        order = [case.check for case in report.cases]
        assert order[1:5] == list(ASKED), "between them nothing keeps the person waiting"
        assert {one.verdict for one in report.results if one.check in ASKED} == {"pass"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_plan_is_what_is_sent(dialect):
    plan = rehearsed(Options(target=f"embedded:{dialect}", polite=True))
    _, counter, _ = whole(dialect)
    # A server that is no embedded one is asked once whether it is there.
    assert plan.total == len(counter.arrivals) + 1
    assert plan.malformed >= sum(one.malformed for one in counter.arrivals)
    assert {check.check for check in plan.checks[2:]} <= set(PLAN)


def test_only_what_is_asked_for_is_planned():
    plan = rehearsed(Options(target="embedded:rfc8628", polite=True, only=("rfc8628-3.5-access-denied",)))
    names = {check.check for check in plan.checks}
    assert "user_decision::test_denial_is_final" in names
    assert "metadata::test_metadata_document" not in names
    with pytest.raises(UsageError, match="no check matches"):
        rehearsed(Options(target="embedded:rfc8628", polite=True, checks=("polling::test_nothing",)))


def test_a_target_with_clients_and_nobody_is_planned_as_such():
    described = Path(__file__).parents[1] / "support" / "polite_target.toml"
    plan = rehearsed(Options(target=str(described)))
    assert plan.target == "somebody else's"
    kinds = {kind for check in plan.checks for kind in check.requests}
    assert "form of a page" not in kinds, "nobody decides"
    assert plan.registered <= 3, "the client is known, and only what registration itself is about registers one"


@pytest.mark.parametrize("wrong", [{"agreed": False}, {"shard": "1/2"}])
def test_nothing_is_sent_without_agreement(wrong):
    with pytest.raises(UsageError):
        finished("rfc8628", **wrong)


def test_workers_are_refused():
    options = Options(target="embedded:rfc8628", polite=True, agreed=True)
    for how in ({"worker": True}, {"parallel": True}):
        session = CheckSession(options, ServerSubject(options))
        with pytest.raises(UsageError, match="leave -n out"):
            session.start(**how)


def test_what_was_left_out_may_still_fail(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    _, _, session = finished("rfc8628", budget=5)
    options = session.options
    _file(options).parent.mkdir(parents=True, exist_ok=True)
    failed = ("races::test_first_approvals", "metadata::test_metadata_document")
    _file(options).write_bytes(msgspec.json.encode(LastRun(failed=failed)))
    session._memory.keep(options)
    assert remembered(options).failed == failed

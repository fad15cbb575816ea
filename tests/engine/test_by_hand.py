"""A person who decides by hand: what they are asked, in which order, how often, and what is left without them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import device_grant.reference.server.user as hands
from device_grant.engine.options import Options
from device_grant.engine.running import named_check
from device_grant.engine.scheduling import Task
from device_grant.engine.server_subject import ServerSubject
from device_grant.engine.session import CheckSession
from device_grant.reference.embedded import embedded
from device_grant.server.session.by_hand import FIRST, PLAN, turn
from device_grant.targets import GrantView, ModuleUser, PromptUser, UserError

DIALECTS = ("rfc8628", "aws-sso-oidc")


class Person:
    """Reads the terminal, does what it says in a browser of their own, and answers; `patience` decisions long."""

    columns = 60

    def __init__(self, patience: int = 1_000) -> None:
        self.patience = patience
        self.shown = ""
        self.asked: list[str] = []
        self.target = None
        self._user = ModuleUser(Path(hands.__file__))

    def write(self, text: str) -> int:
        self.shown += text
        return len(text)

    def flush(self) -> None:
        return None

    def readline(self) -> str:
        question = self.shown.rpartition("\nDecision ")[2]
        self.asked.append(question)
        if len(self.asked) > self.patience:
            return "s\n"
        code = re.search(r'^  code  (?:"(.*?)"|(.*))$', question, re.MULTILINE)
        address = re.search(r"^  open  (.*)$", question, re.MULTILINE)
        view = GrantView(code[1] or code[2], address[1])
        assert self.target is not None
        with self.target.http() as http:
            try:
                (self._user.approve if "ALLOW" in question else self._user.deny)(http, view)
            except UserError:
                return "n\n"
        return "\n"


def session_of(person: Person, dialect: str = "rfc8628", *faults: str, checks: tuple[str, ...] = ()) -> CheckSession:
    def opened(options: Options):
        person.target = embedded(dialect, options.faults, user=PromptUser(person))
        return person.target

    options = Options(target=f"embedded:{dialect}", faults=faults, checks=checks)
    session = CheckSession(options, ServerSubject(options, opened))
    session.start()
    return session


def ran(session: CheckSession, names: tuple[str, ...] = tuple(PLAN)[1:]) -> dict[str, set[str]]:
    """Verdicts of these checks by their names; they are run in the order of their turns."""
    chosen = sorted(map(named_check, names), key=session.subject.turn)
    tasks = [Task(check.name, check) for check in chosen if session.selection().keeps(check)]
    session.begin(tasks)
    for task in tasks:
        session.take(session.run(task)[1])
    session.finish()
    assert session.collector is not None
    said: dict[str, set[str]] = {}
    for one in session.collector.results:
        said.setdefault(one.check, set()).add(one.verdict)
    return said


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_plan_says_how_often_each_check_asks(dialect):
    for name in tuple(PLAN)[1:]:
        person = Person()
        said = ran(session_of(person, dialect), (name,))
        if said.get(name, {"not-applicable"}) != {"not-applicable"}:
            assert len(person.asked) == PLAN[name].decisions, (name, said)
            assert "fail" not in said[name], name


def test_five_prompts_are_a_first_verdict():
    person = Person(patience=4)
    said = ran(session_of(person))
    assert len(person.asked) == 5
    assert {name: said[name] for name in FIRST} == {name: {"pass"} for name in FIRST}
    assert "About 38 decisions" in person.shown
    assert "The first 4 tell the most." in person.shown.replace("\n", " ")
    others = {name: verdicts for name, verdicts in said.items() if name not in FIRST}
    assert {name: verdicts for name, verdicts in others.items() if "fail" in verdicts} == {}
    assert sum("untestable" in verdicts for verdicts in others.values()) > 15, others


@pytest.mark.parametrize("fault", ["approval_ignored", "denial_ignored", "code_reusable"])
def test_five_prompts_find_what_is_broken(fault):
    person = Person(patience=4)
    said = ran(session_of(person, "rfc8628", fault))
    assert len(person.asked) <= 8, "a decision that does not show is asked for once more"
    assert "fail" in set().union(*(said[name] for name in FIRST))


@pytest.mark.parametrize("patience", range(7))
def test_whoever_skips_accuses_nobody(patience):
    """A check that was left in its middle is untestable, whatever it takes a refusal of the pages for."""
    person = Person(patience)
    names = ("verification_page::test_user_can_approve_and_deny", *FIRST)
    said = ran(session_of(person), names)
    assert len(person.asked) == min(patience + 1, 6)
    assert "fail" not in set().union(*said.values()), said


def test_nobody_is_asked_for_a_check_that_takes_many_decisions():
    person = Person()
    session = session_of(person)
    names = ("races::test_simultaneous_redemption", "page_security::test_forged_approval")
    said = ran(session, names)
    assert person.asked == []
    assert [said[name] for name in names] == [{"untestable"}] * 2
    assert any("--login NAME" in one.message for one in session.collector.results)


def test_the_most_telling_checks_come_first():
    assert sorted(PLAN, key=turn)[1:4] == list(FIRST)
    assert turn("polling::test_pending") == len(PLAN)

"""All checks share one user: who relies on a session of theirs keeps them, and what the pages refuse is told once."""

import json
import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from peer_room import FOLDER, target_toml
from support import ROOT

from device_grant.catalogue import Verdict, load
from device_grant.engine.exclusion import Admission
from device_grant.judging import Untestable
from device_grant.judging.loading import import_checks
from device_grant.reference.embedded import embedded
from device_grant.server.session.case import ServerCase
from device_grant.server.session.run import new_run
from device_grant.server.session.shared_user import SharedUser
from device_grant.targets import UserError

PATIENCE = 10.0
import_checks("server")


@pytest.fixture
def run():
    admission = Admission()
    with embedded("rfc8628", []) as target:
        made = new_run(target, "rfc8628", load())
        made.user.admitted = admission.with_user
        yield made
        made.close()
    admission.close()


def case_of(run, function=lambda: None):
    check = SimpleNamespace(
        name="x::test_x", requirements=(), needs=(), parameters=(), live={}, sampled=False, function=function
    )
    return ServerCase(run, check)


def beside(run):
    """Another check that lets the user decide; what says that it has."""
    done = threading.Event()

    def decide():
        with case_of(run).with_user():
            done.set()

    threading.Thread(target=decide, daemon=True).start()
    return done


def test_who_keeps_the_user_keeps_them_to_the_end_of_the_check(run):
    seen = []

    def keeps():
        own.keep_user()
        own.keep_user()
        with own.with_user(), own.with_user(alone=True):
            seen.append(beside(run))
        assert not seen[0].wait(0.3)

    own = case_of(run, keeps)
    own.execute()
    assert seen[0].wait(PATIENCE)


def test_a_check_that_breaks_gives_the_user_back(run):
    def breaks():
        own.keep_user()
        raise ValueError("broken")

    own = case_of(run, breaks)
    with pytest.raises(ValueError, match="broken"):
        own.execute()
    assert beside(run).wait(PATIENCE)


def test_who_waits_long_on_a_real_clock_keeps_nobody(run, monkeypatch):
    waited = []
    own = case_of(run)
    monkeypatch.setattr(run.target.clock, "sleeps", True, raising=False)
    monkeypatch.setattr(run.target.clock, "wait", lambda _: waited.append(beside(run).wait(0.3)))
    own.keep_user()
    own.wait(5.0)
    own.wait(40.0)
    assert waited == [False, True]
    assert not beside(run).wait(0.3)
    assert own._leave_user()


def test_decisions_go_on_beside_each_other(run):
    with case_of(run).with_user():
        assert beside(run).wait(PATIENCE)


def test_the_first_decision_for_a_client_is_alone(run):
    asked = []
    admitted = run.user.admitted
    run.user.admitted = lambda *, alone: asked.append(alone) or admitted(alone=alone)
    with run.target.clock:
        case = case_of(run)
        case.begin()
        for _ in range(2):
            case.device.user.approve(case.device.start())
        case.device_of("other").user.approve(case.device_of("other").start())
    assert asked == [True, False, True]


def test_refusals_alike_are_one_remark():
    user = SharedUser()
    for complaint, status in 4 * [("the user could not approve: sorry", 500)] + [("something else", 0)]:
        user.refused(complaint, status)
    assert user.remarks() == [
        "4 times the user could not approve: sorry (the server answered 500): checks that need it could say nothing"
    ]


def test_a_page_that_breaks_while_the_user_decides_is_judged():
    def approve(http, grant):
        http.get(grant.verification_uri)
        # A form of nobody, at which this server breaks.
        answer = http.post(grant.verification_uri, data={"user_code": grant.user_code, "action": "approve"})
        raise UserError(f"the decision was answered {answer.status_code}")

    with embedded("rfc8628", ["stale_form_500"]) as target:
        target.user = SimpleNamespace(approve=approve, deny=approve, pages=None)
        run = new_run(target, "rfc8628", load())
        with target.clock:
            case = case_of(run)
            case.begin()
            for _ in range(3):
                with pytest.raises(Untestable, match="the user could not approve"):
                    case.device.user.approve(case.device.start())
        (ledger,) = [one for name, one in case.invariants.items() if name == "invariants::no_server_error"]
        tally = ledger.tallies["rfc9110-15.6-no-5xx-on-client-error"]
        assert tally.verdict is Verdict.WARN
        assert tally.worst.message == "a page answered 500 when the user would approve"
        (remark,) = run.user.remarks()
        assert remark.startswith("3 times the user could not approve: ")
        assert "(the server answered 500)" in remark
        run.close()


@pytest.mark.long
def test_a_server_with_one_session_for_a_user_is_not_accused_on_a_real_clock(tmp_path):
    from odd_rules import OneSession

    text = target_toml(OneSession).replace('kind = "travel"', 'kind = "real"')
    (tmp_path / "target.toml").write_text(text)
    command = [sys.executable, "-m", "device_grant", "run", str(tmp_path), "--report", str(tmp_path / "report")]
    environment = {**os.environ, "PYTHONPATH": f"{FOLDER}:{ROOT / 'tests'}"}
    words = ["--", "-k", "refresh or user_decision or scope or tokens"]
    subprocess.run([*command, *words], capture_output=True, text=True, check=False, env=environment)
    lines = [json.loads(line) for line in (tmp_path / "report" / "results.jsonl").read_text("utf-8").splitlines()]
    broken = [
        (line["check"], line["requirement"], line["message"])
        for line in lines
        if line["kind"] == "result" and line["verdict"] in ("fail", "warn")
    ]
    assert broken == []
    assert lines[-1]["counts"]["passed"] > 50

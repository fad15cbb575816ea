"""Races against the reference server over sockets, and the machinery that makes requests meet."""

from __future__ import annotations

import http.server
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

import httpx
import pytest
from support.jumping import jumping_target
from support.proof import catalogue, judges

from device_grant.catalogue import Verdict
from device_grant.engine import run_check
from device_grant.judging import NotApplicable, Untestable
from device_grant.protocol import RFC8628
from device_grant.protocol.events import OverlapTried
from device_grant.reference.embedded import embedded
from device_grant.server.checks.grant.test_races import _beside_the_last
from device_grant.server.histories.history import history_of
from device_grant.server.histories.refreshing import require_rotation
from device_grant.server.histories.rounds import rounds
from device_grant.server.pages.deciding import decide_together, require_browsers
from device_grant.server.session.case import ServerCase
from device_grant.server.session.device import Device
from device_grant.server.session.run import new_run
from device_grant.server.sockets.racing import Race, octets
from device_grant.targets.ports import UserError, UserModuleError

CHECKS = {
    "races::test_simultaneous_redemption": "rfc8628-3.5-concurrent-redemption",
    "races::test_approval_against_denial": "rfc8628-3.5-access-denied-terminal",
    "races::test_first_approvals": "rfc8628-3.3-approvals-at-once",
    "races::test_simultaneous_refresh": "rfc9700-4.14-refresh-replay-detection",
}
RACES = ("redemption_race", "decision_race", "refresh_race", "first_approvals_collide")


@contextmanager
def launched(*faults):
    """A run against the reference server in a process of its own."""
    with jumping_target(*faults) as target:
        run = new_run(target, RFC8628, catalogue())
        yield run
        run.close()


@contextmanager
def in_process(*faults, check="races::test_simultaneous_redemption"):
    """A case on the embedded reference server, its clock entered."""
    with embedded(RFC8628, faults) as target:
        run = new_run(target, RFC8628, catalogue())
        with target.clock:
            yield ServerCase(run, judges()[0][check])
        run.close()


def test_races_are_found_over_a_socket():
    with launched(*RACES) as run:
        for name, requirement in CHECKS.items():
            # On a busy machine the requests of all rounds may happen to come one after another: in six of ten runs
            # of a check with three processes at work beside it on two cores. A run takes a fifth of a second.
            assert any(requirement in run_check(run, name).broken for _ in range(20)), name


def test_an_honest_server_passes_over_a_socket():
    with launched() as run:
        for name, requirement in CHECKS.items():
            said = run_check(run, name)
            assert said.verdicts[requirement] is Verdict.PASS, name
            assert [one.overlapping for one in said.transcript if isinstance(one, OverlapTried)] == [True]


class OneAtATime(http.server.BaseHTTPRequestHandler):
    """Answers every request alike; its server has one connection in hand."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Nothing: standard error belongs to the tests."""


@pytest.mark.parametrize(
    ("server", "held_up"), [(http.server.HTTPServer, True), (http.server.ThreadingHTTPServer, False)]
)
def test_connections_served_one_after_another_are_noticed(server, held_up):
    with in_process() as case, server(("127.0.0.1", 0), OneAtATime) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listening.server_address[1]}/token"
        race = Race(case)
        request = replace(race.token_request(case.device.client, grant_type="refresh_token"), url=url)
        case.run.target.in_process = False
        try:
            with mock.patch("device_grant.server.sockets.racing.PATIENCE", 0.3):
                reason = race.held_up(request)
            answers = race.send([case.run.build(request)] * 3)
        finally:
            case.run.target.in_process = True
            listening.shutdown()
            thread.join(10)
    assert ("one connection at a time" in reason) is held_up
    # Even one after another, each gets its answer.
    assert [answer.status_code for answer in answers] == [400, 400, 400]


def test_a_target_that_is_called_in_process_is_never_held_up():
    with in_process() as case:
        race = Race(case)
        assert not race.held_up(race.token_request(case.device.client, grant_type="refresh_token"))


def test_nobody_there():
    with in_process() as case:
        request = httpx.Request("POST", "http://127.0.0.1:1/token", content=b"x")
        case.run.target.in_process = False

        def overlap(dispatches, _meanwhile):
            dispatches[0].end(httpx.Response(204))

        with mock.patch.object(case.run.target, "overlap", overlap):
            assert [answer.status_code for answer in Race(case).send([request])] == [204]
        case.run.target.in_process = True


def test_octets_of_a_request():
    request = httpx.Request("POST", "http://host.test/a?b=c", headers={"connection": "keep-alive"}, content=b"body")
    head, _, body = octets(request).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert head.lower().count(b"connection:") == 1
    assert b"Connection: close" in head
    assert body == b"body"


def test_browsers_in_step():
    with in_process() as case:
        race, grant = Race(case), case.device.start()
        decisions = decide_together(race, grant, ["approve"])
        assert decisions["approve"].taken
        assert decisions["approve"].steps > 2
        length = decisions["approve"].steps
        late = decide_together(race, grant, ["deny"])
        assert "400" in late["deny"].complaint
        again = case.device.start()
        lengths = {"approve": length, "deny": length}
        order = ["deny", "approve"]
        history = history_of(race, again)
        beside = _beside_the_last(history)
        decisions = decide_together(race, again, order, lengths=lengths, beside=beside)
        history.settle()
        assert decisions["deny"].taken
        assert not decisions["approve"].taken
        assert len(history.exchanges) == 1


def test_a_browser_that_is_ahead_wins():
    with in_process() as case:
        race = Race(case)
        length = decide_together(race, case.device.start(), ["approve"])["approve"].steps
        for lead, winner in ((1, "deny"), (-1, "approve")):
            lengths = {"approve": length, "deny": length}
            order = ["deny", "approve"]
            decisions = decide_together(race, case.device.start(), order, lengths=lengths, lead=lead)
            assert [action for action, decision in decisions.items() if decision.taken] == [winner]


def test_a_broken_user_module_is_an_error_of_the_suite():
    def broken(http, _grant):
        http.get("/device")
        raise ZeroDivisionError

    with in_process() as case:
        user = mock.Mock(approve=broken)
        with mock.patch.object(case.run.target, "user", user), pytest.raises(ZeroDivisionError):
            decide_together(Race(case), case.device.start(), ["approve"])


def test_others_may_keep_the_user_for_longer_than_a_step_takes():
    @contextmanager
    def later(*, alone):
        time.sleep(0.0 if alone else 0.4)
        yield

    with in_process() as case, mock.patch("device_grant.server.pages.deciding.PATIENCE", 0.3):
        case.run.user.admitted = later
        assert decide_together(Race(case), case.device.start(), ["approve"])["approve"].taken


def test_browsers_end_where_a_step_breaks():
    with in_process() as case:
        race, grant = Race(case), case.device.start()
        with mock.patch.object(race, "overlap", side_effect=Untestable("no")), pytest.raises(Untestable):
            decide_together(race, grant, ["approve", "deny"])
        browsers = [thread for thread in threading.enumerate() if thread.name in ("approve", "deny")]
        for thread in browsers:
            thread.join(10)
        assert not any(thread.is_alive() for thread in browsers)


def test_a_user_who_comes_too_late_is_sent_away():
    gone = threading.Event()

    def late(http, _grant):
        gone.wait(10)
        http.get("/device")

    with in_process() as case:
        user = mock.Mock(approve=late)
        impatient = mock.patch("device_grant.server.pages.deciding.PATIENCE", 0.2)
        with mock.patch.object(case.run.target, "user", user), impatient, pytest.raises(UserModuleError):
            decide_together(Race(case), case.device.start(), ["approve"])
        browsers = [thread for thread in threading.enumerate() if thread.name == "approve"]
        gone.set()
        for thread in browsers:
            thread.join(10)
        assert not any(thread.is_alive() for thread in browsers)


def test_a_user_who_never_ends_is_stopped():
    def restless(http, _grant):
        for _ in range(1000):
            http.get("/device")
        raise UserError

    with in_process() as case:
        user = mock.Mock(approve=restless)
        with mock.patch.object(case.run.target, "user", user), pytest.raises(Exception, match="more than 100 requests"):
            decide_together(Race(case), case.device.start(), ["approve"])


def test_decisions_together_need_browsers():
    with in_process() as case:
        for user in (None, mock.Mock(pages=None)):
            with mock.patch.object(case.run.target, "user", user), pytest.raises(Untestable):
                require_browsers(case)


def test_without_rotation_parallel_refreshes_may_win():
    with in_process("refresh_token_reusable") as case, pytest.raises(NotApplicable):
        require_rotation(Device(case, case.device.client))


def test_rounds_go_on_within_their_time():
    with in_process() as case:
        plain = case.run.profile
        counted = {}
        for seconds in (0.0, 60.0):
            case.run.profile = replace(plain, race_rounds=2, race_seconds=seconds)
            counted[seconds] = list(rounds(case))
        case.run.profile = replace(plain, race_rounds=30, race_seconds=0.0)
        assert list(rounds(case))[-1] == 30
    assert {seconds: numbers[-1] for seconds, numbers in counted.items()} == {0.0: 2, 60.0: 12}


def test_a_race_says_how_many_rounds_it_took():
    """The lost one is the last; a race that holds is as weak as the few rounds in which requests happened to meet."""
    name, requirement = next(iter(CHECKS.items()))
    won, lost = run_check("embedded:rfc8628", name), run_check("embedded:rfc8628", name, faults=["redemption_race"])
    assert won.claims[requirement].measured == {"rounds": 12}
    assert 1 <= lost.claims[requirement].measured["rounds"] <= 12
    assert lost.verdicts[requirement] is Verdict.FAIL

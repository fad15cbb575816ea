"""Refresh tokens whose answers are lost: who is patient is not accused, and who never replaces them is."""

import asyncio
import time
from contextlib import suppress

import pytest
from odd_rules import NoRefresh
from peer_rfc import Honest
from peer_room import FOLDER, target_toml
from support.proof import catalogue, judged

from device_grant.catalogue import Verdict
from device_grant.engine import run_check
from device_grant.protocol import RFC8628
from device_grant.protocol.events import ConnectionDropped
from device_grant.reference.embedded import embedded
from device_grant.server.session.run import new_run
from device_grant.targets.load import read_target
from device_grant.targets.transports.in_process import AsgiTarget
from device_grant.targets.users import ModuleUser

LOST = "histories::test_lost_refreshes"
REPLAY = "rfc9700-4.14-refresh-replay-detection"


class Patient(Honest):
    """A replaced refresh token works on for half a minute, and brings new tokens each time."""

    seconds = 30

    def refresh(self, form, client):
        known = self.refreshes.get(form.get("refresh_token", ""))
        if known is None or not known.used:
            answer = super().refresh(form, client)
            known.first = time.time()
            return answer
        if self.patient_with(known):
            known.used = False
            first, answer = known.first, super().refresh(form, client)
            known.first = first
            return answer
        return super().refresh(form, client)

    def patient_with(self, known):
        return time.time() - known.first < self.seconds


class PatientWithTheUnused(Patient):
    """The same only as long as nobody has used the newest token of the family."""

    def patient_with(self, known):
        newest = [kept for kept in self.refreshes.values() if kept.family == known.family][-1]
        return not newest.used and super().patient_with(known)


class AnswersAlike(Honest):
    """Whoever presents a token again within half a minute gets the same answer again."""

    def __init__(self):
        super().__init__()
        self.sent = {}

    def refresh(self, form, client):
        at, answer = self.sent.get(form.get("refresh_token", ""), (0, None))
        if answer is not None and time.time() - at < 30:
            return answer
        answer = super().refresh(form, client)
        self.sent[form["refresh_token"]] = (time.time(), answer)
        return answer


class UndoesWhatNobodySaw(Honest):
    """A refresh whose answer could not be sent is undone before anything else is done."""

    async def __call__(self, scope, receive, send):
        before = {name: kept.used for name, kept in self.refreshes.items()}
        gone = False

        async def watched():
            nonlocal gone
            message = await receive()
            gone = gone or message["type"] == "http.disconnect"
            return message

        async def lossy(message):
            nonlocal gone
            if message["type"] == "http.response.start" and scope["path"] == self.token_path:
                with suppress(TimeoutError):
                    await asyncio.wait_for(watched(), 0.002)
                if gone and before != {name: kept.used for name, kept in self.refreshes.items()}:
                    self.refreshes = {name: kept for name, kept in self.refreshes.items() if name in before}
                    for name, kept in self.refreshes.items():
                        kept.used = before[name]
            await send(message)

        if scope.get("path") == self.token_path:
            async with self.turn:
                await super().__call__(scope, watched, lossy)
        else:
            await super().__call__(scope, receive, send)

    def __init__(self):
        super().__init__()
        self.turn = asyncio.Lock()


class NeverReplaces(Honest):
    """The refresh token that came first is the only one."""

    def refresh(self, form, client):
        known = self.refreshes.get(form.get("refresh_token", ""))
        before = set(self.refreshes)
        answer = super().refresh(form, client)
        known.used = False
        self.refreshes = {name: kept for name, kept in self.refreshes.items() if name in before}
        body = answer.body.replace(b'"refresh_token"', b'"x"')
        return type(answer)(answer.status, body, answer.headers)


class EndsWithTheMinute(Honest):
    """Refresh tokens live a minute, whatever becomes of them."""

    def refresh(self, form, client):
        self.made = getattr(self, "made", {})
        now = time.time()
        for name in self.refreshes:
            self.made.setdefault(name, now)
        if now - self.made.get(form.get("refresh_token", ""), now) > 60:
            self.refreshes.pop(form["refresh_token"], None)
        return super().refresh(form, client)


class PatientForGood(Patient):
    """A replaced refresh token works on, for whoever may not have got the answer."""

    seconds = 10**9


def outcome_of(peer, tmp_path, name=LOST):
    file = tmp_path / "target.toml"
    file.write_text(target_toml(peer))
    located = read_target(file)
    with AsgiTarget(located, ModuleUser(FOLDER / located.config.user.module), app=peer()) as target:
        [outcome] = judged(target, [name], 1)
        return outcome


HONEST = (Honest, Patient, PatientWithTheUnused, AnswersAlike, UndoesWhatNobodySaw, EndsWithTheMinute)


@pytest.mark.parametrize("peer", HONEST, ids=lambda peer: peer.__name__)
def test_patience_with_a_lost_answer_is_no_fork(peer, tmp_path):
    outcome = outcome_of(peer, tmp_path)
    assert outcome.verdicts[REPLAY] is Verdict.PASS, (outcome.verdicts, outcome.stop)
    assert any(isinstance(entry, ConnectionDropped) for entry in outcome.transcript)


def test_patience_without_end_is_accused(tmp_path):
    outcome = outcome_of(PatientForGood, tmp_path)
    assert outcome.verdicts[REPLAY] is Verdict.FAIL
    assert outcome.claims[REPLAY].got == "no order explains these answers"


@pytest.mark.parametrize(
    ("peer", "words"), [(NeverReplaces, "not replaced"), (NoRefresh, "no refresh token")], ids=["kept", "none"]
)
def test_where_nothing_is_replaced_there_is_nothing_to_judge(peer, words, tmp_path):
    outcome = outcome_of(peer, tmp_path)
    assert set(outcome.verdicts.values()) == {Verdict.NOT_APPLICABLE}
    assert words in str(outcome.stop)


def test_a_fault_of_lost_answers_is_not_seen_where_none_is_lost():
    """What the races of refreshes and the replay say of it: nothing; that is what the history is for."""
    with embedded(RFC8628, ["lost_refresh_repeats"]) as target:
        run = new_run(target, RFC8628, catalogue())
        said = {
            name: bool(run_check(run, name).broken)
            for name in ("races::test_simultaneous_refresh", "refresh::test_replayed_refresh_token", LOST)
        }
        run.close()
    assert list(said.values()) == [False, False, True]

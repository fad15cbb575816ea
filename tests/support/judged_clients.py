"""Small clients as the command line opens them, and what the scenarios say of one."""

from __future__ import annotations

from device_grant.client.drivers.config import Claims
from device_grant.client.session.run import ClientRun
from device_grant.engine import BROKEN, run_check
from device_grant.protocol import RFC8628, dialect
from support.client_proof import catalogue, scenarios
from support.small_client import GiveUp, SmallClient

OTHERS = (
    "answers::test_token_type_spelling",
    "answers::test_long_values",
    "network::test_truncated_answers",
    "waiting::test_no_interval",
    "waiting::test_pending_until_approved",
    "waiting::test_slow_down_at_first",
    "starting::test_member_order",
    "starting::test_special_device_code",
)
"""Scenarios that all need a login which works."""


def opened(client):
    """As the command line opens it: with the first login."""
    run = ClientRun(client, dialect(RFC8628), catalogue())
    run.handshake()
    return run


def judged(run, *names):
    """The verdicts of these scenarios by requirement, and what is broken in them or in the eyes of the rules."""
    verdicts, broken = {}, set()
    for name in names:
        said = run_check(run, scenarios()[name])
        for requirement, verdict in said.verdicts.items():
            verdicts.setdefault(requirement, set()).add(verdict)
        broken |= {requirement for requirement, verdict in said.verdicts.items() if verdict in BROKEN}
        broken |= {requirement for by_one in said.broken_invariants.values() for requirement in by_one}
    return verdicts, broken


class Plain(SmallClient):
    claims = Claims(registration=False)
    parameters: tuple[tuple[str, str], ...] | None = None
    """Parameters of a poll, `{code}` standing for the device code; an empty client_id takes that away."""
    fatal = ""

    def poll_members(self, said):
        if self.parameters is None:
            return super().poll_members(said)
        return {name: value.format(code=said["device_code"]) for name, value in self.parameters}

    def members(self, answer):
        said = super().members(answer)
        if said.get("error") == self.fatal:
            raise GiveUp(self.fatal)
        return said


class ShowsTheMessage(Plain):
    def say(self, line):
        super().say(self.message if line.startswith("open ") else line)

    def members(self, answer):
        said = super().members(answer)
        if "user_code" in said:
            if "message" not in said:
                raise GiveUp("no message")
            self.message = said["message"]
        return said

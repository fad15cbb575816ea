"""Machines of the reference server and of peers, learned in this process."""

import msgspec

from device_grant.catalogue import load
from device_grant.learning.abilities import actors_for
from device_grant.learning.asking import Asking, Budget
from device_grant.learning.inputs import SETS, sets_of
from device_grant.learning.learn import GAP, learn_set
from device_grant.learning.oracle import suite
from device_grant.learning.record import record_of
from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.reference.embedded import embedded
from device_grant.reference.server.faults import Faults
from device_grant.server.session.run import new_run
from device_grant.targets.config import LearningSection

SECURITY = """
code_reusable
redemption_forgotten
redeemed_says_denied
foreign_client_redeems
expired_code_redeemable
expired_code_approvable
expired_still_pending
decision_reversible
denial_after_approval_ignored
denial_then_token
token_before_approval
approval_for_all_devices
token_endpoint_skips_secret
refresh_token_reusable
""".split()  # noqa: SIM905 - one a line is read more easily
"""Faults of requirements on security that a machine shows."""


def learned_of(target, inputs, extra=1, seconds=120.0, requests=50_000):
    """By name of set what became of it, of a target that is not yet started."""
    with target, target.clock:
        run = new_run(target, target.config.dialect, load())
        try:
            return {
                name: learn_set(run, name, stimuli, extra=extra, budget=Budget(seconds, requests))
                for name, stimuli in sets_of(inputs).items()
            }
        finally:
            run.close()


def learned_reference(dialect, inputs, *faults, **bounds):
    """The same of the reference server with faults; of the only set."""
    [result] = learned_of(embedded(dialect, faults), inputs, **bounds).values()
    return result


def recorded_reference(dialect, inputs, *faults, left_out=(), **bounds):
    """The record of the reference server's machine, as it is written to a file; `left_out` is said by target.toml."""
    target = embedded(dialect, faults)
    learning = LearningSection(left_out=dict.fromkeys(left_out, "there is no way"))
    target.config = msgspec.structs.replace(target.config, learning=learning)
    with target, target.clock:
        run = new_run(target, dialect, load())
        try:
            [(name, stimuli)] = sets_of(inputs).items()
            budget = Budget(bounds.get("seconds", 120.0), bounds.get("requests", 50_000))
            return record_of(learn_set(run, name, stimuli, extra=1, budget=budget), run, ["device-grant", "learn"])
        finally:
            run.close()


def parted(fault, name, honest):
    """The first word of the transitions of an honest machine that a faulty reference answers otherwise; or none.

    Raises NotLearnableError where the fault leaves nothing to ask, and NonDeterminismError or ForgottenError where the
    same word is answered in two ways.
    """
    dialect = dialect_of(fault)
    with embedded(dialect, [fault]) as target, target.clock:
        run = new_run(target, dialect, load())
        try:
            actors, left_out = actors_for(run, SETS[name])
            asking = Asking(actors, Budget(120, 20_000), gap=GAP)
            for word in suite(honest.machine, 0):
                asked = tuple(letter for letter in word if letter not in left_out)
                answers = asking.answers(asked)
                if answers != honest.machine.answers(asked)[: len(answers)]:
                    return asked
            return ()
        finally:
            run.close()


def dialect_of(fault):
    """The dialect in which a fault shows."""
    dialects = next(dialects for name, dialects, _ in Faults.catalogue() if name == fault)
    return RFC8628 if RFC8628 in dialects else AWS_SSO_OIDC

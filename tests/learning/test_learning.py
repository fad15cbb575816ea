"""The reference server is learned to the end and breaks nothing; a fault of its state machine shows in a short word."""

import pytest
from support.learned import learned_reference

from device_grant.errors import ExitCode
from device_grant.learning.inputs import SETS
from device_grant.learning.machine import differences, spoken
from device_grant.learning.word import NotLearnableError
from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.reference.server.faults import Faults

STATES = {"basic": 6, "strangers": 4, "time": 8, "two": 8, "tokens": 11}


FAULTS = """
pending_as_invalid_grant | basic | poll_polite | rfc8628-3.5-authorization-pending
pending_consumes_code | basic | poll_polite poll_polite | rfc8628-3.5-pending-is-not-terminal
token_before_approval | basic | poll_polite | rfc8628-3.5-no-token-before-approval
approval_ignored | basic | approve poll_polite | rfc8628-3.5-success-after-approval
denial_ignored | basic | deny poll_polite | rfc8628-3.5-access-denied
denial_then_token | basic | deny poll_polite poll_polite | rfc8628-3.5-access-denied-terminal
code_reusable | basic | approve poll_polite poll_polite | rfc8628-3.5-device-code-single-use
redemption_forgotten | basic | approve poll_polite expire poll_polite | rfc8628-3.5-device-code-single-use
foreign_client_redeems | basic | poll_foreign | rfc8628-3.4-code-bound-to-client
foreign_poll_counts | basic | poll_foreign poll_now | rfc8628-3.5-foreign-poll-not-counted
foreign_poll_starves | basic | poll_foreign approve poll_polite | rfc8628-3.4-foreign-poll-harmless
expired_still_pending | basic | expire poll_polite | rfc8628-3.5-no-pending-after-expiry
expired_code_approvable | basic | expire approve poll_polite | rfc8628-3.5-approved-then-expired
slow_down_polite | basic | poll_polite poll_polite | rfc8628-3.5-server-no-slow-down-when-polite
early_poll_discards_approval | basic | poll_polite approve poll_now poll_polite | rfc8628-3.5-approved-fast-poll
early_poll_429 | basic | poll_polite poll_now | rfc8628-3.5-server-may-slow-down
bad_request_spends_code | strangers | approve poll_malformed poll_polite | rfc8628-3.5-success-after-approval
wrong_secret_spends_code | strangers | approve poll_wrong_secret poll_polite | rfc8628-3.4-wrong-secret-spends-nothing
token_endpoint_skips_secret | strangers | poll_wrong_secret | rfc8628-3.4-credentialed-client-enforced
expires_early | time | half_life poll_polite | rfc8628-3.5-no-early-expiry
user_code_expires_early | time | approve_late | rfc8628-3.5-no-early-expiry
approval_for_all_devices | two | poll_polite | rfc8628-3.5-no-token-before-approval
refresh_refused | tokens | approve poll_polite refresh | rfc6749-6-server-validates
refresh_token_reusable | tokens | approve poll_polite refresh replay | rfc9700-4.14-refresh-replay-detection
"""
"""Fault, inputs, the shortest word that ends red, and what it breaks."""


@pytest.mark.parametrize("dialect", [RFC8628, AWS_SSO_OIDC])
@pytest.mark.parametrize("name", SETS)
def test_the_honest_reference_is_learned_to_the_end(dialect, name):
    result = learned_reference(dialect, name)
    assert (result.complete, result.stopped, result.left_out) == (True, "", {})
    assert len(result.machine) == STATES[name]
    assert (result.edges, result.disagreements, result.remarks, result.too_long) == ([], {}, [], 0)
    assert result.bound == STATES[name] + 1
    assert result.requests < 8_000


def test_basic_costs_no_more_than_it_has_to():
    assert learned_reference(RFC8628, "basic").requests <= 3_000


@pytest.mark.parametrize("row", FAULTS.strip().splitlines(), ids=lambda row: row.partition(" ")[0])
def test_a_fault_shows_in_the_shortest_word(row):
    fault, inputs, word, requirement = row.split(" | ")
    assert getattr(Faults.named(fault), fault)
    result = learned_reference(RFC8628, inputs, fault)
    red = {" ".join(edge.word): edge.requirement.id for edge in result.red}
    assert red.get(word) == requirement, [spoken(edge.word, edge.answers) for edge in result.edges]
    assert min(len(edge.word) for edge in result.red) <= len(word.split())


def test_two_versions_part_at_the_shortest_word():
    honest, faulty = learned_reference(RFC8628, "basic"), learned_reference(RFC8628, "basic", "redeemed_says_denied")
    first = differences(honest.machine, faulty.machine)[0]
    assert (first.one, first.other) == ("invalid_grant", "denied")
    assert first.word == ("approve", "poll_polite", "poll_polite")


def test_nothing_is_said_of_an_unfinished_machine():
    result = learned_reference(RFC8628, "basic", "code_reusable", requests=300)
    assert not result.complete
    assert result.stopped == "300 requests were sent (--requests)"
    assert result.edges == []


def test_time_runs_out_on_the_real_clock():
    result = learned_reference(RFC8628, "basic", seconds=0.05)
    assert result.stopped == "the time of 0.05 s is over (--budget)"


def test_a_server_that_starts_no_grant_is_not_learned():
    with pytest.raises(NotLearnableError, match="device-grant doctor") as caught:
        learned_reference(RFC8628, "basic", "device_code_missing")
    assert caught.value.exit_code is ExitCode.NOTHING_RAN

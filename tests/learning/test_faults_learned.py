"""Each fault that changes the machine of the reference shows in a red word, and the printed command shows it again."""

import os
import re
import shlex
import zlib
from functools import cache

import pytest
from click.testing import CliRunner
from support.learned import dialect_of, learned_reference, parted

from device_grant.cli import cli
from device_grant.learning.endings import NotLearnableError
from device_grant.learning.inputs import SETS
from device_grant.protocol import RFC8628
from device_grant.reference.server.faults import Faults

ALL = "DEVICE_GRANT_ALL_FAULTS"
"""Set: every fault is asked whether it changes a machine. Otherwise a twentieth of them."""
SHORT = {"REPLAY": "rfc9700-4.14-refresh-replay-detection", "PER_CODE": "rfc8628-3.5-interval-per-code"}
RED = """
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
expires_early | poll,approve,half_life | half_life poll_polite | rfc8628-3.5-no-early-expiry
user_code_expires_early | poll,approve,approve_late | approve_late | rfc8628-3.5-no-early-expiry
approval_for_all_devices | poll,approve,start_second | poll_polite | rfc8628-3.5-no-token-before-approval
refresh_refused | poll,approve,refresh | approve poll_polite refresh | rfc6749-6-server-validates
refresh_token_reusable | poll,approve,refresh,replay | approve poll_polite refresh replay | REPLAY
no_mitigation | basic | deny approve poll_polite | rfc8628-3.5-access-denied-terminal
decline_does_nothing | basic | deny poll_polite | rfc8628-3.5-access-denied
denial_as_invalid_grant | basic | deny poll_polite | rfc8628-3.5-access-denied
pending_misspelt | basic | poll_polite | rfc8628-3.5-authorization-pending
slow_down_after_denial | basic | deny poll_polite | rfc8628-3.5-slow-down-only-while-pending
slow_down_ends_session | basic | poll_polite poll_now poll_polite | rfc8628-3.5-server-slow-down-keeps-session
slow_down_adds_a_minute | basic | poll_polite poll_now poll_polite | rfc8628-3.5-server-accepts-increased-interval
slow_down_doubles | basic | poll_polite poll_now poll_now poll_polite | rfc8628-3.5-server-accepts-increased-interval
stranger_told_state | basic | poll_foreign | rfc8628-3.4-code-bound-to-client
redeemed_says_denied | basic | approve poll_polite poll_polite | rfc8628-3.5-denied-means-denied
decision_reversible | basic | deny approve poll_polite | rfc8628-3.5-access-denied-terminal
expired_code_redeemable | basic | approve expire poll_polite | rfc8628-3.5-approved-then-expired
denial_after_approval_ignored | basic | deny poll_polite | rfc8628-3.5-access-denied-terminal
approval_ends_early | poll,approve,approve_late | approve approve_late poll_polite | rfc8628-3.5-no-early-expiry
interval_per_client | poll,start_second,poll_second | start_second poll_polite poll_second | PER_CODE
user_code_repeated | poll,approve,start_second | start_second approve poll_polite | rfc8628-3.2-codes-side-by-side
device_code_repeated | poll,approve,start_second | approve start_second poll_polite | rfc8628-3.2-codes-side-by-side
error_member_missing | basic | poll_polite | rfc8628-3.5-authorization-pending
error_body_empty | basic | poll_polite | rfc8628-3.5-authorization-pending
error_code_unregistered | basic | poll_foreign | rfc8628-3.4-code-bound-to-client
error_code_quoted | basic | poll_foreign | rfc8628-3.4-code-bound-to-client
missing_grant_type_accepted | strangers | poll_malformed | rfc6749-5.2-invalid-request-missing
missing_client_polls | strangers | poll_wrong_secret | rfc8628-3.4-credentialed-client-enforced
device_code_not_read | basic | poll_polite | rfc8628-3.5-authorization-pending
grant_urn_misspelt | basic | poll_polite | rfc8628-3.5-authorization-pending
access_token_missing | basic | approve poll_polite | rfc8628-3.5-success-after-approval
tokens_wrapped | basic | approve poll_polite | rfc8628-3.5-success-after-approval
registration_repeated | basic | poll_foreign | rfc8628-3.4-code-bound-to-client
known_client_approved_by_code | strangers | approve | rfc8628-3.3-approve-or-deny
known_client_approves_on_get | strangers | approve | rfc8628-3.3-approve-or-deny
"""
"""Fault, inputs, the shortest word that ends red, and what it breaks."""
LATITUDE = {
    "refresh_family_survives": "tokens",
    "reuse_keeps_tokens": "tokens",
    "public_clients_refused": "strangers",
    "public_secret_required": "strangers",
    # That the pages took a decision says not yet that they asked for one: the check has a control for that.
    "second_approval_replaces_user": "basic",
    "redeemed_user_code_accepted": "basic",
}
"""Faults that change a machine in what the texts leave open, with the set that shows it."""
TWO_MINDS = {"user_codes_recycled": "two", "revocation_misses_a_replica": "tokens"}
"""Faults that answer the same word in several ways, with the set that shows it."""
OTHERS = [name for name, _, _ in Faults.catalogue() if name not in {row.split()[0] for row in RED.strip().splitlines()}]


def run(command):
    program, *words = shlex.split(command)
    assert program == "device-grant"
    result = CliRunner().invoke(cli, words, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.return_value, result.output


def printed(output):
    """By word: what a red edge is said to break, and the command that is printed below it."""
    lines = output.splitlines()
    said, red = "", {}
    for line in lines:
        said = line.split()[0] if _BROKEN.match(line) else said
        if line.strip().startswith("device-grant learn "):
            red[shlex.split(line)[-1]] = (said, line.strip())
    return red


_BROKEN = re.compile(r" {4}\S+ \([A-Z]+")


@pytest.mark.parametrize("row", RED.strip().splitlines(), ids=lambda row: row.partition(" ")[0])
def test_a_fault_shows_in_the_shortest_word_and_the_printed_command_shows_it_again(row):
    fault, inputs, word, requirement = row.split(" | ")
    requirement = SHORT.get(requirement, requirement)
    code, output = run(f"device-grant learn embedded:{dialect_of(fault)} --fault {fault} --inputs {inputs}")
    red = printed(output)
    assert code == 1
    assert word in red, output
    assert red[word][0] == requirement
    assert min(len(one.split()) for one in red) == len(word.split())
    code, output = run(red[word][1])
    assert code == 1
    assert re.search(rf"{word.split()[-1]} / \S+ breaks {requirement}", " ".join(output.split())), output


@cache
def honest(dialect, name):
    return learned_reference(dialect, name)


@pytest.mark.parametrize(
    "fault",
    [
        name
        for name in OTHERS
        if name not in {**LATITUDE, **TWO_MINDS} and (os.environ.get(ALL) or zlib.crc32(name.encode()) % 20 == 0)
    ],
)
def test_every_other_fault_leaves_the_machines_as_they_are_or_nothing_to_learn(fault):
    for name in SETS:
        try:
            assert parted(fault, name, honest(dialect_of(fault), name)) == ()
        except NotLearnableError as reason:
            assert "no client" in str(reason) or "was refused" in str(reason)  # noqa: PT017 - what it says is the point


@pytest.mark.parametrize("fault", LATITUDE)
def test_what_the_texts_leave_open_is_another_machine_and_not_red(fault):
    result = learned_reference(RFC8628, LATITUDE[fault], fault)
    assert result.complete
    assert result.red == []
    assert len(result.edges) > len(honest(RFC8628, LATITUDE[fault]).edges)


@pytest.mark.parametrize("fault", TWO_MINDS)
def test_what_chance_decides_is_said_with_its_words_and_nothing_is_claimed(fault):
    result = learned_reference(RFC8628, TWO_MINDS[fault], fault)
    assert not result.complete
    assert result.edges == []
    assert all(len(seen) > 1 for seen in result.disagreements.values())
    assert result.disagreements


def test_an_interval_above_the_life_leaves_refreshes_out():
    result = learned_reference(RFC8628, "tokens", "interval_above_lifetime")
    assert "the first poll comes too late" in result.left_out["refresh"]
    assert not result.complete
    assert result.edges == []

"""What can be judged of an odd peer is judged, and what does not apply to it says so: neither is untestable."""

from __future__ import annotations

import pytest
from peer_room import FOLDER, PEERS, target_toml
from support.proof import judged

from device_grant.catalogue import Verdict
from device_grant.cli import main
from device_grant.targets.load import read_target
from device_grant.targets.transports.in_process import AsgiTarget
from device_grant.targets.users import ModuleUser

PASS, NOT_APPLICABLE, INCONCLUSIVE = Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.INCONCLUSIVE
SETTLED = [
    ("NobodyPublic", "user_decision::test_approval", {PASS}),
    ("NobodyPublic", "registration::test_register_a_client", {PASS}),
    ("NobodyPublic", "registration_metadata::test_public_client_gets_no_secret", {NOT_APPLICABLE}),
    ("NobodyPublic", "registration_metadata::test_public_client_needs_no_secret", {NOT_APPLICABLE}),
    ("PostOnly", "client_authentication::test_wrong_secret_at_start", {PASS}),
    ("PostOnly", "entropy::test_client_secrets_cannot_be_guessed", {PASS}),
    ("BasicOnly", "client_authentication::test_credentials_in_the_body", {NOT_APPLICABLE}),
    ("NoRegistration", "registration::test_register_a_client", {NOT_APPLICABLE}),
    ("NoRegistration", "registration::test_expired_registration_is_refused", {NOT_APPLICABLE}),
    ("InitialAccessToken", "registration::test_register_a_client", {PASS}),
    ("InitialAccessToken", "user_decision::test_approval", {PASS}),
    ("Honest", "registration_metadata::test_default_grant_types", {NOT_APPLICABLE}),
    ("Honest", "device_authorization::test_client_without_the_grant", {PASS}),
    ("OneScopeForAll", "scope::test_order_of_scopes", {NOT_APPLICABLE}),
    ("OneScopeForAll", "scope::test_narrowed_scope_is_reported", {PASS}),
    ("NoScopes", "scope::test_order_of_scopes", {NOT_APPLICABLE}),
    ("NoMetadata", "scope::test_order_of_scopes", {PASS}),
    ("Lockout", "verification_page::test_wrong_codes_are_slowed_down", {PASS}),
    ("WaitingRoom", "verification_page::test_wrong_codes_are_slowed_down", {PASS}),
    ("NotFoundForWrongCode", "page_security::test_script_in_the_user_code", {PASS}),
    ("NotFoundForWrongCode", "verification_page::test_wrong_codes_are_slowed_down", {PASS}),
    ("ApiPages", "verification_page::test_confirmation_names_the_client", {PASS}),
    ("ApiPages", "verification_page::test_confirmation_speaks_of_the_device", {INCONCLUSIVE}),
    ("ApiPages", "verification_page::test_wrong_codes_are_slowed_down", {PASS}),
    ("ApiPages", "page_security::test_script_in_the_user_code", {INCONCLUSIVE}),
    ("CodeBeforeClient", "client_authentication::test_token_request_without_the_grant", {INCONCLUSIVE}),
    *(
        (name, f"page_security::{check}", {PASS})
        for name in ("Selects", "Radios", "Checkboxes", "TwoSteps", "PasswordWithDecision", "ApiPages")
        for check in ("test_forged_approval", "test_approval_without_signing_in")
    ),
    ("PasswordWithDecision", "page_security::test_forms_of_nobody", {PASS}),
]
ONLY = "rfc8628-3.1-unknown-client-rejected"
THROTTLED = ("page_security::test_script_in_the_user_code", "verification_page::test_complete_address_brings_the_code")


def settled(name, checks, folder):
    file = folder / "target.toml"
    file.write_text(target_toml(PEERS[name]))
    located = read_target(file)
    with AsgiTarget(located, ModuleUser(FOLDER / located.config.user.module), app=PEERS[name]()) as target:
        return [set(outcome.verdicts.values()) for outcome in judged(target, checks, 10)]


@pytest.mark.parametrize(("name", "check", "verdicts"), SETTLED)
def test_peer_is_settled(name, check, verdicts, tmp_path):
    assert settled(name, [check], tmp_path) == [verdicts]


def test_a_code_that_ends_while_the_user_is_throttled_is_replaced(tmp_path):
    checks = ("page_security::test_script_in_the_user_code", "user_decision::test_approval")
    assert settled("OneMinute", checks, tmp_path) == [{PASS}, {PASS}]


@pytest.mark.parametrize("name", ["Honest", "WaitingRoom", "EarlyThrottle", "Lockout", "OwnRecord"])
def test_wrong_codes_of_one_check_do_not_tell_in_the_next(name, tmp_path):
    assert settled(name, THROTTLED, tmp_path) == [{PASS}, {PASS}]


def test_a_recording_holds_no_initial_access_token_and_plays_without_it(tmp_path, capsys):
    peer = PEERS["InitialAccessToken"]
    file = tmp_path / "target.toml"
    file.write_text(target_toml(peer))
    out = tmp_path / "cassette"
    with pytest.raises(SystemExit) as done:
        main(["record", str(file), "--out", str(out), "--only", ONLY])
    said = capsys.readouterr()
    assert done.value.code == 0, said.out + said.err
    assert "not carried" not in said.out
    assert not [kept for kept in out.iterdir() if peer.initial_token in kept.read_text()]


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("Television", Verdict.PASS), ("", Verdict.INCONCLUSIVE), ("Refrigerator", Verdict.WARN)],
)
def test_the_name_that_pages_show_is_told_by_target_toml(tmp_path, name, verdict):
    text = target_toml(PEERS["NamedOnItsPages"]).replace('"Television"', f'"{name}"')
    (tmp_path / "target.toml").write_text(text, "utf-8")
    located = read_target(tmp_path / "target.toml")
    target = AsgiTarget(located, ModuleUser(FOLDER / "person.py"), app=PEERS["NamedOnItsPages"]())
    with target:
        (outcome,) = judged(target, ["verification_page::test_confirmation_names_the_client"], 10)
    assert outcome.verdicts["rfc8628-5.4-display-device-info"] is verdict

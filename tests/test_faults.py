"""Every fault changes what can be seen from outside, in every dialect that it names; the honest server is steady."""

from __future__ import annotations

import pytest
from fault_probes import (
    TOKEN,
    after_slow_down,
    approval,
    bad_secret_at_start,
    bad_secret_at_token,
    basic,
    both_methods,
    broken_body,
    broken_form,
    challenge,
    denial,
    described,
    device_codes,
    device_members,
    error_body,
    expired_approved,
    expired_pending,
    foreign,
    form,
    from_query,
    got_by_get,
    hasty_approved,
    hasty_status,
    labels,
    late,
    late_user_code,
    media_type_parameter,
    no_client,
    no_device_code,
    no_grant_type,
    no_secret,
    nulls,
    odd_grant_type,
    other_media_type,
    other_method,
    patient,
    pending,
    pending_twice,
    race,
    reflected,
    repeated_names,
    replay,
    truncated_code,
    unknown_client,
    unknown_code,
    unknown_parameter,
    unregistered_grant,
    upper_code,
    uris,
    user_code_polled,
    user_codes,
)
from fault_probes_more import (
    access_tokens,
    aws_raw,
    aws_registration,
    bad_redirect,
    broken_scope,
    caching,
    confirmation,
    document,
    error_names,
    farewell,
    forged_form,
    forged_host,
    framing,
    guessing,
    lower_case,
    metadata_types,
    named_script,
    odd_start_url,
    old_registration,
    opened_complete,
    public_secret,
    refresh_elsewhere,
    refresh_narrower,
    refresh_twice,
    refresh_unknown,
    refresh_wider,
    refresh_without_token,
    registered,
    request_ids,
    second_decision,
    secrets_differ,
    spelling,
    stranger,
    token_members,
    typed_script,
    unknown_path,
    unknown_scope,
)
from reference_support import POST_CLIENT, Server

from conformance.errors import UsageError
from conformance.protocol import (
    AWS_SSO_OIDC,
    RFC8628,
    Client,
    Response,
    dialect,
)
from conformance.reference import Faults, Settings, create_app

PROBES = {
    "pending_status_401": pending,
    "pending_status_200": pending,
    "pending_as_invalid_grant": pending,
    "pending_misspelt": pending,
    "pending_consumes_code": pending_twice,
    "token_before_approval": pending,
    "approval_ignored": approval,
    "denial_ignored": denial,
    "denial_as_invalid_grant": denial,
    "denial_then_token": denial,
    "code_reusable": replay,
    "redemption_race": race,
    "foreign_client_redeems": foreign,
    "unknown_code_pending": unknown_code,
    "unknown_code_404": unknown_code,
    "unknown_code_slow_down": unknown_code,
    "device_code_prefix_accepted": truncated_code,
    "device_code_case_ignored": upper_code,
    "user_code_as_device_code": user_code_polled,
    "expired_still_pending": expired_pending,
    "expired_code_redeemable": expired_approved,
    "expires_early": late,
    "user_code_expires_early": late_user_code,
    "slow_down_polite": patient,
    "slow_down_ends_session": after_slow_down,
    "slow_down_adds_a_minute": after_slow_down,
    "early_poll_429": hasty_status,
    "early_poll_discards_approval": hasty_approved,
    "device_code_repeated": device_codes,
    "device_code_short": device_codes,
    "user_code_repeated": user_codes,
    "user_code_short": user_codes,
    "user_code_confusable": user_codes,
    "user_code_in_verification_uri": uris,
    "verification_uri_relative": uris,
    "verification_uri_long": uris,
    "complete_uri_constant": uris,
    "device_code_missing": device_members,
    "user_code_missing": device_members,
    "verification_uri_missing": device_members,
    "expires_in_missing": device_members,
    "expires_in_string": device_members,
    "expires_in_negative": device_members,
    "interval_string": device_members,
    "interval_negative": device_members,
    "device_response_201": device_members,
    "get_issues_codes": got_by_get,
    "json_as_html": labels,
    "duplicate_members": repeated_names,
    "null_members": nulls,
    "error_member_missing": error_body,
    "error_description_newline": error_body,
    "secrets_reflected": reflected,
    "allow_missing": other_method,
    "malformed_body_500": broken_body,
    "wrong_content_type_500": other_media_type,
    "content_type_parameter_refused": media_type_parameter,
    "missing_device_code_500": no_device_code,
    "missing_grant_type_accepted": no_grant_type,
    "unknown_grant_type_accepted": odd_grant_type,
    "unknown_parameters_refused": unknown_parameter,
    "duplicates_accepted": form(b"client_id=device-client&client_id=device-client"),
    "empty_parameters_kept": form(b"client_id=device-client&scope="),
    "query_parameters_read": from_query,
    "device_endpoint_skips_secret": bad_secret_at_start,
    "token_endpoint_skips_secret": bad_secret_at_token,
    "secret_optional": no_secret,
    "unknown_client_accepted": unknown_client,
    "missing_client_accepted": no_client,
    "grant_not_checked": unregistered_grant,
    "challenge_missing": challenge,
    "basic_failure_400": challenge,
    "basic_unsupported": basic(lambda header: header),
    "basic_not_decoded": basic(lambda header: header),
    "basic_scheme_case_sensitive": basic(lambda header: header.replace("Basic", "basic")),
    "two_methods_accepted": both_methods,
    "token_response_cacheable": caching,
    "device_response_cacheable": caching,
    "access_token_missing": token_members,
    "token_type_missing": token_members,
    "token_expires_in_string": token_members,
    "access_token_guessable": access_tokens,
    "access_token_repeated": access_tokens,
    "scope_unreported": unknown_scope,
    "malformed_scope_accepted": broken_scope,
    "refresh_token_reusable": refresh_twice,
    "refresh_foreign_client": refresh_elsewhere,
    "refresh_unknown_accepted": refresh_unknown,
    "refresh_widens_scope": refresh_wider,
    "refresh_narrowing_sticks": refresh_narrower,
    "missing_refresh_token_500": refresh_without_token,
    "registration_status_wrong": registered,
    "registration_secret_repeated": secrets_differ,
    "registration_takes_client_id": registered,
    "registration_public_secret": public_secret,
    "registration_metadata_dropped": registered,
    "registration_types_unchecked": metadata_types,
    "redirect_uri_unchecked": bad_redirect,
    "secret_expiry_missing": registered,
    "metadata_lacks_device_endpoint": document,
    "metadata_lacks_grant": document,
    "metadata_issuer_differs": document,
    "metadata_empty_array": document,
    "host_header_trusted": forged_host,
    "error_type_missing": error_names,
    "error_type_disagrees": error_names,
    "request_id_missing": request_ids,
    "invalid_client_400": bad_secret_at_start,
    "snake_case_members": spelling,
    "numbers_as_strings": spelling,
    "error_description_camel_case": error_names,
    "expired_registration_accepted": old_registration,
    "client_type_ignored": aws_registration(client_type="confidential"),
    "start_url_ignored": odd_start_url,
    "unknown_scopes_accepted": aws_registration(scopes=["nope:nope"]),
    "member_case_ignored": aws_raw(b'{"CLIENTNAME":"x","clienttype":"public"}'),
    "types_coerced": aws_raw(b'{"clientName":5,"clientType":"public"}'),
    "null_refused": aws_raw(b'{"clientName":"x","clientType":"public","scopes":null}'),
    "unknown_operation_500": unknown_path,
    "approves_on_get": opened_complete,
    "sign_in_skipped": stranger,
    "csrf_unchecked": forged_form,
    "user_code_unescaped": typed_script,
    "client_name_unescaped": named_script,
    "guesses_unthrottled": guessing,
    "user_code_strict": lower_case,
    "code_not_shown": confirmation,
    "client_not_shown": confirmation,
    "possession_not_asked": confirmation,
    "denial_impossible": confirmation,
    "decision_reversible": second_decision,
    "no_return_instruction": farewell,
    "page_frameable": framing,
}
CASES = [(name, spoken) for name, dialects, _ in Faults.catalogue() for spoken in dialects]


@pytest.mark.parametrize(("name", "spoken"), CASES)
def test_fault_shows(name, spoken):
    probe = PROBES[name]
    honest = probe(Server(spoken))
    assert probe(Server(spoken)) == honest, "the probe is not steady"
    assert probe(Server(spoken, (name,))) != honest


def test_malformed_forms_too():
    assert broken_form(Server()) == 400
    assert broken_form(Server(faults=("malformed_body_500",))) == 500


def test_what_some_faults_do_exactly():
    assert pending(Server(faults=("pending_status_200",))) == (200, "authorization_pending")
    assert pending(Server(faults=("token_before_approval",))) == (200, "ok")
    assert race(Server(faults=("redemption_race",))) == [200] * 5
    assert replay(Server(faults=("code_reusable",))) == ["ok", "ok"]
    assert denial(Server(faults=("denial_then_token",))) == ["access_denied", "ok"]
    assert expired_approved(Server(faults=("expired_code_redeemable",))) == (200, "ok")
    assert expired_pending(Server(faults=("expired_still_pending",)))[1] == "authorization_pending"
    assert after_slow_down(Server(faults=("slow_down_ends_session",)))[1:] == ["slow_down", "invalid_grant"]
    assert described(Server(faults=("unknown_client_accepted",)).try_start(Client("nobody"))) == (200, "ok")
    assert no_client(Server(AWS_SSO_OIDC, ("missing_client_accepted",))) == (200, "ok")
    assert upper_code(Server(faults=("device_code_case_ignored",)))[1] == "authorization_pending"
    assert second_decision(Server(faults=("decision_reversible",))) == "ok"
    assert stranger(Server(faults=("sign_in_skipped",))) == "ok"


def test_every_fault_has_a_probe_and_a_documentation():
    catalogue = Faults.catalogue()
    assert {name for name, _, _ in catalogue} == set(PROBES)
    assert len(catalogue) >= 60
    assert len({documentation for _, _, documentation in catalogue}) == len(catalogue)
    assert all(documentation.endswith(".") for _, _, documentation in catalogue)
    assert all(dialects in ((RFC8628, AWS_SSO_OIDC), (RFC8628,), (AWS_SSO_OIDC,)) for _, dialects, _ in catalogue)


def test_named():
    faults = Faults.named("code_reusable", "expires_early")
    assert faults.code_reusable
    assert faults.active == ("code_reusable", "expires_early")
    assert Faults.named() == Faults()
    with pytest.raises(UsageError, match="unknown fault 'code_reuseable': did you mean code_reusable"):
        Faults.named("code_reuseable")
    with pytest.raises(UsageError, match="catalogue"):
        Faults.named("§§§§")


def test_faults_of_the_other_dialect_are_refused():
    with pytest.raises(UsageError, match="'error_type_missing' does not exist in dialect rfc8628"):
        create_app(Settings(), Faults.named("error_type_missing"))


def test_decoding_agrees_with_the_suite():
    response = Response(401, (("x-amzn-ErrorType", "InvalidClientException"),), b'{"error":"invalid_client"}')
    assert dialect(AWS_SSO_OIDC).decode(TOKEN, response).code == bad_secret_at_start(Server(AWS_SSO_OIDC))[1]
    assert described(Server().try_start(POST_CLIENT)) == (200, "ok")

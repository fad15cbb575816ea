"""What is sent to a server of somebody else: few checks, each a handful of good requests, the most telling first.

A check that is not in the plan is left out with its reason: a new one, too, until somebody has looked at what it sends.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from device_grant.judging import Spared
from device_grant.protocol import Operation, Purpose
from device_grant.protocol.reading import purpose_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.judging import Check
    from device_grant.protocol import Dialect, Exchange, Request
    from device_grant.targets.manners import Manners

PREFLIGHT = "main_path::test_main_path"
PLAN = (
    "device_authorization::test_start",
    "user_decision::test_approval",
    "user_decision::test_denial_is_final",
    "one_time_use::test_replay",
    "refresh::test_refresh",
    "device_authorization::test_start_response_members",
    "polling::test_pending",
    "polling::test_polite_polling",
    "registration::test_register_a_client",
    "registration::test_secret_of_a_registered_client",
    "aws_registration::test_register_client_members",
    "aws_registration::test_operations_are_unsigned_posts",
    "aws_registration::test_register_client_required",
    "aws_registration::test_register_client_type",
    "aws_registration::test_register_client_grant_types",
    "aws_registration::test_register_client_scopes",
    "aws_registration::test_register_client_redirect_uris",
    "registration::test_registration_is_open",
    "registration::test_refused_registrations",
    "registration_metadata::test_default_authentication_method",
    "registration_metadata::test_device_client_without_redirect_uris",
    "registration_metadata::test_public_client_gets_no_secret",
    "registration_metadata::test_public_client_needs_no_secret",
    "registration_metadata::test_metadata_is_returned",
    "registration_metadata::test_grant_type_is_the_urn",
    "restjson::test_members_of_another_kind",
    "polling::test_missing_device_code",
    "polling::test_unknown_device_code",
    "polling::test_unsupported_grant_type",
    "device_authorization::test_start_without_client",
    "device_authorization::test_start_by_unknown_client",
    "device_authorization::test_start_requires_members",
    "device_authorization::test_get_starts_nothing",
    "device_authorization::test_unknown_parameter_is_ignored",
    "device_authorization::test_scope_is_optional",
    "client_authentication::test_public_client",
    "client_authentication::test_basic_authentication",
    "client_authentication::test_wrong_secret_at_start",
    "client_authentication::test_token_request_without_the_grant",
    "grant_names::test_registered_names",
    "polling::test_unknown_token_parameter_is_ignored",
    "encoding::test_missing_grant_type",
    "encoding::test_names_are_case_sensitive",
    "encoding::test_values_are_case_sensitive",
    "encoding::test_space_is_plus_or_percent_20",
    "scope::test_omitted_scope",
    "scope::test_narrowed_scope_is_reported",
    "metadata::test_metadata_document",
    "metadata::test_metadata_required_members",
    "metadata::test_metadata_announces_the_device_grant",
    "metadata::test_metadata_lists",
    "metadata::test_metadata_lists_that_clients_look_for",
    "metadata::test_signing_algorithms",
    "metadata_location::test_metadata_location",
    "metadata_location::test_issuer_is_the_one_that_was_asked",
    "metadata_location::test_metadata_needs_tls",
    "metadata_promises::test_advertised_device_endpoint",
    "metadata_promises::test_public_clients_are_announced",
    "registration::test_registration_needs_tls",
    "transport::test_endpoints_are_https",
    "page_security::test_pages_use_tls",
    "verification_page::test_address_is_short",
    "verification_page::test_addresses_have_no_fragment",
    "verification_page::test_address_belongs_to_the_server",
    "verification_page::test_complete_address_names_the_session",
    "user_decision::test_loading_the_page_decides_nothing",
    "http::test_date",
    "http::test_unknown_fields",
    "http::test_methods",
    "http::test_options",
    "restjson::test_paths",
    "restjson::test_other_methods",
    "encoding::test_malformed_bodies",
    "expiry::test_expiry",
)
"""Checks by name, in the order in which they are worth their requests."""
ASKED = (
    "user_decision::test_approval",
    "user_decision::test_denial_is_final",
    "one_time_use::test_replay",
    "refresh::test_refresh",
)
"""Those of the plan for which a person is asked by hand."""
MOST_DECISIONS = 5
"""For which a person is asked at most."""
PLACES = 4
"""Checks that wait at the same time."""
LONGEST_BODY = 8192
"""Octets of a good request."""
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_LEFT_OUT = "left out by --polite: {}"
_TYPED = "it types codes that were given to nobody, or in other ways than they were shown"
_PAGES = "it uses the pages in ways that may put a server on its guard"
_MANY = "it would take more requests than it is worth to somebody else's server"
_CLIENTS = "it registers clients, which stay behind"
_SECRETS = "it tries secrets and codes that are wrong, as somebody who guesses does"
_WHY: Mapping[str, str] = {
    "races": "it sends requests at the same moment",
    "histories": "it sends requests at the same moment",
    "entropy": "it starts many grants, to compare their codes",
    "raw_http": "it sends octets that are no HTTP",
    "http": "it sends requests that are odd, or large",
    "user_codes": _TYPED,
    "near_secrets": _SECRETS,
    "client_authentication": _SECRETS,
    "misplaced_codes": _SECRETS,
    "strangers": _SECRETS,
    "tokens": _SECRETS,
    "deciding_requests": _PAGES,
    "open_pages": _PAGES,
    "page_browser": _PAGES,
    "decision_browser": _PAGES,
    "decisions": _PAGES,
    "words": _PAGES,
    "links": _PAGES,
    "limits": _MANY,
    "mitigations": _MANY,
    "lives::test_codes_are_not_recycled": _MANY,
    "lives::test_expired_link": _PAGES,
    "self_registered": _CLIENTS,
    "page_security": _PAGES,
    "verification_page": _PAGES,
    "two_people": "it needs the accounts of two people",
    "aws_registration": _CLIENTS,
    "code_points": _CLIENTS,
    "deleted_clients": "it deletes clients, or has them disabled",
    "registration": _CLIENTS,
    "registration_metadata": _CLIENTS,
    "registration_redirects": _CLIENTS,
    "restjson": _CLIENTS,
    "wire_profiles": _CLIENTS,
    "restjson::test_bodies_that_are_no_structure": "it sends a dozen malformed bodies",
    "pace": "it polls as fast as it may for minutes",
    "transport": "it speaks to other ports, or in versions of TLS that are given up",
    "refresh": "it takes one more approval, and uses tokens in ways that may end what belongs together",
}
"""Why the checks of a module, or a check, are left out."""


def left_out(check: Check) -> str:
    """Why the check is not run against a server of somebody else; empty where it is."""
    if check.name in PLAN or check.name == PREFLIGHT:
        return ""
    module = check.name.partition("::")[0]
    if "fuzz" in check.parameters or check.sampled:
        reason = "it draws its requests, hundreds of them, many malformed"
    elif check.name in _WHY or module in _WHY:
        reason = _WHY.get(check.name) or _WHY[module]
    elif check.order == "last":
        reason = "it may put the server on its guard"
    else:
        reason = _MANY
    return _LEFT_OUT.format(reason)


def require_welcome(check: Check, manners: Manners | None) -> None:
    """Raise Spared where the server is somebody else's, and the check is none for it."""
    reason = left_out(check) if manners is not None else ""
    if reason:
        raise Spared(reason)


class Restraint:
    """What a run does around each request for the sake of a server of somebody else; nothing where it is one's own."""

    def __init__(self, manners: Manners | None, dialect: Dialect) -> None:
        self._manners = manners
        self._dialect = dialect
        self._registrations: dict[Request, Exchange] = {}
        """By what clients were registered with."""

    def kept(self, request: Request, at: float, label: str) -> Exchange | None:
        """The answer to this very registration, which such a server is asked once, as one at that second of a case."""
        known = self._registrations.get(request)
        return known and replace(known, started=at, ended=at, label=f"{label}: answered before, and not sent again")

    def admit(self, request: Request) -> None:
        """Wait until the request may go; raises Spared where it may not."""
        manners = self._manners
        if manners is None:
            return
        kind = purpose_of(request).value
        if request.operation is Operation.REGISTRATION:
            manners.require_registration()
        if odd(request, self._dialect):
            manners.spend_malformed()
            kind = Purpose.MALFORMED.value
        manners.turn(kind)

    def mind(self, exchange: Exchange) -> None:
        """Take note of a client that the server has now."""
        if self._manners is None:
            return
        if exchange.request.operation is Operation.REGISTRATION and exchange.outcome.ok:
            self._manners.count_registration()
            self._registrations[exchange.request] = exchange


def turn(name: str) -> int:
    """Where a check stands in the plan; those that are left out come after it."""
    return PLAN.index(name) if name in PLAN else len(PLAN)


def odd(request: Request, dialect: Dialect) -> bool:
    """Whether the body is no good form, no JSON object of strings and lists of them, or longer than any of these."""
    content = request.content
    if not content or request.operation is Operation.OTHER:
        return False
    if len(content) > LONGEST_BODY:
        return True
    expected = dialect.media_type(request.operation)
    if (request.header("content-type") or "").partition(";")[0].strip().lower() != expected:
        return True
    return not (_is_object(content) if expected.endswith("json") else _is_form(content))


def _is_object(content: bytes) -> bool:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and all(
        isinstance(one, str) or (isinstance(one, list) and all(isinstance(item, str) for item in one))
        for one in value.values()
    )


def _is_form(content: bytes) -> bool:
    try:
        text = content.decode("ascii")
        names = [name for name, _ in parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict")]
    except ValueError:
        return False
    return len(names) == len(set(names)) and not _BAD_ESCAPE.search(text)

"""How the reference client reads answers; here its faults in reading are made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from device_grant.protocol import Client, Operation, Outcome
from device_grant.protocol.dialects import json_object
from device_grant.protocol.names import snake

if TYPE_CHECKING:
    from device_grant.protocol import Dialect, Response
    from device_grant.reference.client.faults import ClientFaults

REQUIRED = ("device_code", "user_code", "verification_uri", "expires_in")
"""Members of the device authorization response (RFC 8628 section 3.2)."""
KNOWN = frozenset(
    {
        *REQUIRED,
        "verification_uri_complete",
        "interval",
        "access_token",
        "token_type",
        "refresh_token",
        "scope",
        "id_token",
        "error",
        "error_description",
    }
)
KNOWN_ERRORS = frozenset(
    {
        "access_denied",
        "expired_token",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)
Meaning = Literal["pending", "slow-down", "trouble", "hurry", "restart", "over"]
_CUT = 255
_OVERFLOW = 2**31 / 1000
"""Seconds whose milliseconds a signed integer of 32 bits does not hold."""
_EVER = 1e9


class Failed(Exception):  # noqa: N818 - how a login ends, which is no error of this program
    """The login is over; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class AnswerReader:
    """Reads answers in one dialect."""

    def __init__(self, dialect: Dialect, faults: ClientFaults) -> None:
        self._dialect = dialect
        self._faults = faults

    def decoded(self, operation: Operation, response: Response) -> Outcome:
        """The outcome, as a client with these faults sees it."""
        faults = self._faults
        outcome = self._dialect.decode(operation, response)
        if faults.members_in_order and outcome.ok and operation is not Operation.REGISTRATION:
            body = json_object(response) or {}
            wanted = self._dialect.wire_name("device_code" if "device" in operation.value else "access_token")
            if next(iter(body), "") != wanted:
                raise Failed(f"{wanted} is not the first member")
        registering = operation is Operation.REGISTRATION
        if faults.unknown_members_refused and outcome.ok and not registering and set(outcome.members) - KNOWN:
            raise Failed("unknown member")
        if faults.long_values_cut:
            outcome = replace(outcome, members={name: _cut(value) for name, value in outcome.members.items()})
        if faults.null_members_used:
            nulls = {snake(name): "None" for name, value in (json_object(response) or {}).items() if value is None}
            outcome = replace(outcome, members={**outcome.members, **nulls})
        if not (outcome.ok or self._dialect.error_member_is_owed):
            outcome = self._as_exception(outcome, response)
        if not outcome.ok:
            self._check_error(outcome, response)
        return outcome

    def _check_error(self, outcome: Outcome, response: Response) -> None:
        if self._faults.errors_by_status and response.status != 400:  # noqa: PLR2004 - Bad Request
            raise Failed(f"http-{response.status}")
        undescribed = "error" in outcome.members and "error_description" not in outcome.members
        if self._faults.description_required and undescribed:
            raise Failed("an error without description")

    def _as_exception(self, outcome: Outcome, response: Response) -> Outcome:
        faults = self._faults
        body = json_object(response) or {}
        header = response.header("x-amzn-errortype") or ""
        if faults.exception_only_in_header and not header:
            return replace(outcome, code="unknown-exception")
        if faults.exception_not_in_code and not header and "__type" not in body:
            return replace(outcome, code="unknown-exception")
        if faults.exception_name_whole and (":" in header or "#" in header):
            return replace(outcome, code="unknown-exception")
        return outcome

    def means(self, outcome: Outcome, response: Response) -> Meaning:
        """What a refused poll means for the polling."""
        faults, code = self._faults, outcome.code
        if code == "authorization_pending":
            return "over" if faults.pending_fatal else "pending"
        if code == "slow_down":
            return "over" if faults.slow_down_fatal else "slow-down"
        if code == "expired_token" and faults.restarts_after_expiry:
            return "restart"
        if code.startswith("http-"):
            return self._unreadable(response.status)
        if faults.other_statuses_retried and response.status != 400:  # noqa: PLR2004 - Bad Request
            return "pending"
        retried = (
            faults.errors_retried
            or (faults.unknown_errors_retried and code not in KNOWN_ERRORS)
            or (faults.denial_retried and code == "access_denied")
            or (faults.expired_retried and code == "expired_token")
            or (faults.grant_errors_retried and code == "invalid_grant")
        )
        return "pending" if retried else "over"

    def _unreadable(self, status: int) -> Meaning:
        """What an answer means that is neither a token nor an OAuth error."""
        faults = self._faults
        if faults.unreadable_answer_unreported:
            return "over"
        if faults.unreadable_answer_polled_at_once:
            return "hurry"
        transient = status >= 500 or status == 429  # noqa: PLR2004 - temporary by definition
        if transient:
            return "trouble"
        return "pending" if faults.errors_retried else "over"

    def authorization(self, outcome: Outcome) -> dict[str, Any]:
        """The device authorization response, checked; raises Failed if it cannot be used."""
        collected = dict(outcome.members)
        if not self._faults.incomplete_answer_polled:
            for name in REQUIRED:
                wanted: type | tuple[type, ...] = (int, float) if name == "expires_in" else str
                if not isinstance(collected.get(name), wanted) or collected[name] == "":
                    raise Failed(f"the answer has no {name}")
        collected.setdefault("expires_in", 600)
        if not isinstance(collected["expires_in"], (int, float)):
            collected["expires_in"] = 600
        if self._faults.complete_uri_required and "verification_uri_complete" not in collected:
            raise Failed("the answer has no verification_uri_complete")
        if self._faults.verification_url_refused and "verification_url" in collected:
            raise Failed("duplicate member verification_uri")
        interval = collected.pop("interval", None)
        if interval == "None":
            raise Failed("interval is no number")
        if interval is not None:
            collected["interval"] = self._interval(interval)
        return collected

    def _interval(self, stated: Any) -> float | None:
        faults = self._faults
        # A positive number is taken as it is; of anything else the default is the careful reading.
        if isinstance(stated, bool) or not isinstance(stated, (int, float)) or stated <= 0:
            if faults.odd_interval_stalls:
                return _EVER
            return 0.0 if faults.odd_interval_taken_for_none else None
        if faults.interval_overflows and stated > _OVERFLOW:
            return 0.0
        return float(int(stated)) if faults.interval_truncated else float(stated)

    def token(self, outcome: Outcome, *, refreshed: bool = False, wanted: str = "bearer") -> str:
        """The access token; raises Failed if it is of a type that is not understood.

        `bearer` is understood, and what is `wanted`.
        """
        faults = self._faults
        kind = outcome.members.get("token_type")
        optional = self._dialect.token_type_is_optional
        understood = kind == "Bearer" if faults.token_type_spelling else str(kind).lower() in ("bearer", wanted)
        if not (understood or faults.token_type_unchecked or (kind is None and optional)):
            raise Failed(f"unknown token type {kind}")
        if faults.expires_in_required and "expires_in" not in outcome.members:
            raise Failed("the token has no expires_in")
        if faults.refresh_token_required and not refreshed and "refresh_token" not in outcome.members:
            raise Failed("the token has no refresh_token")
        return str(outcome.members.get("access_token"))

    def client(self, outcome: Outcome) -> Client:
        """The client that a registration made: what it says, not what was asked for (RFC 7591 section 3.2.1)."""
        members = outcome.members
        secret = members.get("client_secret")
        if not self._dialect.http_authentication:
            method = self._dialect.authentication_of(members)
        else:
            method = str(members.get("token_endpoint_auth_method") or "client_secret_basic")
            if self._faults.registration_result_ignored:
                method = "client_secret_basic"
            if not secret:
                method = "none"
        return Client(str(members["client_id"]), secret if isinstance(secret, str) else None, method)


def _cut(value: Any) -> Any:
    return value[:_CUT] if isinstance(value, str) else value

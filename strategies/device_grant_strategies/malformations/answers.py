"""Which answers are fair, by operation and member, and in which words.

The texts seldom fix one answer: a server may look at a value, at the client or at the whole body first. What is
listed here is every answer that a careful reader can defend; what many servers do although a text says otherwise is
tolerated, which costs a warning.
"""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.protocol.exchange import Operation
from device_grant_strategies.malformations.model import AS_VALID

NO_SERVER_ERROR = "rfc9110-15.6-no-5xx-on-client-error"
"""Requirement of everything where a text allows any answer but a server error."""


@dataclass(frozen=True)
class Answers:
    """Acceptable answers, and those that cost a warning."""

    accepted: tuple[str, ...]
    tolerated: tuple[str, ...] = ()

    def accepting(self, *names: str) -> Answers:
        """With more acceptable names."""
        return Answers(self.accepted + names, self.tolerated)

    def tolerating(self, *names: str) -> Answers:
        """With more names that cost a warning."""
        return Answers(self.accepted, self.tolerated + names)

    def normalised(self) -> Answers:
        """Without repetitions, each name in one of the two lists only."""
        accepted = tuple(dict.fromkeys(self.accepted))
        return Answers(accepted, tuple(name for name in dict.fromkeys(self.tolerated) if name not in accepted))


HARMLESS = Answers((AS_VALID,))
ANYTHING_BUT_5XX = Answers((AS_VALID, "http-4xx"))

METADATA = ("invalid_client_metadata", "invalid_request")

VALUES: dict[tuple[Operation, str], Answers] = {
    (Operation.REGISTRATION, "client_type"): Answers(METADATA),
    (Operation.REGISTRATION, "scope"): Answers((AS_VALID, "invalid_scope", *METADATA)),
    (Operation.REGISTRATION, "scopes"): Answers((AS_VALID, "invalid_scope", *METADATA)),
    (Operation.REGISTRATION, "redirect_uris"): Answers((AS_VALID, "invalid_redirect_uri", *METADATA)),
    (Operation.REGISTRATION, "grant_types"): Answers((AS_VALID, "unsupported_grant_type", *METADATA)),
    (Operation.DEVICE_AUTHORIZATION, "client_id"): Answers(
        ("invalid_client", "invalid_request"), ("unauthorized_client",)
    ),
    (Operation.DEVICE_AUTHORIZATION, "client_secret"): Answers(
        ("invalid_client", "invalid_request"), ("unauthorized_client",)
    ),
    (Operation.DEVICE_AUTHORIZATION, "start_url"): Answers(("invalid_request",), (AS_VALID,)),
    (Operation.DEVICE_AUTHORIZATION, "scope"): Answers((AS_VALID, "invalid_scope", "invalid_request")),
    # A code is bound to its client, so that a server may find the grant at fault rather than the client.
    (Operation.TOKEN, "client_id"): Answers(
        ("invalid_client", "invalid_request", "invalid_grant"), ("unauthorized_client",)
    ),
    (Operation.TOKEN, "client_secret"): Answers(
        ("invalid_client", "invalid_request", "invalid_grant"), ("unauthorized_client",)
    ),
    (Operation.TOKEN, "grant_type"): Answers(("unsupported_grant_type", "invalid_request"), ("unauthorized_client",)),
    # A server that deletes expired codes cannot tell an unknown code from an expired one. Calling it denied is wrong,
    # but a refusal: RFC 6749 section 4.1.2.1 has the word for the server's own refusals too.
    (Operation.TOKEN, "device_code"): Answers(
        ("invalid_grant", "invalid_request", "expired_token"), ("access_denied",)
    ),
    (Operation.TOKEN, "refresh_token"): Answers(("invalid_grant", "invalid_request")),
    (Operation.TOKEN, "code"): Answers(("invalid_grant", "invalid_request")),
    (Operation.TOKEN, "scope"): Answers((AS_VALID, "invalid_scope", "invalid_request")),
}

MISSING: dict[tuple[Operation, str], Answers] = {
    (Operation.REGISTRATION, "client_name"): Answers(("invalid_request", "invalid_client_metadata")),
    (Operation.REGISTRATION, "client_type"): Answers(("invalid_request", "invalid_client_metadata")),
    (Operation.DEVICE_AUTHORIZATION, "client_id"): Answers(("invalid_request", "invalid_client")),
    (Operation.DEVICE_AUTHORIZATION, "client_secret"): Answers(
        ("invalid_client", "invalid_request"), ("unauthorized_client",)
    ),
    (Operation.TOKEN, "client_id"): Answers(("invalid_request", "invalid_client")),
    (Operation.TOKEN, "client_secret"): Answers(("invalid_client", "invalid_request"), ("unauthorized_client",)),
    (Operation.TOKEN, "grant_type"): Answers(("invalid_request",), ("unsupported_grant_type",)),
    (Operation.TOKEN, "device_code"): Answers(("invalid_request",), ("invalid_grant", "access_denied")),
    (Operation.TOKEN, "refresh_token"): Answers(("invalid_request",), ("invalid_grant",)),
}

MISSING_REQUIREMENTS = {
    (Operation.DEVICE_AUTHORIZATION, "client_id"): "rfc8628-3.1-missing-client-id-rejected",
    (Operation.DEVICE_AUTHORIZATION, "client_secret"): "rfc8628-3.1-confidential-unauthenticated-rejected",
    (Operation.TOKEN, "client_id"): "rfc8628-3.4-missing-client-id-rejected",
    (Operation.TOKEN, "client_secret"): "rfc8628-3.4-credentialed-client-enforced",
    (Operation.TOKEN, "grant_type"): "rfc6749-5.2-invalid-request-missing",
    (Operation.TOKEN, "device_code"): "rfc8628-3.4-missing-device-code-rejected",
    (Operation.TOKEN, "refresh_token"): "rfc6749-6-missing-refresh-token",
}

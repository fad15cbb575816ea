"""Which answers are fair, by dialect, operation and member.

The texts seldom fix one answer: a server may look at a value, at the client or at the whole body first. What is
listed here is every answer that a careful reader can defend; what many servers do although a text says otherwise is
tolerated, which costs a warning.
"""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.protocol.exchange import Operation
from device_grant_strategies.malformations.context import Context, canonical
from device_grant_strategies.malformations.model import AS_VALID

NO_SERVER_ERROR = "rfc9110-15.6-no-5xx-on-client-error"
"""Requirement of everything where a text allows any answer but a server error."""

_FRAMEWORK = ("SerializationException", "ValidationException")
"""restJson1 servers refuse malformed members by these before the operation sees them."""


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

_METADATA = ("invalid_client_metadata", "invalid_request")

_VALUES: dict[tuple[Operation, str], Answers] = {
    (Operation.REGISTRATION, "client_type"): Answers(_METADATA),
    (Operation.REGISTRATION, "scope"): Answers((AS_VALID, "invalid_scope", *_METADATA)),
    (Operation.REGISTRATION, "scopes"): Answers((AS_VALID, "invalid_scope", *_METADATA)),
    (Operation.REGISTRATION, "redirect_uris"): Answers((AS_VALID, "invalid_redirect_uri", *_METADATA)),
    (Operation.REGISTRATION, "grant_types"): Answers((AS_VALID, "unsupported_grant_type", *_METADATA)),
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

_MISSING: dict[tuple[Operation, str], Answers] = {
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

_MISSING_REQUIREMENTS = {
    (Operation.DEVICE_AUTHORIZATION, "client_id"): "rfc8628-3.1-missing-client-id-rejected",
    (Operation.DEVICE_AUTHORIZATION, "client_secret"): "rfc8628-3.1-confidential-unauthenticated-rejected",
    (Operation.TOKEN, "client_id"): "rfc8628-3.4-missing-client-id-rejected",
    (Operation.TOKEN, "client_secret"): "rfc8628-3.4-credentialed-client-enforced",
    (Operation.TOKEN, "grant_type"): "rfc6749-5.2-invalid-request-missing",
    (Operation.TOKEN, "device_code"): "rfc8628-3.4-missing-device-code-rejected",
    (Operation.TOKEN, "refresh_token"): "rfc6749-6-missing-refresh-token",
}

_AWS_REQUIRED = {
    Operation.REGISTRATION: "aws-register-required",
    Operation.DEVICE_AUTHORIZATION: "aws-start-required",
    Operation.TOKEN: "aws-token-required",
}


def value(ctx: Context, member: str) -> Answers:
    """Answer a member whose value can be read and is wrong; text that decides nothing may be taken as it is."""
    text = Answers((AS_VALID, *_METADATA) if ctx.operation is Operation.REGISTRATION else (AS_VALID, "invalid_request"))
    answers = _VALUES.get((ctx.operation, canonical(member)), text)
    return answers.accepting(*_FRAMEWORK).tolerating("http-400") if ctx.aws else answers


def text(ctx: Context, member: str) -> Answers:
    """Answer such a value where the framework may refuse the octets before anybody reads it."""
    answers = value(ctx, member).accepting("http-4xx")
    # Odd characters do not always make a value unusable: where the plain value costs a warning, they are free.
    return answers.accepting(AS_VALID) if AS_VALID in answers.tolerated else answers


def missing(ctx: Context, member: str) -> Answers:
    """Answer a request without a required member."""
    answers = _MISSING.get((ctx.operation, canonical(member)), Answers(("invalid_request",)))
    if not ctx.aws:
        return answers
    if canonical(member) == "grant_type":
        answers = answers.accepting("unsupported_grant_type")
    return answers.accepting(*_FRAMEWORK).tolerating("http-400")


def everything_missing(ctx: Context) -> Answers:
    """Answer a request in which no member can be found: any of the refusals of `missing`."""
    answers = Answers(())
    for member in ctx.required or ("",):
        one = missing(ctx, member)
        answers = answers.accepting(*one.accepted).tolerating(*one.tolerated)
    return answers


def unreadable(ctx: Context) -> Answers:
    """Answer a body that cannot be parsed at all."""
    if ctx.aws:
        return Answers(("SerializationException", "invalid_request", "http-400"), ("http-4xx",))
    if ctx.operation is Operation.REGISTRATION:
        return Answers(("invalid_client_metadata", "invalid_request", "http-400"), ("http-4xx",))
    return Answers(("invalid_request", "http-4xx"))


def media_type(ctx: Context) -> Answers:
    """Answer a body of another media type than the operation's."""
    if ctx.aws:
        return Answers(
            ("UnsupportedMediaTypeException", "SerializationException", "http-415", "http-400"), ("http-4xx",)
        )
    return Answers(("http-4xx",))


def unknown_client(ctx: Context) -> tuple[str, ...]:
    """List what a server may answer besides to made-up values that it has never seen."""
    match ctx.operation:
        case Operation.REGISTRATION:
            refusals = ("invalid_client_metadata", "invalid_redirect_uri", "invalid_scope", "invalid_request")
            return (*refusals, "unsupported_grant_type") if ctx.aws else refusals
        case Operation.DEVICE_AUTHORIZATION:
            return ("invalid_client", "invalid_request") if ctx.aws else ("invalid_client", "invalid_scope")
        case _:
            return ("invalid_client", "invalid_grant", "unsupported_grant_type")


def missing_requirement(ctx: Context, member: str) -> str:
    """Name the requirement that an absent member breaks."""
    key = (ctx.operation, canonical(member))
    if ctx.aws and key not in {(Operation.TOKEN, "device_code"), (Operation.TOKEN, "refresh_token")}:
        return _AWS_REQUIRED[ctx.operation]
    return _MISSING_REQUIREMENTS[key]


def empty_requirement(ctx: Context) -> str:
    """Name the requirement that an empty parameter of a form is an omitted one."""
    if ctx.operation is Operation.TOKEN:
        return "rfc6749-3.2-empty-param-as-omitted"
    return "rfc8628-3.1-empty-param-as-omitted"


def value_requirement(ctx: Context, member: str) -> str:
    """Name the requirement that an unusable value breaks; for mere text, that no 5xx follows."""
    if AS_VALID in value(ctx, member).accepted:
        return NO_SERVER_ERROR
    return (
        "rfc7591-3.2.2-invalid-client-metadata"
        if ctx.operation is Operation.REGISTRATION
        else ("rfc6749-5.2-invalid-request-bad-value")
    )


def unreadable_requirement(ctx: Context) -> str:
    """Name the requirement that an unparseable body breaks."""
    if ctx.aws:
        return "smithy-restjson1-invalid-json"
    if ctx.operation is Operation.REGISTRATION:
        return "rfc7591-3.1-malformed-json"
    return "rfc6749-5.2-invalid-request-malformed"


def media_type_requirement(ctx: Context) -> str:
    """Name the requirement about a wrong media type."""
    return "smithy-restjson1-wrong-content-type" if ctx.aws else "rfc9110-15.5.16-unsupported-media"


def unknown_requirement(ctx: Context) -> str:
    """Name the requirement to ignore what is unknown."""
    if ctx.aws:
        return "smithy-restjson1-unknown-members"
    return {
        Operation.REGISTRATION: "rfc7591-2-ignore-unknown-metadata",
        Operation.DEVICE_AUTHORIZATION: "rfc8628-3.1-ignore-unrecognized-params",
    }.get(ctx.operation, "rfc6749-3.2-ignore-unknown-params")

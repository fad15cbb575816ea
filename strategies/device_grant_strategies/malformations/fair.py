"""What a fair judge makes of each malformation: the answers that the RFCs leave to servers, and those of restJson1.

One place a rule: what a dialect accepts, and which requirement a malformation serves in it, stands here.
"""

from __future__ import annotations

from device_grant.protocol.exchange import Operation
from device_grant.protocol.names import snake
from device_grant_strategies import oauth
from device_grant_strategies.malformations.answers import (
    ANYTHING_BUT_5XX,
    HARMLESS,
    METADATA,
    MISSING,
    MISSING_REQUIREMENTS,
    NO_SERVER_ERROR,
    VALUES,
    Answers,
)
from device_grant_strategies.malformations.model import AS_VALID

_FRAMEWORK = ("SerializationException", "ValidationException")
"""restJson1 servers refuse malformed members by these before the operation sees them."""

_MODEL_REQUIRED = {
    Operation.REGISTRATION: "aws-register-required",
    Operation.DEVICE_AUTHORIZATION: "aws-start-required",
    Operation.TOKEN: "aws-token-required",
}


class Fair:
    """The RFCs' own latitude with one request."""

    def __init__(self, operation: Operation, required: tuple[str, ...]) -> None:
        self._operation = operation
        self._required = required
        self._registers = operation is Operation.REGISTRATION

    # Answers.

    def value(self, member: str) -> Answers:
        """Answer a member whose value can be read and is wrong; text that decides nothing may be taken as it is."""
        text = Answers((AS_VALID, *METADATA) if self._registers else (AS_VALID, "invalid_request"))
        return VALUES.get((self._operation, snake(member)), text)

    def text(self, member: str) -> Answers:
        """Answer such a value where the framework may refuse the octets before anybody reads it."""
        answers = self.value(member).accepting("http-4xx")
        # Odd characters do not always make a value unusable: where the plain value costs a warning, they are free.
        return answers.accepting(AS_VALID) if AS_VALID in answers.tolerated else answers

    def missing(self, member: str) -> Answers:
        """Answer a request without a required member."""
        return MISSING.get((self._operation, snake(member)), Answers(("invalid_request",)))

    def everything_missing(self) -> Answers:
        """Answer a request in which no member can be found: any of the refusals of `missing`."""
        answers = Answers(())
        for member in self._required or ("",):
            one = self.missing(member)
            answers = answers.accepting(*one.accepted).tolerating(*one.tolerated)
        return answers

    def unreadable(self) -> Answers:
        """Answer a body that cannot be parsed at all."""
        if self._registers:
            return Answers(("invalid_client_metadata", "invalid_request", "http-400"), ("http-4xx",))
        return Answers(("invalid_request", "http-4xx"))

    def media_type(self) -> Answers:
        """Answer a body of another media type than the operation's."""
        return Answers(("http-4xx",))

    def empty_body(self) -> Answers:
        """Answer an empty body."""
        answers = self.everything_missing().accepting(*self.unreadable().accepted)
        # RFC 7591 requires no member.
        return answers.tolerating(AS_VALID) if self._registers else answers

    def value_in_other_case(self, member: str) -> Answers:
        """Answer a value whose letters have the other case."""
        return self.value(member)

    def optional_null(self) -> Answers:
        """Answer an optional member that is null."""
        return ANYTHING_BUT_5XX

    def unknown_grant_types(self, member: str) -> Answers:
        """Answer a registration for a grant type that nobody defined."""
        return self.value(member)

    def unknown_client(self) -> tuple[str, ...]:
        """List what a server may answer besides to made-up values that it has never seen."""
        match self._operation:
            case Operation.REGISTRATION:
                return ("invalid_client_metadata", "invalid_redirect_uri", "invalid_scope", "invalid_request")
            case Operation.DEVICE_AUTHORIZATION:
                return ("invalid_client", "invalid_scope")
            case _:
                return ("invalid_client", "invalid_grant", "unsupported_grant_type")

    def reads(self, member: str) -> bool:
        """Whether no server may pass over the member unread (RFC 7591 section 2)."""
        return member in oauth.DECIDING_METADATA

    # Requirements, by what is wrong.

    grant_types_requirement = "rfc7591-3.2.2-invalid-client-metadata"
    grant_type_requirement = "rfc6749-5.2-unsupported-grant-type"
    redirect_uri_requirement = "rfc7591-3.2.2-invalid-redirect-uri"
    unclosed_list_requirement = "rfc7591-3.1-malformed-json"
    no_object_requirement = "rfc7591-3.1-malformed-json"
    null_in_list_requirement = "rfc7591-3.2.2-invalid-client-metadata"
    optional_null_requirement = NO_SERVER_ERROR
    media_type_requirement = "rfc9110-15.5.16-unsupported-media"
    name_case_requirement = "rfc6749-1.9-case-sensitive-names"

    def type_requirement(self, wanted: str) -> str:
        """Name the requirement that a value of another type breaks; `wanted` is `string` or `list`."""
        del wanted
        return "rfc7591-3.2.2-invalid-client-metadata"

    def missing_requirement(self, member: str) -> str:
        """Name the requirement that an absent member breaks."""
        return MISSING_REQUIREMENTS[self._operation, snake(member)]

    def empty_requirement(self) -> str:
        """Name the requirement that an empty parameter of a form is an omitted one."""
        if self._operation is Operation.TOKEN:
            return "rfc6749-3.2-empty-param-as-omitted"
        return "rfc8628-3.1-empty-param-as-omitted"

    def value_requirement(self, member: str) -> str:
        """Name the requirement that an unusable value breaks; for mere text, that no 5xx follows."""
        if AS_VALID in self.value(member).accepted:
            return NO_SERVER_ERROR
        return "rfc7591-3.2.2-invalid-client-metadata" if self._registers else "rfc6749-5.2-invalid-request-bad-value"

    def unreadable_requirement(self) -> str:
        """Name the requirement that an unparseable body breaks."""
        return "rfc7591-3.1-malformed-json" if self._registers else "rfc6749-5.2-invalid-request-malformed"

    def empty_body_requirement(self) -> str:
        """Name the requirement that an empty body breaks."""
        return self.unreadable_requirement()

    def charset_requirement(self) -> str:
        """Name the requirement that a charset parameter does no harm."""
        if self._operation is Operation.DEVICE_AUTHORIZATION:
            return "rfc8628-3.1-charset-parameter-tolerated"
        return "rfc9110-8.3.1-media-type-case"

    def unknown_requirement(self) -> str:
        """Name the requirement to ignore what is unknown."""
        return {
            Operation.REGISTRATION: "rfc7591-2-ignore-unknown-metadata",
            Operation.DEVICE_AUTHORIZATION: "rfc8628-3.1-ignore-unrecognized-params",
        }.get(self._operation, "rfc6749-3.2-ignore-unknown-params")


class RestJsonFair(Fair):
    """What restJson1 and the service model of AWS SSO OIDC change of it."""

    def value(self, member: str) -> Answers:
        """A framework may refuse the value before the operation sees it."""
        return super().value(member).accepting(*_FRAMEWORK).tolerating("http-400")

    def missing(self, member: str) -> Answers:
        """A framework may refuse the request before the operation sees it; without a grant type, the grant."""
        answers = super().missing(member)
        if snake(member) == "grant_type":
            answers = answers.accepting("unsupported_grant_type")
        return answers.accepting(*_FRAMEWORK).tolerating("http-400")

    def unreadable(self) -> Answers:
        """The framework's exception, or the operation's error."""
        return Answers(("SerializationException", "invalid_request", "http-400"), ("http-4xx",))

    def media_type(self) -> Answers:
        """The framework's exceptions."""
        return Answers(
            ("UnsupportedMediaTypeException", "SerializationException", "http-415", "http-400"), ("http-4xx",)
        )

    def empty_body(self) -> Answers:
        """No member is there, or no JSON."""
        return self.everything_missing().accepting(*self.unreadable().accepted)

    def value_in_other_case(self, member: str) -> Answers:
        """The grant type is no identifier of the service's own, so that its case may be passed over."""
        answers = self.value(member)
        return answers.tolerating(AS_VALID) if snake(member) == "grant_type" else answers

    def optional_null(self) -> Answers:
        """Null means unset."""
        return HARMLESS

    def unknown_grant_types(self, member: str) -> Answers:
        """The service has a list of grant types; to pass over others costs a warning."""
        answers = self.value(member)
        return Answers(tuple(name for name in answers.accepted if name != AS_VALID), (*answers.tolerated, AS_VALID))

    def unknown_client(self) -> tuple[str, ...]:
        """Secrets are required, and grant types have an error of their own."""
        match self._operation:
            case Operation.REGISTRATION:
                return (*super().unknown_client(), "unsupported_grant_type")
            case Operation.DEVICE_AUTHORIZATION:
                return ("invalid_client", "invalid_request")
            case _:
                return super().unknown_client()

    def reads(self, member: str) -> bool:
        """The model knows every member."""
        del member
        return True

    grant_types_requirement = "aws-register-grant-types"
    grant_type_requirement = "aws-token-unsupported-grant"
    redirect_uri_requirement = "aws-register-redirect-uri"
    unclosed_list_requirement = "smithy-restjson1-unclosed-list"
    no_object_requirement = "smithy-restjson1-non-object-json"
    null_in_list_requirement = "smithy-restjson1-dense-list-null"
    optional_null_requirement = "smithy-restjson1-null-member"
    media_type_requirement = "smithy-restjson1-wrong-content-type"
    name_case_requirement = "aws-case-sensitive-members"

    def type_requirement(self, wanted: str) -> str:
        """By the type of the model."""
        if wanted == "string":
            return "smithy-restjson1-string-type"
        return "aws-register-scopes-array" if self._registers else "rfc6749-5.2-invalid-request-malformed"

    def missing_requirement(self, member: str) -> str:
        """By the model, but for the codes that RFC 8628 and RFC 6749 speak of."""
        if (self._operation, snake(member)) in {(Operation.TOKEN, "device_code"), (Operation.TOKEN, "refresh_token")}:
            return super().missing_requirement(member)
        return _MODEL_REQUIRED[self._operation]

    def unreadable_requirement(self) -> str:
        """Of restJson1."""
        return "smithy-restjson1-invalid-json"

    def empty_body_requirement(self) -> str:
        """Of restJson1."""
        return "smithy-restjson1-empty-body"

    def charset_requirement(self) -> str:
        """Of restJson1."""
        return "smithy-restjson1-content-type-params"

    def unknown_requirement(self) -> str:
        """Of restJson1."""
        return "smithy-restjson1-unknown-members"

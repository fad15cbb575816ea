"""What an exchange is for. Its label says the same to people, in words that nothing compares."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """What a request was sent for; values are used in results, and the operation says where it went."""

    REGISTRATION = "registration"
    """To register a client."""
    START = "start"
    """To begin a device authorization."""
    POLL = "poll"
    """To get the tokens of a device authorization."""
    REFRESH = "refresh"
    """To refresh an access token."""
    TOKEN_REQUEST = "token-request"  # noqa: S105 - a kind of request, not a secret
    """To the token endpoint with any other grant type, or with none."""
    AUTHORIZATION = "authorization"
    """To ask a person for an authorization code, in the browser."""
    REVOCATION = "revocation"
    """To end a token (RFC 7009)."""
    INTROSPECTION = "introspection"
    """To hear what a token is good for (RFC 7662)."""
    METADATA = "metadata"
    """To read the server's metadata."""
    CONTROL = "control"
    """To see that the answer to a check's own request means something: this one must go the other way."""
    MALFORMED = "malformed"
    """To see a request refused that is wrong in one way, which `Exchange.malformation` names."""
    GENERATED = "generated"
    """Drawn from the OpenAPI document of the dialect."""
    RAW = "raw"
    """Octets that no HTTP library would send."""
    OTHER = "other"
    """Anything else: a page, an unknown path."""

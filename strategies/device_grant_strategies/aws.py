"""Valid inputs of AWS SSO OIDC, in the names of botocore's service model (API version 2019-06-10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from device_grant.protocol import service_model
from device_grant.protocol.exchange import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT
from device_grant_strategies import values
from device_grant_strategies.fixing import Members, reject_unknown, requests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypothesis.strategies import SearchStrategy

AUTHORIZATION_CODE_GRANT = "authorization_code"

GRANT_MEMBERS = {
    DEVICE_CODE_GRANT: "deviceCode",
    REFRESH_TOKEN_GRANT: "refreshToken",
    AUTHORIZATION_CODE_GRANT: "code",
}
"""CreateToken: the member that each grantType needs, though the model calls all of them optional."""

JWT_BEARER_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant type

IAM_GRANT_MEMBERS = {
    JWT_BEARER_GRANT: ("assertion",),
    AUTHORIZATION_CODE_GRANT: ("code", "redirectUri", "codeVerifier"),
    REFRESH_TOKEN_GRANT: ("refreshToken",),
    TOKEN_EXCHANGE_GRANT: ("subjectToken", "subjectTokenType", "requestedTokenType"),
}
"""CreateTokenWithIAM: the members of each grantType; `requestedTokenType` and the two of PKCE may be left out."""
_OPTIONAL_IN_IAM = ("requestedTokenType", "redirectUri", "codeVerifier")
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a type of tokens
_REFRESH_TOKEN = "urn:ietf:params:oauth:token-type:refresh_token"  # noqa: S105 - likewise

_PKCE_MEMBERS = ("redirectUri", "codeVerifier")

_DEVICE_GRANT_TYPES = st.sampled_from(((DEVICE_CODE_GRANT,), (DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT))).map(list)

_VALUES: dict[str, SearchStrategy[Any]] = {
    "clientName": values.rich_text(),
    "clientType": st.just("public"),
    "scopes": values.scope_lists(25),
    "scope": values.scope_lists(5),
    "redirectUris": values.loopback_redirect_uris(),
    "redirectUri": st.integers(1024, 65535).map(lambda port: f"http://127.0.0.1:{port}/oauth/callback"),
    "grantTypes": _DEVICE_GRANT_TYPES,
    "issuerUrl": values.start_urls(),
    "startUrl": values.start_urls(),
    "entitledApplicationArn": values.application_arns(),
    "clientId": values.client_ids(),
    "clientSecret": values.client_secrets(),
    "deviceCode": values.device_codes(),
    "refreshToken": values.refresh_tokens(),
    "code": values.opaque_strings((32, 64)),
    "codeVerifier": values.code_verifiers(),
    "assertion": values.compact_jwts(),
    "subjectToken": values.opaque_strings((32, 64)),
    "subjectTokenType": st.just(_ACCESS_TOKEN),
    "requestedTokenType": st.sampled_from((_ACCESS_TOKEN, _REFRESH_TOKEN)),
}

_BY_TYPE: dict[str, SearchStrategy[Any]] = {
    "string": values.rich_text(),
    "list": st.lists(values.rich_text(), max_size=3),
    "integer": st.integers(0, 2**31 - 1),
    "long": st.integers(0, 2**53 - 1),
}


def register_client_requests(**fixed: object) -> SearchStrategy[Members]:
    """Draw inputs of RegisterClient: device clients, and native clients of the authorization code grant.

    The two grants are never mixed in one registration. Fixing `grantTypes` to a list draws that sort alone.
    Raises InvalidArgument for a name that the model lacks.
    """
    shape = _shape("RegisterClient", fixed)
    device = _requests(shape, fixed, absent=("redirectUris",))
    grants = fixed.get("grantTypes", [AUTHORIZATION_CODE_GRANT])
    if not isinstance(grants, list) or AUTHORIZATION_CODE_GRANT not in grants:
        return device
    native_only = {"grantTypes": st.just([AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT])} | fixed
    native = _requests(shape, native_only, present=("redirectUris", "issuerUrl", "scopes"))
    return native if "grantTypes" in fixed else st.one_of(device, native)


def start_device_authorization_requests(**fixed: object) -> SearchStrategy[Members]:
    """Draw inputs of StartDeviceAuthorization. Raises InvalidArgument for a name that the model lacks."""
    return _requests(_shape("StartDeviceAuthorization", fixed), fixed)


def create_token_requests(grant_type: str | None = None, **fixed: object) -> SearchStrategy[Members]:
    """Draw inputs of CreateToken, each with the member that its grantType needs.

    `grant_type` is one of the keys of GRANT_MEMBERS; by default every grant is drawn, or the one whose member is
    fixed. Raises InvalidArgument for another grant type and for a name that the model lacks.
    """
    shape = _shape("CreateToken", fixed)
    grant = fixed.pop("grantType", None) if grant_type is None else grant_type
    if grant is None:
        grants = [known for known, member in GRANT_MEMBERS.items() if fixed.get(member) is not None]
        grants = grants or list(GRANT_MEMBERS)
    elif isinstance(grant, str):
        reject_unknown("create_token_requests: grantType", [grant], GRANT_MEMBERS)
        grants = [grant]
    else:
        raise InvalidArgument("create_token_requests: grantType must be a string, or left out for any grant")
    return st.one_of([_grant_requests(shape, known, fixed) for known in grants])


def create_token_with_iam_requests(grant_type: str | None = None, **fixed: object) -> SearchStrategy[Members]:
    """Draw inputs of CreateTokenWithIAM, unsigned: members of each grant, with an application's ARN as clientId.

    `grant_type` is one of the keys of IAM_GRANT_MEMBERS; by default every grant is drawn. Raises InvalidArgument for
    another grant type and for a name that the model lacks.
    """
    shape = _shape("CreateTokenWithIAM", fixed)
    grant = fixed.pop("grantType", None) if grant_type is None else grant_type
    if grant is not None and not isinstance(grant, str):
        raise InvalidArgument("create_token_with_iam_requests: grantType must be a string, or left out for any grant")
    if grant is not None:
        reject_unknown("create_token_with_iam_requests: grantType", [grant], IAM_GRANT_MEMBERS)
    every = {name for names in IAM_GRANT_MEMBERS.values() for name in names}
    drawn = [
        _requests(
            shape,
            {"clientId": values.application_arns(), **fixed, "grantType": known},
            present=[name for name in own if name not in _OPTIONAL_IN_IAM],
            absent=every - set(own) - set(fixed),
        )
        for known, own in IAM_GRANT_MEMBERS.items()
        if grant in (None, known)
    ]
    return st.one_of(drawn)


def _grant_requests(
    shape: tuple[service_model.Member, ...], grant: str, fixed: dict[str, object]
) -> SearchStrategy[Members]:
    own = GRANT_MEMBERS[grant]
    foreign = [member for member in GRANT_MEMBERS.values() if member != own]
    if grant != AUTHORIZATION_CODE_GRANT:
        foreign += _PKCE_MEMBERS
    return _requests(shape, {**fixed, "grantType": grant}, present=(own,), absent=foreign)


def _shape(operation: str, fixed: dict[str, object]) -> tuple[service_model.Member, ...]:
    shape = service_model.operation(operation).input
    reject_unknown(operation, fixed, [member.name for member in shape])
    return shape


def _requests(
    shape: tuple[service_model.Member, ...],
    fixed: dict[str, object],
    *,
    present: Iterable[str] = (),
    absent: Iterable[str] = (),
) -> SearchStrategy[Members]:
    # A member that a newer model adds has no entry in _VALUES: its type says what may be sent.
    drawn = {member.name: _VALUES.get(member.name, _BY_TYPE[member.type]) for member in shape}
    always = {member.name for member in shape if member.required} | set(present)
    return requests(
        {name: strategy for name, strategy in drawn.items() if name in always},
        {name: strategy for name, strategy in drawn.items() if name not in always and name not in set(absent)},
        fixed,
    )

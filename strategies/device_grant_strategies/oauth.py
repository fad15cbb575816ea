"""Valid requests of the RFC dialect, in RFC parameter names: RFC 8628, RFC 6749 and RFC 7591."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from device_grant.protocol.exchange import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT
from device_grant_strategies import values
from device_grant_strategies.fixing import Members, reject_unknown, requests

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

GRANT_PARAMETERS = {DEVICE_CODE_GRANT: "device_code", REFRESH_TOKEN_GRANT: "refresh_token"}
"""Token endpoint: the parameter that each grant_type needs."""

_GRANT_VALUES = {"device_code": values.device_codes(), "refresh_token": values.refresh_tokens()}

REGISTRATION_TYPES = {
    "client_name": "string",
    "client_uri": "string",
    "logo_uri": "string",
    "tos_uri": "string",
    "policy_uri": "string",
    "scope": "string",
    "software_id": "string",
    "software_version": "string",
    "token_endpoint_auth_method": "string",
    "contacts": "list",
    "grant_types": "list",
    "response_types": "list",
    "redirect_uris": "list",
}
"""Client metadata with JSON types (RFC 7591 section 2)."""

DECIDING_METADATA = (
    "client_name",
    "scope",
    "token_endpoint_auth_method",
    "grant_types",
    "response_types",
    "redirect_uris",
)
"""What every server must understand in order to register a client; it may pass over the rest unread."""


def device_authorization_requests(**fixed: object) -> SearchStrategy[Members]:
    """Draw parameters of a device authorization request (RFC 8628 section 3.1).

    Each has a client_id and may have a scope. A client_secret (client_secret_post) is sent only if it is fixed.
    Raises InvalidArgument for another name.
    """
    reject_unknown("device_authorization_requests", fixed, ("client_id", "client_secret", "scope"))
    return requests({"client_id": values.client_ids()}, {"scope": values.scopes()}, fixed)


def token_requests(grant_type: str | None = None, **fixed: object) -> SearchStrategy[Members]:
    """Draw parameters of an access token request (RFC 8628 section 3.4, RFC 6749 section 6).

    `grant_type` is one of the keys of GRANT_PARAMETERS; by default both are drawn, or the one whose parameter is
    fixed. A client_secret is sent only if it is fixed. Raises InvalidArgument for another grant type or name.
    """
    names = ("client_id", "client_secret", "grant_type", "scope", *GRANT_PARAMETERS.values())
    reject_unknown("token_requests", fixed, names)
    if grant_type is None:
        grants = [known for known, name in GRANT_PARAMETERS.items() if fixed.get(name) is not None]
        grants = grants or list(GRANT_PARAMETERS)
    elif isinstance(grant_type, str):
        reject_unknown("token_requests: grant_type", [grant_type], GRANT_PARAMETERS)
        grants = [grant_type]
    else:
        raise InvalidArgument("token_requests: grant_type must be a string, or left out for any grant")
    return st.one_of([_grant_requests(known, fixed) for known in grants])


def client_registration_requests(**fixed: object) -> SearchStrategy[Members]:
    """Draw client metadata of a device client (RFC 7591 section 2).

    `grant_types` always names the device grant, since the default is another one. `redirect_uris` and
    `response_types` are absent or consistent with a client that redirects nobody. Any member can be fixed,
    extensions included: RFC 7591 leaves the list open.
    """
    return requests(
        {
            "client_name": values.rich_text(),
            "grant_types": st.sampled_from(
                ((DEVICE_CODE_GRANT,), (DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT)),
            ).map(list),
            "token_endpoint_auth_method": st.sampled_from(("none", "client_secret_basic", "client_secret_post")),
        },
        {
            "client_uri": values.web_urls(),
            "logo_uri": values.web_urls(),
            "tos_uri": values.web_urls(),
            "policy_uri": values.web_urls(),
            "scope": values.scopes(),
            "contacts": st.lists(st.sampled_from(("ops@client.example", "+49 30 901820")), max_size=2).map(list),
            "software_id": values.opaque_strings((22,)),
            "software_version": st.sampled_from(("1.0", "2026.11-rc.1", "\U0001f680")),
            "response_types": st.builds(list),
            "application_type": st.just("native"),
        },
        fixed,
    )


def _grant_requests(grant: str, fixed: dict[str, object]) -> SearchStrategy[Members]:
    own = GRANT_PARAMETERS[grant]
    optional = {"scope": values.scopes()} if grant == REFRESH_TOKEN_GRANT else {}
    return requests(
        {"grant_type": st.just(grant), own: _GRANT_VALUES[own], "client_id": values.client_ids()}, optional, fixed
    )

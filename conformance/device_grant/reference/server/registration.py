"""Dynamic client registration (RFC 7591): metadata is validated, kept and repeated in the response."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from device_grant.protocol import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT
from device_grant.reference.server.http import Refusal, crash, decode_json
from device_grant.reference.server.metadata import AUTHENTICATION_METHODS
from device_grant.reference.server.mutual_tls.announced import authentication_methods
from device_grant.reference.server.mutual_tls.credentials import SUBJECTS, registered_credential
from device_grant.reference.server.possession.binding import BOUND
from device_grant.reference.server.store import RegisteredClient, Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from device_grant.reference.server.faults import Faults

_STRINGS = frozenset(
    {"client_name", "scope", "software_id", "software_version", "token_endpoint_auth_method", *SUBJECTS}
)
_BOUND = "tls_client_certificate_bound_access_tokens"
"""Kept and returned (RFC 8705 section 3.4); tokens are bound whenever a certificate is shown."""
_PAGES = frozenset({"client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri"})
_SHOWN_PAGES = ("client_uri", "tos_uri", "policy_uri")
_LISTS = frozenset({"redirect_uris", "grant_types", "response_types", "contacts"})
_LOCALISED = frozenset({"client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri"})
"""Members that may carry a language tag, `client_name#de` (RFC 7591 2.2)."""
_GRANT_TYPES = frozenset(
    {DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, "authorization_code", "implicit", "client_credentials"}
)
"""Grant types that a client may name; only the first two can be used here."""
_RESPONSE_TYPES = frozenset({"code", "token", "none"})
_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_DANGEROUS = frozenset({"javascript", "data", "vbscript", "file", "blob", "about"})


REPEATED_ID = "the-one-client-that-everyone-is"
"""What the fault `registration_repeated` gives everybody."""
REPEATED_SECRET = "the-one-secret-that-every-client-gets"  # noqa: S105 - what faults give everybody; protects nothing


def register(body: bytes, store: Store) -> tuple[RegisteredClient, dict[str, Any]]:
    """The new client and the members of the 201 response (RFC 7591 3.2.1).

    Raises Refusal invalid_client_metadata or invalid_redirect_uri.
    """
    faults = store.faults
    if faults.registration_closed:
        raise Refusal("access_denied", "Registration is closed", status=403)
    metadata = _metadata(_parse(body, store), faults)
    if not faults.redirect_uri_unchecked:
        _check_redirect_uris(metadata.get("redirect_uris", []))
    if faults.redirect_uris_required and not metadata.get("redirect_uris"):
        raise Refusal("invalid_redirect_uri", "redirect_uris is missing")
    # What these faults let through has no host to compare.
    if not (faults.page_hosts_unchecked or faults.redirect_uri_unchecked or faults.registration_types_unchecked):
        _check_page_hosts(metadata)
    grants = metadata.setdefault("grant_types", ["authorization_code"])
    silent = faults.auth_method_default_public and "token_endpoint_auth_method" not in metadata
    method = "none" if silent else metadata.setdefault("token_endpoint_auth_method", "client_secret_basic")
    if not faults.registration_types_unchecked:
        _check_choices(metadata, grants, method, (*AUTHENTICATION_METHODS, *authentication_methods(store.settings)))
    credential = registered_credential(metadata, faults)
    scopes = _scopes(metadata, store)
    now = int(store.clock())
    wanted = method != "none" and credential is None and not faults.registration_secret_missing
    unwanted = faults.registration_public_secret or faults.public_secret_required
    secret = _new_secret(store) if wanted or unwanted else None
    lifetime = store.settings.secret_lifetime
    client = RegisteredClient(
        id=_client_id(body, store),
        secret=secret if method != "none" or faults.public_secret_required else None,
        name=str(metadata.get("client_name", "")),
        grants=known_grants(grants if isinstance(grants, list) else [DEVICE_CODE_GRANT], faults),
        scopes=scopes,
        gets_refresh_tokens=REFRESH_TOKEN_GRANT in grants,
        issued_at=now,
        expires_at=now + lifetime if lifetime else 0,
        credential=credential,
        pages=tuple(str(metadata[name]) for name in _SHOWN_PAGES if name in metadata),
        dpop_bound=metadata.get(BOUND) is True,
    )
    members: dict[str, Any] = {"client_id": client.id, "client_id_issued_at": now}
    if secret is not None:
        members["client_secret"] = secret
        members["client_secret_expires_at"] = client.expires_at
    if not faults.registration_metadata_dropped:
        members |= metadata
    _spoil(members, faults)
    return client, spoilt_credentials(members, faults)


def known_grants(grants: Iterable[str], faults: Faults) -> frozenset[str]:
    """What the client may use; a fault knows the device grant by a name of its own only."""
    if faults.grant_types_renamed:
        return frozenset(grants) - {DEVICE_CODE_GRANT}
    return frozenset(grants)


def spoilt_credentials(members: dict[str, Any], faults: Faults) -> dict[str, Any]:
    """The response of either dialect without what faults withhold, canonical names."""
    missing = {
        "client_id": faults.client_id_missing,
        "client_secret_expires_at": faults.secret_expiry_missing,
    }
    return {name: value for name, value in members.items() if not missing.get(name, False)}


def redirect_uri_acceptable(uri: str) -> bool:
    """Whether a redirect URI has no fragment and is https, http on loopback, or app-claimed (RFC 8252 section 7)."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return False
    if "#" in uri or not uri.isascii() or any(character <= " " for character in uri):
        return False
    match parts.scheme:
        case "https":
            return bool(host)
        case "http":
            return host in _LOOPBACK
        case scheme:
            return "." in scheme and scheme not in _DANGEROUS


def _parse(body: bytes, store: Store) -> Mapping[str, Any]:
    try:
        parsed = decode_json(body)
    except ValueError:
        if store.faults.malformed_body_500:
            raise crash() from None
        raise Refusal("invalid_client_metadata", "The body is not JSON in UTF-8") from None
    if not isinstance(parsed, dict):
        raise Refusal("invalid_client_metadata", "The body is not a JSON object")
    return parsed


def _metadata(body: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    """The members that are known, each of its type; null is taken as not sent."""
    kept = _software_statement(body, faults)
    for name, value in body.items():
        base, tagged, _ = name.partition("#")
        if value is None or (tagged and base not in _LOCALISED):
            continue
        if base in _STRINGS | _PAGES:
            valid = isinstance(value, str) and (base in _STRINGS or faults.page_uris_unchecked or _is_page(value))
        elif base in _LISTS:
            valid = isinstance(value, list) and all(isinstance(item, str) for item in value)
        elif base in (BOUND, _BOUND):
            valid = isinstance(value, bool)
        elif base == "jwks":
            valid = isinstance(value, dict)
        elif faults.unknown_parameters_refused:
            raise Refusal("invalid_client_metadata", "There is a member that is not known here")
        else:
            continue
        if not valid and not faults.registration_types_unchecked:
            raise Refusal("invalid_client_metadata", f"The value of {base} is not valid")
        kept[name] = value
    if "jwks" in kept and "jwks_uri" in kept and not faults.jwks_conflict_accepted:
        raise Refusal("invalid_client_metadata", "jwks and jwks_uri exclude each other")
    return kept


def _software_statement(body: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    """Statements are ignored, as RFC 7591 3.1.1 allows; only faults look at them."""
    statement = body.get("software_statement")
    if statement is not None and faults.software_statement_refused:
        raise Refusal("invalid_request", "Software statements are not supported")
    altered = statement is not None and faults.software_statement_altered
    return {"software_statement": str(statement)[:-1]} if altered else {}


def _check_choices(metadata: dict[str, Any], grants: list[str], method: str, methods: tuple[str, ...]) -> None:
    if not grants or not set(grants) <= _GRANT_TYPES:
        raise Refusal("invalid_client_metadata", "grant_types names a grant type that is not known here")
    if method not in methods:
        raise Refusal("invalid_client_metadata", f"token_endpoint_auth_method must be one of {', '.join(methods)}")
    if "response_types" not in metadata:
        if "authorization_code" in grants:
            metadata["response_types"] = ["code"]
        return
    chosen = set(metadata["response_types"])
    if not chosen <= _RESPONSE_TYPES:
        raise Refusal("invalid_client_metadata", "response_types names a response type that is not known here")
    # RFC 7591 2.1: the two lists must tell the same story.
    if ("code" in chosen) != ("authorization_code" in grants) or ("token" in chosen) != ("implicit" in grants):
        raise Refusal("invalid_client_metadata", "grant_types and response_types contradict each other")


def _check_redirect_uris(uris: Any) -> None:
    if isinstance(uris, list) and not all(isinstance(uri, str) and redirect_uri_acceptable(uri) for uri in uris):
        raise Refusal("invalid_redirect_uri", "A redirect URI must be absolute, without fragment and on a safe scheme")


def _check_page_hosts(metadata: Mapping[str, Any]) -> None:
    """RFC 7591 section 5: pages on the hosts of the redirect URIs, so that nobody borrows a well-known name."""
    hosts = {urlsplit(uri).hostname for uri in metadata.get("redirect_uris", ()) if uri.startswith("https:")}
    pages = {value for name, value in metadata.items() if name.partition("#")[0] in _PAGES - {"jwks_uri"}}
    if hosts and not {urlsplit(page).hostname for page in pages} <= hosts:
        raise Refusal("invalid_client_metadata", "A page of the client is on another host than its redirect URIs")


def _spoil(members: dict[str, Any], faults: Faults) -> None:
    if faults.dpop_bound_returned_as_text and BOUND in members:
        members[BOUND] = str(members[BOUND]).lower()
    if faults.issued_at_milliseconds:
        members["client_id_issued_at"] *= 1000
    if faults.grant_types_renamed and DEVICE_CODE_GRANT in members.get("grant_types", ()):
        members["grant_types"] = [name.rpartition(":")[2] for name in members["grant_types"]]
    if faults.scope_as_array and "scope" in members:
        members["scope"] = members["scope"].split(" ")
    if faults.redirect_uris_altered and "redirect_uris" in members:
        members["redirect_uris"] = [f"{uri}/" for uri in members["redirect_uris"]]


def _scopes(metadata: dict[str, Any], store: Store) -> tuple[str, ...] | None:
    """Scopes of the client: those that do not exist are left out, and the response shows it (RFC 7591 section 2)."""
    asked = metadata.get("scope")
    if not isinstance(asked, str) or not asked:
        metadata.pop("scope", None)
        return None
    tokens = asked.split(" ")
    if not all(_SCOPE_TOKEN.fullmatch(token) for token in tokens):
        raise Refusal("invalid_client_metadata", "The scope is malformed")
    known = tuple(dict.fromkeys(token for token in tokens if token in store.settings.known_scopes))
    if not known:
        raise Refusal("invalid_client_metadata", "None of the scopes exists here")
    metadata["scope"] = " ".join(known)
    return known


def _client_id(body: bytes, store: Store) -> str:
    if store.faults.registration_repeated:
        return REPEATED_ID
    if store.faults.registration_takes_client_id:
        asked = decode_json(body).get("client_id")
        if isinstance(asked, str) and asked:
            return asked
    return secrets.token_urlsafe(16)


def _new_secret(store: Store) -> str:
    if store.faults.registration_secret_repeated or store.faults.registration_repeated:
        return REPEATED_SECRET
    return secrets.token_urlsafe(32)


def _is_page(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)

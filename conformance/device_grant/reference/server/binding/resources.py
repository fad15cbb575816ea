"""Resource indicators: for which resources a grant and its tokens are (RFC 8707).

What the start names is what the person approves. Polls and refreshes may ask for part of it, for the access token that
they bring; the grant stays as it was approved.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.reference.server.forms import form_decode
from device_grant.reference.server.http import Refusal
from device_grant.reference.server.issued.jwts import default_audience

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.issued.terms import Terms
    from device_grant.reference.server.settings import Settings

PARAMETER = "resource"


def asked_for(body: bytes, settings: Settings, faults: Faults) -> tuple[str, ...]:
    """The resources that a request names, in their order; `body` has been read as a form before.

    Raises Refusal invalid_target for one that is malformed or not known here (RFC 8707 section 2).
    """
    pairs = (part.partition("=") for part in body.decode("utf-8").split("&"))
    named = [form_decode(value) for name, _, value in pairs if value and form_decode(name) == PARAMETER]
    if named and faults.resource_refused_as_unknown:
        raise Refusal("invalid_request", "The parameter resource is not known here")
    if len(named) > 1 and faults.resource_repetition_refused:
        raise Refusal("invalid_request", "The parameter resource is repeated")
    known = {one.uri for one in settings.protected_resources} | set(default_audience(settings))
    for uri in named:
        if not (well_formed(uri) or faults.malformed_resource_accepted):
            raise refused("resource must be an absolute URI without a fragment", faults)
        if uri not in known and not (faults.unknown_resource_in_aud if well_formed(uri) else True):
            raise refused("This resource is not known here", faults)
    return tuple(dict.fromkeys(named))


def well_formed(uri: str) -> bool:
    """Whether it is an absolute URI without a fragment, a logical one such as a URN included."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    rest = parts.netloc or parts.path
    return bool(parts.scheme and rest) and "#" not in uri and uri.isascii() and not any(map(str.isspace, uri))


def narrowed(
    named: tuple[str, ...], approved: tuple[str, ...], settings: Settings, faults: Faults, *, widens: bool
) -> tuple[str, ...]:
    """For what an access token is, by what its request names and what was approved.

    Raises Refusal invalid_target for anything that was not approved, but under a fault that `widens`.
    """
    allowed = approved or default_audience(settings)
    if not named:
        return allowed
    lax = widens or faults.unknown_resource_in_aud or faults.malformed_resource_accepted
    if not set(named) <= set(allowed) and not lax:
        raise refused("This resource was not asked for when the grant began", faults)
    return named


def refused(description: str, faults: Faults) -> Refusal:
    """The error of section 2."""
    return Refusal("invalid_resource" if faults.invalid_target_misnamed else "invalid_target", description)


def in_tokens(audience: tuple[str, ...], settings: Settings, faults: Faults) -> tuple[str, ...]:
    """`aud` of an access token for these resources."""
    if faults.resource_without_effect:
        return default_audience(settings)
    if faults.resource_host_only:
        return tuple(dict.fromkeys("{0.scheme}://{0.netloc}".format(urlsplit(uri)) for uri in audience))
    return audience


def kept_terms(terms: Terms, resources: tuple[str, ...], faults: Faults) -> Terms:
    """What a refresh token remembers where its access token is for these resources: all that was approved."""
    return replace(terms, audience=resources or terms.audience) if faults.resource_narrowing_sticks else terms


def understood(scope: tuple[str, ...], audience: Iterable[str], settings: Settings, faults: Faults) -> tuple[str, ...]:
    """The part of a scope that means something to these resources (RFC 8707 section 2.2)."""
    owned: Mapping[str, tuple[str, ...]] = {one.uri: one.scopes for one in settings.protected_resources}
    places = set(audience)
    if faults.scope_of_all_resources or not places <= set(owned):
        return scope
    foreign = {token for uri, tokens in owned.items() if uri not in places for token in tokens}
    return tuple(token for token in scope if token not in foreign)

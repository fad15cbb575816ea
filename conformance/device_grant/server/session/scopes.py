"""Scopes that a target has, for checks that ask for some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Untestable

if TYPE_CHECKING:
    from device_grant.server.session.case import ServerCase

SPECIAL = ("openid", "offline_access")
"""Scopes that change what a response holds; others are taken where there are any."""


def known_scopes(case: ServerCase) -> list[str]:
    """Scopes that the target has: those of target.toml, then those of its metadata, special ones last."""
    advertised = case.run.endpoints.document.get("scopes_supported")
    listed = [scope for scope in advertised if isinstance(scope, str)] if isinstance(advertised, list) else []
    result = dict.fromkeys([*case.run.target.config.request.scope.split(), *listed])
    return sorted(result, key=lambda scope: scope in SPECIAL)


def two_scopes(case: ServerCase) -> tuple[str, str]:
    """Two scopes that can be asked for, in alphabetical order; raises Untestable if fewer are known."""
    result = known_scopes(case)
    if len(result) < 2:
        raise Untestable("fewer than two scopes are known: name them in [request] scope of target.toml")
    first, second = sorted(result[:2])
    return first, second


def any_two_scopes(case: ServerCase) -> tuple[str, str]:
    """The same, but one of them twice, or two made up, where fewer are known: for requests that are only compared."""
    result = known_scopes(case)
    scopes = [*result, *result] or ["read", "write"]
    return scopes[0], scopes[1]

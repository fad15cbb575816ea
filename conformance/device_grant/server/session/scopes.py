"""Scopes that a target has, for checks that ask for some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable

if TYPE_CHECKING:
    from device_grant.server.session.device import Device

SPECIAL = ("openid", "offline_access")
"""Scopes that change what a response holds; others are taken where there are any."""
USUAL = ("openid", "profile", "email")
"""Of which a server that has scopes at all knows one, or takes any."""


def own_scopes(device: Device) -> list[str]:
    """Scopes that the device was promised: those of target.toml, then those that its registration returned."""
    registered = device.client.registered.get("scope")
    own = registered.split() if isinstance(registered, str) else []
    return list(dict.fromkeys([*device.case.run.target.config.request.scope.split(), *own]))


def known_scopes(device: Device, *, published: bool = False) -> list[str]:
    """Scopes that the device can ask for: those of target.toml, then those of its client, special ones last.

    Where its registration names none, or where those that are `published` are wanted too, those of the metadata:
    another client may have them and this one not.
    """
    own = own_scopes(device)
    named = isinstance(device.client.registered.get("scope"), str) and bool(device.client.registered["scope"].split())
    result = dict.fromkeys([*own, *((() if named and not published else _published(device)) or ())])
    return sorted(result, key=lambda scope: scope in SPECIAL)


def with_defaults(device: Device, *scopes: str) -> str:
    """These scopes and those without which the target does not do what target.toml says, such as offline_access."""
    special = [scope for scope in device.case.run.target.config.request.scope.split() if scope in SPECIAL]
    return " ".join(dict.fromkeys([*scopes, *special]))


def one_scope(device: Device) -> str:
    """A scope that can be asked for; ends the check where none is known, as `two_scopes` does."""
    result = known_scopes(device)
    if not result:
        raise _too_few(device)
    return min(result[:2])


def two_scopes(device: Device) -> tuple[str, str]:
    """Two scopes that can be asked for, in alphabetical order; ends the check where fewer are known.

    Raises NotApplicable where the server shows that it has not two, and Untestable where nobody knows.
    """
    result = known_scopes(device)
    if len(result) < 2:
        raise _too_few(device)
    first, second = sorted(result[:2])
    return first, second


def any_two_scopes(device: Device) -> tuple[str, str]:
    """The same, but one of them twice, or two made up, where fewer are known: for requests that are only compared."""
    result = known_scopes(device)
    scopes = [*result, *result] or ["read", "write"]
    return scopes[0], scopes[1]


def has_no_scopes(device: Device) -> bool:
    """Whether the server shows that it has no scopes: it registers a client for none and refuses whatever is asked."""
    if not device.client.registered or device.client.registered.get("scope") is not None:
        return False
    if not device.request(scope=None, label="control: start without scope").outcome.ok:
        return False
    answers = [device.request(scope=scope, label=f"control: start for {scope}") for scope in USUAL]
    return all(answer.code == "invalid_scope" for answer in answers)


def _published(device: Device) -> list[str] | None:
    """Scopes of the metadata; None where it has no list of them."""
    listed = device.case.run.endpoints.document.get("scopes_supported")
    return [scope for scope in listed if isinstance(scope, str)] if isinstance(listed, list) else None


def _too_few(device: Device) -> NotApplicable | Untestable:
    published = _published(device)
    if published is not None and len(set(published)) < 2:
        return NotApplicable("the metadata lists fewer than two scopes")
    if published is None and has_no_scopes(device):
        return NotApplicable("the server has no scopes: it refuses those that others have")
    return Untestable("fewer than two scopes are known: name them in [request] scope of target.toml")

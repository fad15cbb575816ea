"""Tokens that are bound to the certificate of the device: RFC 8705 sections 3, 3.1 and 4."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.server.checks.mutual_tls.certified import (
    LIVE,
    MAY_DECLINE,
    NEEDS,
    REFUSED_OR_CUT,
    binding_device,
    certified_tokens,
    declines_binding,
    introspected_in,
    named_in,
    shown_by_stranger,
)
from device_grant.server.session.asking import asker_for
from device_grant.server.session.audience import jwt_for_a_resource

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Client, Exchange
    from device_grant.server.session.asking import Asker
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

BINDS = "rfc8705-3-poll-binds-token"
REFRESH = "rfc8705-4-public-refresh-bound"


@check(
    BINDS,
    "rfc8705-3.1-thumbprint",
    "rfc8705-3.1-jwt-uses-cnf",
    faults=("mtls_token_unbound", "mtls_thumbprint_padded", "mtls_hash_at_top_level"),
    needs=NEEDS,
    timed=True,
    live=LIVE,
)
def test_access_token_is_bound(case: ServerCase, verify: Verify) -> None:
    """Poll an approved code over mutual TLS. Accepted: a JWT whose cnf has the hash of the certificate.

    A token is bound as well where introspection alone tells that hash; a JWT should then still have it.
    """
    device = binding_device(case)
    who = asker_for(device)
    tokens, _ = jwt_for_a_resource(device, certified_tokens(device, **(who.members if who else {})))
    named = named_in(tokens)
    shown = "" if named is not None and any(named) else _introspected(who, tokens)
    if named is None and not shown:
        raise NotApplicable("the access token is no JWT, so that nobody but the server sees to what it is bound")
    inside, beside = named or ("", "")
    given = inside or beside or shown
    if not given and declines_binding(device):
        raise Inconclusive(f"the access token names no certificate; {MAY_DECLINE}")
    verify.that(BINDS, bool(given), "the access token names no certificate, though the poll showed one", tokens)
    if not given:
        raise Untestable("the access token names no certificate")
    expected = device.client.certificate.thumbprint if device.client.certificate else ""
    problem = "x5t#S256 is not the SHA-256 of the certificate in base64url without padding"
    verify.that("rfc8705-3.1-thumbprint", given == expected, problem, tokens, got=f"{given:.100}")
    if named is None:
        raise NotApplicable("the access token is no JWT: introspection tells to what it is bound")
    problem = "the hash of the certificate is known, and not in the cnf of the access token, which is a JWT"
    verify.that("rfc8705-3.1-jwt-uses-cnf", bool(inside), problem, tokens)


def _introspected(who: Asker | None, tokens: Exchange) -> str:
    """What introspection tells of the certificate, to whom it is told; empty for nothing."""
    return introspected_in(who.ask(tokens.get("access_token"))) if who else ""


@check(REFRESH, faults=("mtls_refresh_unbound",), needs=(*NEEDS, "refresh_token"), timed=True, live=LIVE)
def test_refresh_token_of_a_public_client_is_bound(case: ServerCase, verify: Verify) -> None:
    """Refresh with another certificate, with none, then with the first. Accepted: refused, refused, a new token."""
    device = binding_device(case)
    if device.client.authentication != "none":
        raise NotApplicable("there is no public client: others authenticate when they refresh")
    tokens = _refreshable(device)
    named = named_in(tokens)
    if (named is None or not any(named)) and declines_binding(device):
        raise Inconclusive(f"nothing shows whether its tokens are bound; {MAY_DECLINE}")
    attempts = []
    for label, client in _strangers(device.client):
        attempt = device.refresh(tokens.get("refresh_token"), client=client, label=f"refresh {label}")
        verify.that(REFRESH, not attempt.outcome.ok, _served(label), attempt, accepted=REFUSED_OR_CUT)
        attempts.append(attempt)
        if attempt.outcome.ok:
            return
    _require_refreshing(device, tokens)


def _strangers(client: Client) -> tuple[tuple[str, Client], ...]:
    """What somebody shows who has got hold of a token, in words, and as a client."""
    return (
        ("with another certificate", replace(client, certificate=shown_by_stranger())),
        ("without a certificate", replace(client, certificate=None)),
    )


def _served(label: str) -> str:
    return f"the refresh token of a public client is taken {label}"


def _refreshable(device: Device) -> Exchange:
    tokens = certified_tokens(device)
    if not isinstance(tokens.get("refresh_token"), str):
        raise NotApplicable("no refresh token was issued; none is owed")
    return tokens


def _require_refreshing(device: Device, tokens: Exchange) -> None:
    """Raise Untestable where no refresh works with the right certificate either.

    A server may take an attempt by somebody else for theft and end the token: then one of a new grant has to work.
    """
    if device.refresh(tokens.get("refresh_token"), label="control: refresh with the first certificate").outcome.ok:
        return
    control = device.refresh(_refreshable(device).get("refresh_token"), label="control: refresh of a new grant")
    if not control.outcome.ok:
        raise Untestable(f"no refresh works with the right certificate: one was answered {control.describe()}")

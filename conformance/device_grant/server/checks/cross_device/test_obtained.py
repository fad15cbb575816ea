"""What tokens of a cross-device flow are good for, and until when, RFC 10027 sections 6.1.6, 6.1.9 and 6.1.10."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.protocol.numbers import number
from device_grant.server.session.asking import asker_for, asking, require_active
from device_grant.server.session.jose.compact import read_jwt
from device_grant.server.session.possession.proving import is_dpop, key_in, proving_device
from device_grant.server.session.scopes import SPECIAL, two_scopes, with_defaults

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device, Grant

SCOPES = "rfc10027-6.1.9-may-limit-scopes"
ENDS = "rfc10027-6.1.10-refresh-token-lifetime"
CONSTRAINED = "rfc10027-6.1.12-sender-constrained"
REUSED = "rfc10027-6.1.6-may-invalidate-tokens"
LONGEST_REFRESH = 90 * 86_400
"""Seconds for which a refresh token goes on without remark; the registrations of AWS live as long."""
_STATED = ("refresh_token_expires_in", "refresh_expires_in")
"""Members by which servers say how long a refresh token lives; no standard has one."""


@check(SCOPES, faults=("scope_silently_limited",), timed=True)
def test_scope_that_the_token_has(device: Device, verify: Verify) -> None:
    """Two scopes; the scope of the response, and that in the token. Accepted: as the response says, also if less."""
    asked = with_defaults(device, *two_scopes(device))
    tokens = device.start(scope=asked).redeemed()
    own = _own_scope(device, tokens)
    if own is None:
        raise Inconclusive(
            "nothing says which scope the token has: it is no JWT with a scope, and nobody may ask of it"
        )
    stated = set(str(tokens.get("scope") or asked).split()) - set(SPECIAL)
    problem = "a token has less scope than its response says"
    verify.that(SCOPES, stated <= own, problem, tokens, measured={"stated": len(stated), "granted": len(stated & own)})


def _own_scope(device: Device, tokens: Exchange) -> set[str] | None:
    """The scope that a token has by its own claims, else by introspection; None where neither says."""
    token = tokens.get("access_token")
    jwt = read_jwt(token)
    said = jwt.claims.get("scope", jwt.claims.get("scp")) if jwt else None
    asker = asker_for(device) if said is None and isinstance(token, str) else None
    if asker is not None:
        answer = asker.ask(token, "which scope the token has")
        said = answer.members.get("scope") if answer.active else None
    if isinstance(said, list):
        return {one for one in said if isinstance(one, str)}
    return set(said.split()) if isinstance(said, str) else None


@check(REUSED, faults=("reuse_keeps_tokens_active",), needs=("introspection", "refresh_token"), timed=True)
def test_tokens_of_a_code_that_came_twice(case: ServerCase, verify: Verify) -> None:
    """Redeem a code, send it again, refresh, introspect. Accepted: the refresh goes on, or no token is active.

    A code that comes twice is a sign of theft; what the server makes of it is its own business, but of one piece.
    """
    device, asker = asking(case)
    grant: Grant = device.start(**asker.members)
    tokens = grant.redeemed()
    access, refresh = tokens.get("access_token"), tokens.get("refresh_token")
    if not (isinstance(access, str) and isinstance(refresh, str)):
        raise NotApplicable("no refresh token was issued; none is owed")
    require_active(asker.ask(access, "introspect the access token"), asker)
    again = grant.poll(label="redeem once more")
    if again.outcome.ok:
        raise Untestable("the code was redeemed twice: other checks judge that")
    renewed = device.refresh(refresh, label="refresh after the code came twice")
    # A refresh replaces tokens at some servers: then nothing is to be learnt of the one before.
    of_one_piece = renewed.outcome.ok or asker.ask(access, "introspect it after that").active is not True
    problem = "a code that came twice has ended the refresh token, and its access token is still called active"
    verify.that(REUSED, of_one_piece, problem, renewed)


@check(ENDS, faults=("refresh_token_endless",), needs=("refresh_token",), timed=True)
def test_refresh_token_lifetime(device: Device, verify: Verify) -> None:
    """How long the response or introspection says that a refresh token lives. Reported: no end, or over 90 days."""
    tokens = device.refreshable_tokens()
    stated = next((life for name in _STATED if (life := number(tokens.get(name))) is not None), None)
    asker = None if stated is not None else asker_for(device)
    if asker is not None:
        said = asker.ask(tokens.get("refresh_token"), "until when the refresh token is good", hint="refresh_token")
        if said.active is not True:
            raise NotApplicable("nothing says until when a refresh token is good")
        end = number(said.members.get("exp"))
        stated = None if end is None else end - device.case.run.target.clock.now()
    elif stated is None:
        raise NotApplicable("nothing says until when a refresh token is good")
    device.case.exposed["refresh_life"] = None if not stated else float(round(stated))
    # Zero is how servers say that there is no end.
    ends = stated is not None and 0 < stated <= LONGEST_REFRESH
    problem = "refresh tokens of the device grant have no end that is near: access that was given by mistake goes on"
    measured = {} if stated is None else {"seconds": float(stated)}
    verify.that(ENDS, ends, problem, tokens, measured=measured)


@check(CONSTRAINED, faults=("device_grant_ignores_dpop",), needs=("dpop",), timed=True)
def test_tokens_bound_to_a_key(case: ServerCase, verify: Verify) -> None:
    """Redeem with a proof where the server announces DPoP. Reported: a token that whoever has it can use."""
    device = proving_device(case)
    tokens = device.approved().poll(label="redeem with a proof")
    if not tokens.outcome.ok:
        raise Untestable(f"the approved code was answered {tokens.describe()}")
    problem = "a token of the device grant is bound to no key, though the device has proved that it has one"
    verify.that(CONSTRAINED, is_dpop(tokens) or bool(key_in(tokens)), problem, tokens)

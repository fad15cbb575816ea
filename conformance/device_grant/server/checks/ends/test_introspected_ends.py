"""What is said of tokens that have ended, were changed, or are none: RFC 7662 sections 2.2 and 4."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol.numbers import number
from device_grant.server.checks.ends.answers import NOTHING_MORE, verify_silence
from device_grant.server.checks.ends.chain import GRACE, Chain, ended
from device_grant.server.checks.ends.revoking import UNSUPPORTED, revoke, revoker, taken
from device_grant.server.session.asking import Asker, Introspected, asking, asking_itself, require_active
from device_grant.server.session.jose.compact import read_jwt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device
    from device_grant.server.session.jose.compact import CompactJwt

EXPIRED = "rfc7662-4-expired-is-inactive"
REVOKED = "rfc7662-4-revoked-is-inactive"
REPLACED = "rfc7662-4-replaced-refresh-token-is-inactive"
SIGNATURE = "rfc7662-4-signature-checked"
CODE = "rfc7662-2.2-device-code-is-no-token"
LEEWAY = 61.0
"""Seconds after its end in which a token may still be taken for alive: clocks differ."""


@check(
    EXPIRED,
    NOTHING_MORE,
    faults=("introspection_ignores_expiry", "introspection_tells_of_the_dead"),
    needs=("introspection",),
    timed=True,
)
def test_introspected_when_expired(case: ServerCase, verify: Verify) -> None:
    """Introspect an access token a minute after its end. Accepted: active false, and nothing else."""
    device, asker = asking(case)
    chain = Chain(device, **asker.members)
    lifetime = number(chain.tokens.get("expires_in"))
    control = asker.ask(chain.access[-1], "control: introspect while it lives")
    require_active(control, asker)
    if lifetime is None:
        end = number(control.members.get("exp"))
        if end is None:
            raise Untestable("neither the token response nor introspection says how long the access token lives")
        lifetime = end - (case.began + case.now())
    if lifetime + LEEWAY > case.longest_wait:
        raise Untestable(
            f"access tokens live {lifetime:.0f} s on a real clock, and a minute of leeway, longer than "
            f"{case.longest_wait:.0f} s: raise [clock] longest_wait in target.toml, or run the target in process or "
            "under libfaketime"
        )
    case.wait(max(0.0, lifetime) + LEEWAY)
    said = asker.ask(chain.access[-1], "introspect when it has expired")
    verify.that(EXPIRED, said.active is not True, "an expired access token is active", chain.tokens, said.exchange)
    _silence(verify, [said])


@check(
    REVOKED,
    NOTHING_MORE,
    faults=("introspection_ignores_revocation", "introspection_tells_of_the_dead"),
    needs=("introspection", "revocation"),
    timed=True,
)
def test_introspected_when_revoked(case: ServerCase, verify: Verify) -> None:
    """Revoke an access token, else a refresh token, and introspect it. Accepted: active false, and nothing else."""
    device, asker = asking(case)
    if not asker.own:
        device = revoker(case)
    chain = Chain(device, **asker.members)
    token = chain.access[-1]
    require_active(asker.ask(token, "control: introspect while it lives"), asker)
    revoked = revoke(device, token, "revoke the access token", hint="access_token")
    if revoked.code == UNSUPPORTED:
        chain.require_refresh_token()
        token = chain.refreshes[-1]
        if asker.ask(token, "control: introspect while it lives", hint="refresh_token").active is not True:
            raise NotApplicable("access tokens cannot be revoked here, and refresh tokens are not introspected")
        revoked = revoke(device, token, "revoke the refresh token", hint="refresh_token")
    if not taken(revoked):
        raise Untestable(f"the revocation was answered {revoked.describe()}")
    answers: list[Introspected] = []

    def lives() -> bool:
        answers.append(asker.ask(token, "introspect when it was revoked"))
        return answers[-1].active is True

    alive = ended(case, lives) is None
    problem = f"a token is active {GRACE:g} s after its revocation"
    verify.that(REVOKED, not alive, problem, revoked, answers[-1].exchange)
    _silence(verify, answers)


def _silence(verify: Verify, answers: list[Introspected]) -> None:
    verify_silence(verify, answers)
    if all(said.active is not False for said in answers):
        raise Untestable("no answer says that a token is not active")


@check(REPLACED, faults=("introspection_old_refresh_active",), needs=("introspection", "refresh_token"), timed=True)
def test_introspected_when_replaced(case: ServerCase, verify: Verify) -> None:
    """Refresh, and introspect the refresh token that was replaced. Accepted: active false.

    One that can still be used for a while is active rightly.
    """
    device, asker = asking(case)
    chain = Chain(device, **asker.members)
    chain.require_refresh_token()
    before = asker.ask(chain.refreshes[0], "control: introspect while it lives", hint="refresh_token")
    if before.active is not True and not asker.own:
        # Resource servers have no use for them; the client that holds one may ask.
        device, asker = asking_itself(case)
        chain = Chain(device)
        chain.require_refresh_token()
        before = asker.ask(chain.refreshes[0], "control: the client asks while it lives", hint="refresh_token")
    if before.active is not True:
        raise NotApplicable("refresh tokens are not introspected here")
    first = chain.refreshes[0]
    chain.require_refreshing()
    if chain.refreshes[-1] == first:
        raise NotApplicable("refresh tokens are not replaced here")
    said = asker.ask(first, "introspect the replaced refresh token", hint="refresh_token")
    if said.active is True:
        # A grace period of the server is one of the token: it is active as long as it works.
        works = device.refresh(first, label="refresh with the replaced token")
        problem = "a replaced refresh token is active, and is refused"
        verify.that(REPLACED, works.outcome.ok, problem, said.exchange, works)
        return
    verify.that(REPLACED, True, "", said.exchange)  # noqa: FBT003 - the judgement itself


@check(CODE, faults=("introspection_device_code_active",), needs=("introspection",), timed=True)
def test_introspected_codes(case: ServerCase, verify: Verify) -> None:
    """Introspect device code and user code when pending, approved and redeemed; then the access token.

    Accepted: active for the token alone.
    """
    device, asker = asking(case)
    grant = device.start(**asker.members)
    answers = list(_of_codes(asker, grant.device_code, grant.user_code, "pending"))
    device.user.approve(grant)
    answers += _of_codes(asker, grant.device_code, grant.user_code, "approved")
    tokens = grant.poll(label="redeem")
    answers += _of_codes(asker, grant.device_code, grant.user_code, "redeemed")
    for what, said in answers:
        verify.that(CODE, said.active is not True, f"{what} is introspected as an active token", said.exchange)
    if not tokens.outcome.ok:
        raise Untestable(f"the approved code was answered {tokens.describe()}")
    require_active(asker.ask(tokens.get("access_token"), "control: introspect the access token"), asker)


def _of_codes(asker: Asker, device_code: str, user_code: str, state: str) -> Iterator[tuple[str, Introspected]]:
    for what, code in (("device code", device_code), ("user code", user_code)):
        yield f"the {what} of a grant that is {state}", asker.ask(code, f"introspect the {what}, {state}")


@check(SIGNATURE, faults=("introspection_decodes_only",), needs=("introspection",), timed=True)
def test_introspected_when_changed(case: ServerCase, verify: Verify) -> None:
    """Introspect JWT access tokens with another payload, another signature, and none. Accepted: not active."""
    device, asker = asking(case)
    chain = Chain(device, **asker.members)
    token = read_jwt(chain.access[-1])
    if token is None:
        raise NotApplicable("access tokens are no JWTs here")
    require_active(asker.ask(token.text, "control: introspect the token as it is"), asker)
    for what, changed in _changed(device, token).items():
        said = asker.ask(changed, f"introspect the token with {what}")
        verify.that(SIGNATURE, said.active is not True, f"a token with {what} is active", said.exchange)


def _changed(device: Device, token: CompactJwt) -> dict[str, str]:
    """Forgeries of a token by what is wrong with them."""
    header, payload, signature = token.text.split(".")
    middle = len(signature) // 2
    other = "A" if signature[middle : middle + 1] != "A" else "B"
    more = _part(dict(token.claims) | {"scope": "everything", "jti": f"{device.client.id}-forged"})
    unsigned = _part({name: value for name, value in token.header.items() if name != "kid"} | {"alg": "none"})
    return {
        "another payload": f"{header}.{more}.{signature}",
        "another signature": f"{header}.{payload}.{signature[:middle]}{other}{signature[middle + 1 :]}",
        "no signature": f"{unsigned}.{payload}.",
        "no signature and another payload": f"{unsigned}.{more}.",
    }


def _part(members: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")

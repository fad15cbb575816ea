"""Who is told what a token is good for: RFC 7662 sections 2.1, 2.3 and 4."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import Client
from device_grant.server.checks.ends.chain import Chain
from device_grant.server.session.asking import NOBODY, Asker, asker, asking, require_active, spoken
from device_grant.server.session.device import WRONG_SECRET, without

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.asking import Introspected
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

AUTHORIZED = "rfc7662-2.1-authorization-required"
CREDENTIALS = "rfc7662-2.3-bad-credentials"
MERE_CLIENT = "rfc7662-4-caller-authorized"
AUDIENCE = "rfc7662-4-audience-checked"
_UNAUTHORIZED = 401
_REFUSALS = (400, 401, 403)


@check(
    AUTHORIZED,
    CREDENTIALS,
    faults=("introspection_open", "introspection_bad_secret_inactive"),
    needs=("introspection",),
    timed=True,
)
def test_introspection_by_strangers(case: ServerCase, verify: Verify) -> None:
    """Introspect a live token without credentials, as a public client, and with wrong credentials.

    Accepted: refusals, 401 for wrong credentials; a warning where all are told that it is not active, or a public
    client of its own token. Where credentials are not looked at, none are wrong.
    """
    device, known = asking(case)
    chain = Chain(device, **known.members)
    token = chain.access[-1]
    require_active(known.ask(token, "control: introspect as a resource server"), known)
    _verify_refused(verify, Asker(case).ask(token, "introspect without credentials"), "without credentials")
    bare = Asker(case, Client(device.client.id)).ask(token, "introspect with the client_id alone")
    # Some tell a public client of its own tokens: whoever has one could be it, but they have decided so.
    _verify_refused(verify, bare, "with a client_id alone", tolerated=not device.client.confidential)
    wrong = _wrong(known)
    said = wrong.ask(token, "introspect with wrong credentials")
    _verify_refused(verify, said, "with wrong credentials")
    if said.active is True:
        verify.unclear(CREDENTIALS, "credentials are not looked at, so that none are wrong", said.exchange)
        return
    in_body = wrong.client is not None and wrong.client.authentication == "client_secret_post"
    lenient = in_body and said.exchange.code == "invalid_client"
    problem = "wrong credentials are not answered 401"
    right = said.exchange.status == _UNAUTHORIZED
    verify.that(CREDENTIALS, right, problem, said.exchange, accepted=["http-401"], tolerated=lenient)


@check(AUTHORIZED, faults=("introspection_takes_any_bearer",), needs=("introspection",), timed=True)
def test_introspection_by_a_made_up_bearer_token(case: ServerCase, verify: Verify) -> None:
    """Introspect a live token with a Bearer token that nobody has issued. Accepted: a refusal, as above."""
    device, known = asking(case)
    chain = Chain(device, **known.members)
    require_active(known.ask(chain.access[-1], "control: introspect as a resource server"), known)
    said = Asker(case, bearer=WRONG_SECRET).ask(chain.access[-1], "introspect with a made-up Bearer token")
    _verify_refused(verify, said, "with a Bearer token that nobody has issued")


def _wrong(known: Asker) -> Asker:
    if known.client is None:
        return replace(known, bearer=WRONG_SECRET)
    return replace(known, client=without(known.client, secret=WRONG_SECRET))


def _verify_refused(verify: Verify, said: Introspected, what: str, *, tolerated: bool = False) -> None:
    refused = said.exchange.status in _REFUSALS and said.active is None
    problem = f"a token is introspected {what}"
    verify.that(AUTHORIZED, refused, problem, said.exchange, tolerated=tolerated or said.active is not True)


@check(MERE_CLIENT, faults=("introspection_for_every_client",), needs=("introspection",), timed=True)
def test_introspection_by_a_mere_client(case: ServerCase, confidential: Device, verify: Verify) -> None:
    """A confidential client that is no resource server introspects another client's token. Accepted: no active true."""
    device, known = asking(case)
    stranger = confidential.client
    if known.own or not stranger.confidential or stranger.id in (device.client.id, known.client and known.client.id):
        raise NotApplicable("there is no other client with a secret, or no resource server beside it")
    chain = Chain(device, **known.members)
    require_active(known.ask(chain.access[-1], "control: introspect as a resource server"), known)
    said = Asker(case, spoken(stranger)).ask(chain.access[-1], "introspect as another client")
    problem = "a client is told of a token that is another one's"
    verify.that(MERE_CLIENT, said.active is not True, problem, said.exchange)


@check(AUDIENCE, faults=("introspection_same_for_all",), needs=("introspection",), timed=True)
def test_introspection_by_another_resource_server(case: ServerCase, verify: Verify) -> None:
    """A second resource server introspects a token that is for the first one.

    Accepted: not active, or an aud that has the second one as well, or none.
    """
    section = case.run.target.config.introspection
    if not (section.other.client_id or section.other.token):
        raise NotApplicable(
            "target.toml has no [introspection.other]: one resource server is known" if section.given else NOBODY
        )
    device, known = asking(case)
    second = asker(case, section.other)
    chain = Chain(device, **known.members)
    token = chain.access[-1]
    require_active(known.ask(token, "control: introspect as the first resource server"), known)
    said = second.ask(token, "introspect as another resource server")
    if said.active is None:
        raise Untestable(f"the other resource server's question was answered {said.exchange.describe()}")
    aud = said.members.get("aud")
    listed = [aud] if isinstance(aud, str) else aud if isinstance(aud, list) else []
    concerned = not listed or not {section.other.resource, section.other.client_id}.isdisjoint(map(str, listed))
    if said.active and concerned and not listed:
        verify.unclear(AUDIENCE, "nothing says for whom the token is, which may be good everywhere", said.exchange)
        return
    problem = "a resource server is told of a token that is for another one"
    verify.that(AUDIENCE, not said.active or concerned, problem, said.exchange)

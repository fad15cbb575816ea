"""Devices that show certificates, and what their tokens say of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable
from device_grant.protocol import Operation
from device_grant.protocol.certificates import CONFIRMATION
from device_grant.server.session.device import Device
from device_grant.server.session.jose.compact import read_jwt
from device_grant.server.session.mutual_tls import BOUND, certificate_of, url_for

if TYPE_CHECKING:
    from device_grant.protocol import Client, Exchange
    from device_grant.protocol.certificates import ClientCertificate
    from device_grant.server.session.asking import Introspected
    from device_grant.server.session.case import ServerCase

NEEDS = ("mtls",)
LIVE = "a recording holds what was sent over connections, and not which certificates they showed"
REFUSED_OR_CUT = ("refused", "no-response")
"""What somebody without the right certificate may be answered: a server may also fail the handshake."""
MAY_DECLINE = "binding may be for clients alone that are registered for it: claim mtls in target.toml if this one is"
ACCEPT_OURS = "let the server accept it, or name one that it accepts under [mtls] certificate in target.toml"


def shown_by_device(case: ServerCase) -> ClientCertificate:
    """The certificate of clients that are registered for none of their own: that of target.toml, or one of ours."""
    from device_grant.targets.certificates import issued  # what lists checks makes no certificates

    return certificate_of(case.run.target.config.mtls) or issued("device")


def shown_by_stranger() -> ClientCertificate:
    """That of somebody else, by the same authority as ours."""
    from device_grant.targets.certificates import issued  # likewise

    return issued("somebody else")


def require_tls(case: ServerCase, operation: Operation, client: Client) -> None:
    """Raise Untestable where the client's requests for that operation show no certificate."""
    url = url_for(case.run, operation, client)
    if not url.startswith("https:"):
        raise Untestable(
            f"certificates are shown over TLS alone, and there is none at {url}: reach the server by https"
        )


def require_binding(case: ServerCase) -> None:
    """Raise NotApplicable where the server does not say that it binds access tokens."""
    if case.run.endpoints.document.get(BOUND) is not True and case.run.claims("mtls") is not True:
        raise NotApplicable(f"the metadata does not say {BOUND}, and target.toml does not claim mtls")


def binding_device(case: ServerCase, role: str = "primary") -> Device:
    """A device whose client shows a certificate, and is registered for bound tokens where clients register."""
    require_binding(case)
    client = replace(_client(case, role), certificate=shown_by_device(case))
    require_tls(case, Operation.TOKEN, client)
    return Device(case, client)


def registers(case: ServerCase) -> bool:
    """Whether clients can be had that are registered as a check wants them, beside those of target.toml."""
    run = case.run
    claimed = run.claims("registration")
    if run.target.config.clients:
        return claimed is True and bool(run.endpoints.registration)
    return claimed is not False and bool(run.endpoints.registration)


def _client(case: ServerCase, role: str) -> Client:
    run = case.run
    if registers(case):
        asked = case.send(run.registration_request(role, **{BOUND: True}), "register a client of bound tokens")
        if asked.outcome.ok:
            return run.methods.spoken(run.client_of(asked))
    return case.device_of(role).client


def declines_binding(device: Device) -> bool:
    """Whether its registration does not say that its tokens are bound, or nobody has asked for it (section 3.4)."""
    if device.client.registered:
        return device.client.registered.get(BOUND) is not True
    return device.case.run.claims("mtls") is not True


def certified_tokens(device: Device, **members: str) -> Exchange:
    """The token response to an approved grant, polled over mutual TLS; raises Untestable where there is none.

    `members` are those of its device authorization.
    """
    grant = device.start(**members)
    device.user.approve(grant)
    tokens = grant.poll(label="redeem over mutual TLS")
    if not tokens.outcome.ok:
        said = f"with the certificate of {_whose(device)} a poll was answered {tokens.describe()}"
        raise Untestable(f"{said}: {ACCEPT_OURS}")
    return tokens


def _whose(device: Device) -> str:
    return "[mtls]" if device.case.run.target.config.mtls.certificate else "the suite"


def named_in(tokens: Exchange) -> tuple[str, str] | None:
    """What an access token says of a certificate, in cnf and beside it, empty for nothing; None where it is opaque."""
    token = read_jwt(tokens.get("access_token"))
    if token is None:
        return None
    return _text_of(token.claims.get("cnf")), _text_of(token.claims)


def introspected_in(said: Introspected) -> str:
    """What introspection tells in cnf of the certificate of a token; empty for nothing."""
    return _text_of(said.members.get("cnf"))


def _text_of(members: object) -> str:
    named = members.get(CONFIRMATION) if isinstance(members, dict) else None
    return named if isinstance(named, str) else ""

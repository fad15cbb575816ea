"""Where tokens are used that are bound to certificates: introspection, userinfo (RFC 8705 sections 3 and 3.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.protocol import Operation, Request
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
from device_grant.server.session.asking import NOBODY, Asker, asker, require_active, spoken
from device_grant.server.session.issued.person import is_served, tells_a_person
from device_grant.server.session.mutual_tls import alias_of, url_for
from device_grant.server.session.scopes import with_defaults

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.protocol.certificates import ClientCertificate
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

TELLS = "rfc8705-3.2-introspection"
LOOKS = "rfc8705-3-userinfo-checks-certificate"
OPENID = "openid"
_MEMBER = "userinfo_endpoint"
_UNBOUND = "the access token is a JWT that names no certificate: nothing shows that it is bound"


@check(
    TELLS,
    faults=("mtls_introspection_without_cnf",),
    needs=(*NEEDS, "introspection"),
    timed=True,
    live=LIVE,
)
def test_introspection_of_a_bound_token(case: ServerCase, verify: Verify) -> None:
    """Introspect a token that was asked for over mutual TLS. Accepted: the hash of the certificate in cnf.

    Where the token is a JWT that tells it itself, a missing cnf is a warning.
    """
    device, who = _asking(case)
    tokens = certified_tokens(device, **who.members)
    said = who.ask(tokens.get("access_token"))
    require_active(said, who)
    given = introspected_in(said)
    if given:
        expected = device.client.certificate.thumbprint if device.client.certificate else ""
        problem = "introspection names another certificate than that of the poll"
        verify.that(TELLS, given == expected, problem, said.exchange, got=f"{given:.100}")
        return
    named = named_in(tokens)
    if named is not None and not any(named):
        raise NotApplicable(_UNBOUND)
    if named is None and declines_binding(device):
        raise Inconclusive(f"introspection names no certificate; {MAY_DECLINE}")
    problem = "introspection names no certificate, though the poll showed one"
    verify.that(TELLS, bool(given), problem, said.exchange, tolerated=named is not None and bool(named[0]))


def _asking(case: ServerCase) -> tuple[Device, Asker]:
    """A device whose tokens are bound, and who may ask of them; raises NotApplicable where nobody may."""
    section = case.run.target.config.introspection
    if section.given:
        return binding_device(case), asker(case, section)
    try:
        device = binding_device(case, "confidential")
    except Untestable:
        raise NotApplicable(NOBODY) from None
    if not device.client.confidential:
        raise NotApplicable(NOBODY)
    return device, Asker(case, spoken(replace(device.client, certificate=None)), own=True)


@check(LOOKS, faults=("userinfo_ignores_certificate",), needs=(*NEEDS, "userinfo", OPENID), timed=True, live=LIVE)
def test_userinfo_with_the_certificate_of_somebody_else(case: ServerCase, verify: Verify) -> None:
    """Ask userinfo with the certificate of the poll, with another one, and with none. Accepted: served, refused twice.

    A userinfo endpoint without an alias on another host than the token endpoint may ask for no certificates, and
    cannot compare them: then it is a warning.
    """
    device = binding_device(case)
    tokens = certified_tokens(device, scope=with_defaults(device, OPENID))
    granted = tokens.get("scope")
    if isinstance(granted, str) and OPENID not in granted.split():
        raise NotApplicable("openid was asked for and not granted")
    named = named_in(tokens)
    if named is not None and not any(named):
        raise NotApplicable(_UNBOUND)
    usual, alias = case.run.endpoints.userinfo, alias_of(case.run, _MEMBER)
    place, token = alias or usual, str(tokens.get("access_token"))
    right = _presented(case, token, place, device.client.certificate, "control: userinfo with the certificate")
    if not tells_a_person(right):
        raise Untestable(f"userinfo answers a token with the certificate of its poll with {right.describe()}")
    compares = bool(alias) or _host(usual) == _host(url_for(case.run, Operation.TOKEN, device.client))
    for what, url, certificate in (
        ("with another certificate", place, shown_by_stranger()),
        ("without a certificate", place, None),
        *([("without a certificate at the usual endpoint", usual, None)] if place != usual else []),
    ):
        answer = _presented(case, token, url, certificate, f"userinfo {what}")
        served = is_served(answer)
        if served and named is None and declines_binding(device):
            raise Inconclusive(
                f"userinfo serves the token {what}, and nothing shows whether it is bound; {MAY_DECLINE}"
            )
        problem = f"{_named(url)} serves a token {what} that is bound to one"
        verify.that(LOOKS, not served, problem, answer, accepted=REFUSED_OR_CUT, tolerated=not compares)


def _presented(case: ServerCase, token: str, url: str, certificate: ClientCertificate | None, label: str) -> Exchange:
    headers = (("Accept", "application/json, application/jwt"), ("Authorization", f"Bearer {token}"))
    shown = certificate if url.startswith("https:") else None
    return case.send(Request("GET", url, headers, certificate=shown), label)


def _host(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _named(url: str) -> str:
    return f"userinfo at {urlsplit(url).netloc}"

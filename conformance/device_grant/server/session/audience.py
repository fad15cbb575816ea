"""For which resources tokens are: resources that may be asked for (RFC 8707), and what tokens say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from device_grant.judging import NotApplicable, Untestable
from device_grant.server.session.asking import asker_for
from device_grant.server.session.jose.compact import is_encrypted, read_jwt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol import Exchange
    from device_grant.server.session.device import Device, Grant

CLAIM, ANY = "resource", "any_resource"
UNKNOWN_RESOURCE = "https://unknown-resource.example/"


def resources(device: Device) -> tuple[str, str]:
    """Two that the device may ask for; ends the check as untestable where target.toml names fewer."""
    named = device.case.run.target.config.request.resources
    if len(named) < 2:
        raise Untestable("resource is claimed: name two that clients may ask for in [request] resources of target.toml")
    return named[0], named[1]


def described(device: Device, tokens: Exchange) -> Mapping[str, Any]:
    """What an access token says, by itself as a JWT or by introspection.

    Raises NotApplicable where it says nothing that could be read.
    """
    given = tokens.get("access_token")
    token = read_jwt(given)
    if token is not None and _texts(token.claims.get("aud")):
        return token.claims
    asker = asker_for(device)
    said = asker.ask(given, "introspect for its audience") if asker is not None and isinstance(given, str) else None
    if said is not None and said.active and _texts(said.members.get("aud")):
        return said.members
    raise NotApplicable("nothing says for which resource an access token is: it is opaque, or has no aud")


def audience(device: Device, tokens: Exchange) -> frozenset[str]:
    """For whom an access token is, be `aud` one text or an array; raises NotApplicable where nothing says it."""
    return _texts(described(device, tokens).get("aud"))


def scope_of(described_as: Mapping[str, Any]) -> frozenset[str]:
    """The scope that a token says it has, as one text or an array; empty: it says none."""
    for name in ("scope", "scp"):
        value = described_as.get(name)
        if isinstance(value, str):
            return frozenset(value.split())
        if isinstance(value, list):
            return frozenset(one for one in value if isinstance(one, str))
    return frozenset()


def approved(device: Device, resource: str | tuple[str, ...] | None, **members: Any) -> Grant:
    """A grant for a resource that the person has approved."""
    grant = device.start(resource=resource, **members)
    device.user.approve(grant)
    return grant


def poll(grant: Grant, resource: str | tuple[str, ...] | None, label: str) -> Exchange:
    """One poll that names a resource; the device has shown before in which form its client is taken."""
    return grant.poll(label=label, resource=resource)


def jwt_for_a_resource(device: Device, tokens: Exchange) -> tuple[Exchange, str | None]:
    """The tokens of another grant, for a resource, and its URI, where access tokens are JWTs for resources alone.

    Else the tokens as they are, and None.
    """
    run, given = device.case.run, tokens.get("access_token")
    named = run.target.config.request.resources
    if read_jwt(given) is not None or is_encrypted(given) or not named or run.claims(CLAIM) is not True:
        return tokens, None
    answer = poll(approved(device, named[0]), named[0], "redeem for a resource, since access tokens are opaque")
    if not answer.outcome.ok or read_jwt(answer.get("access_token")) is None:
        return tokens, None
    return answer, named[0]


@dataclass(frozen=True)
class Marks:
    """What tokens for the one resource have in `aud` and those for the other have not, and the other way round.

    A server may map a resource to another identifier, and name more places beside it.
    """

    first: frozenset[str]
    second: frozenset[str]
    evidence: tuple[Exchange, Exchange]

    @property
    def apart(self) -> bool:
        """Whether neither token is good for all that the other is good for."""
        return bool(self.first and self.second)


def marks(device: Device) -> Marks:
    """How two grants, each for a resource of its own in start and poll, show in their tokens."""
    tokens = []
    for resource in resources(device):
        grant = approved(device, resource)
        answer = poll(grant, resource, f"redeem for {resource}")
        if not answer.outcome.ok:
            raise Untestable(f"a resource of target.toml was answered {answer.describe()}")
        tokens.append(answer)
    first, second = (audience(device, one) for one in tokens)
    return Marks(first - second, second - first, (tokens[0], tokens[1]))


def known_marks(device: Device) -> Marks:
    """The same where they differ; raises NotApplicable where no resource shows in a token."""
    result = marks(device)
    if not result.apart:
        raise NotApplicable("tokens for two resources have the same audience: nothing shows for which they are")
    return result


def of_one_host(first: str, second: str) -> bool:
    """Whether two resources differ in their paths alone."""
    one, other = urlsplit(first), urlsplit(second)
    return bool(one.netloc) and (one.scheme, one.netloc) == (other.scheme, other.netloc)


def _texts(value: object) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset({value} if value else ())
    return frozenset(one for one in value if isinstance(one, str)) if isinstance(value, list) else frozenset()

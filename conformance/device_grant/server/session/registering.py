"""What checks on client registration share: attempts, and the members of a client of a redirect flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_grant.judging import NotApplicable, Untestable
from device_grant.server.session.capabilities import require
from device_grant.server.session.methods import METHOD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol import Client, Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

REDIRECT_URI = "https://client.example.org/callback"
PUBLIC = {METHOD: "none"}
LOOPBACK_REDIRECT_URI = "http://127.0.0.1/oauth/callback"
"""The one form that AWS is known to accept."""


def require_endpoint(case: ServerCase) -> None:
    """Raise NotApplicable where the server says that nobody registers, and Untestable where nobody knows where."""
    require(case.run, "registration")
    if not case.run.endpoints.registration:
        raise Untestable(
            "no registration endpoint is known, neither from [endpoints] registration in target.toml nor from metadata"
        )


def attempt(case: ServerCase, label: str, role: str = "primary", **members: Any) -> Exchange:
    """One registration with members of one's own; None takes a member away. Raises as `require_endpoint` does."""
    require_endpoint(case)
    return case.send(case.run.registration_request(role, **members), label)


def register(case: ServerCase, label: str, role: str = "primary", **members: Any) -> Exchange:
    """A registration that must succeed for the check to go on; raises Untestable if it is refused."""
    exchange = attempt(case, label, role, **members)
    if not exchange.outcome.ok:
        raise refused(exchange)
    return exchange


def register_public(case: ServerCase) -> Exchange:
    """A registration of a client without a secret; raises NotApplicable where the server has none of these."""
    exchange = attempt(case, "register a public client", **PUBLIC)
    if case.run.methods.refused(exchange):
        raise NotApplicable("public clients are neither listed in the metadata nor registered")
    if not exchange.outcome.ok:
        raise refused(exchange)
    return exchange


def refused(exchange: Exchange) -> Untestable:
    """Why the check cannot go on, and what the person running it can do."""
    if exchange.status == 0:
        return Untestable(
            f"registration got {exchange.describe()}: see what the server's log says of it, and that [endpoints] "
            "registration in target.toml leads to it"
        )
    if exchange.status in (429, 503):
        advice = "raise the server's limit on registrations, or run fewer checks at once"
    elif exchange.status in (401, 403):
        advice = (
            "write [registration] initial_access_token in target.toml, or let the server register clients without one"
        )
    else:
        advice = (
            "members that the server insists on go under [request] registration in target.toml, those that it refuses "
            "into the list [registration] without"
        )
    return Untestable(f"registration was refused with {refusal(exchange)}: {advice}")


def refusal(exchange: Exchange) -> str:
    """A refused registration in words: its error, and what the server says of it, which may name a member."""
    said = exchange.get("error_description")
    return exchange.describe() + (f" ({said:.200})" if isinstance(said, str) and said else "")


def with_secret(case: ServerCase, label: str = "register a client with a secret") -> Exchange:
    """A registration of a client that gets a secret, or of any client where the server registers public ones only."""
    exchange = attempt(case, label, "confidential")
    return exchange if exchange.outcome.ok else register(case, "register")


def states_secret(registered: Mapping[str, Any]) -> bool:
    """Whether a registration response says that the client authenticates, whatever was asked (RFC 7591 3.2.1)."""
    method = registered.get("token_endpoint_auth_method")
    return isinstance(method, str) and method != "none"


def require_public(client: Client) -> None:
    """Raise where a client that should be public is not: because the server says so of all, or for want of one."""
    if states_secret(client.registered):
        raise NotApplicable("a client that asks to be public is registered as confidential")
    if client.confidential:
        raise Untestable("no public client: none in target.toml and none could be registered")


def redirecting(case: ServerCase, **members: Any) -> dict[str, Any]:
    """Members of a client of the authorization code flow, in the dialect of the run."""
    values = case.run.target.config.request
    return case.run.dialect.redirecting_members(REDIRECT_URI, LOOPBACK_REDIRECT_URI, values) | members


def strings(exchange: Exchange, name: str) -> tuple[str, ...] | None:
    """An array of strings of the response; None if it is absent or anything else."""
    value = exchange.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return tuple(value)


def epoch(exchange: Exchange, name: str) -> int | None:
    """A time of the response in seconds since the epoch; None if it is absent or no whole number."""
    value = exchange.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def device_of_a_new_client(case: ServerCase) -> Device:
    """A device of a client for which nobody has decided yet; raises Untestable where none can be registered."""
    from device_grant.server.session.device import Device as NewDevice

    if not case.run.endpoints.registration:
        raise Untestable("only a client that is registered anew has never been approved, and none can be registered")
    return NewDevice(case, case.register("primary"))

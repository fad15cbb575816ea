"""What a client ties its grants to: code verifiers (RFC 7636), resources (RFC 8707)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.client.rules.binding import ABSOLUTE, EVERY_POLL, NO_FRAGMENT, NO_QUERY, S256, SINGLE
from device_grant.client.scripted.steps import change, pending
from device_grant.judging import Untestable, check
from device_grant.protocol.reading import value_of

if TYPE_CHECKING:
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify

RESOURCE = "https://api.example.com/tenant1/"
PKCE = {"PKCE": "1"}


@check(
    EVERY_POLL,
    S256,
    faults=("client_device_pkce_new_verifier", "client_device_pkce_plain"),
    needs=("device_pkce", "flow"),
)
def test_device_pkce(client: ClientUnderTest, verify: Verify) -> None:
    """Two logins with two pending polls each. Accepted: S256, and the verifier of the challenge in every poll."""
    for label in ("a login", "another login"):
        login = client.login(label, start=[change(interval=1)], token=[pending(), pending()], given=PKCE)
        if not _said(login, "code_challenge"):
            raise Untestable("the client sends no code_challenge, though client.toml claims device_pkce")
        verify.by_rules(login, EVERY_POLL, S256)


@check(
    ABSOLUTE,
    NO_FRAGMENT,
    NO_QUERY,
    SINGLE,
    faults=(
        "client_resource_relative",
        "client_resource_fragment",
        "client_resource_query",
        "client_asks_for_all_resources",
    ),
    needs=("resource", "flow"),
)
def test_resource(client: ClientUnderTest, verify: Verify) -> None:
    """A login, told to ask for a resource. Accepted: an absolute URI without fragment and query, one a token."""
    login = client.login(start=[change(interval=1)], token=[pending()], given={"RESOURCE": RESOURCE})
    entries = [*login.starts, *login.polls]
    if not any(value_of(entry.request, "resource") for entry in entries):
        raise Untestable("the client sends no resource, though client.toml claims it")
    verify.by_rules(login, ABSOLUTE, NO_FRAGMENT, NO_QUERY)
    polled = any(value_of(entry.request, "resource") for entry in login.polls)
    if polled:
        verify.by_rules(login, SINGLE)
    else:
        verify.that(SINGLE, None, "no poll names a resource: that of the start counts", login)


def _said(login: Attempt, name: str) -> bool:
    return any(value_of(entry.request, name) for entry in login.starts)

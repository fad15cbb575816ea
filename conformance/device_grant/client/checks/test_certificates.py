"""The server's certificate (RFC 6749 section 10.9, RFC 7591 section 5, RFC 8414 section 6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_grant.judging import Untestable, check

if TYPE_CHECKING:
    from device_grant.client.scripted.certificates import Certificate
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify

BAD: tuple[Certificate, ...] = ("untrusted", "wrong-name")


@check("rfc6749-10.9-client-validates-cert", faults=("certificates_unchecked",), needs=("tls",))
def test_certificates(client: ClientUnderTest, verify: Verify) -> None:
    """A certificate of an unknown authority, and one of another host. Accepted: no request arrives.

    A good certificate comes first: where that does not work, the others say nothing.
    """
    first = ("flow" if client.flows else "start") if client.claims("login") else "refresh"
    _judge(client, verify, "rfc6749-10.9-client-validates-cert", first)


@check("rfc7591-5-client-checks-cert", faults=("certificates_unchecked",), needs=("tls", "registration"))
def test_certificates_at_registration(client: ClientUnderTest, verify: Verify) -> None:
    """The same, where a registration is the first request. Accepted: no registration arrives."""
    _judge(client, verify, "rfc7591-5-client-checks-cert", "flow" if client.flows else "register")


@check("rfc8414-6.1-client-cert-check", faults=("certificates_unchecked",), needs=("tls", "metadata", "flow"))
def test_certificates_at_discovery(client: ClientUnderTest, verify: Verify) -> None:
    """The same, where metadata is asked for first. Accepted: no request arrives."""
    _judge(client, verify, "rfc8414-6.1-client-cert-check", "flow", discover=True)


def _judge(client: ClientUnderTest, verify: Verify, requirement: str, operation: str, **options: Any) -> None:
    good = client.once(operation, "a good certificate", certificate="good", **options)
    if not good.exchanges:
        raise Untestable(f"the client does not accept a good certificate of the suite's authority: it {good.how}")
    for kind in BAD:
        attempt = client.once(operation, f"certificate: {kind}", certificate=kind, wait=4, **options)
        problem = f"accepts a certificate that is {kind.replace('-', ' ')}"
        verify.that(requirement, not attempt.exchanges, problem, attempt)

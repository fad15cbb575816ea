"""Requests to the letter as public clients of AWS SSO OIDC write them, one client at a time, then what sets them apart.

Each is the plain form's equal: the same members with the same values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.judging import Untestable, check
from device_grant.server.checks.aws.wire_profiles import (
    AMZ_JSON,
    AWS_CLI,
    AWS_CLI_OF_2026,
    AWS_ELIXIR,
    BOTO3,
    BOTO3_OF_2020,
    JAVASCRIPT_2,
    JAVASCRIPT_3,
    SOTO,
    WireProfile,
    signed,
)
from device_grant.server.session.device import PENDING
from device_grant.server.session.messages import poll_request, start_request, with_content, with_headers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.judging import Verify
    from device_grant.protocol import Exchange, Request
    from device_grant.server.session.device import Device

FORMS = "aws-request-sdk-forms"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@check(FORMS, faults=("user_agents_filtered",), timed=True)
def test_aws_cli(device: Device, verify: Verify) -> None:
    """Registration, device authorization and poll as of `aws sso login`, old and new. Accepted: success, pending."""
    for profile in (AWS_CLI, AWS_CLI_OF_2026):
        _served(device, verify, FORMS, profile)


@check(FORMS, faults=("user_agents_filtered",), timed=True)
def test_boto3(device: Device, verify: Verify) -> None:
    """The three requests as of boto3, with its fields on retries. Accepted: success, success, pending."""
    _served(device, verify, FORMS, BOTO3)


@check(FORMS, faults=("unknown_headers_refused", "user_agents_filtered"), timed=True)
def test_aws_sdk_for_javascript(device: Device, verify: Verify) -> None:
    """The three requests as of versions 2 and 3, with their x-amz- fields. Accepted: success, success, pending."""
    for profile in (JAVASCRIPT_2, JAVASCRIPT_3):
        _served(device, verify, FORMS, profile)


@check(
    FORMS,
    "rfc8259-9-parser-accepts-valid",
    faults=("escaped_slashes_refused",),
    when=lambda dialect: not dialect.sends_forms,
    timed=True,
)
def test_soto(device: Device, verify: Verify) -> None:
    r"""The three requests as of Soto: every slash written \/, members in no order. Accepted: success, success, pending.

    The start URL has slashes at any rate, so it is the start that shows whether the escape is read.
    """
    _served(device, verify, FORMS, SOTO)
    plain = start_request(device)
    escaped = with_content(plain, plain.content.replace(b"/", rb"\/"))
    exchange = device.case.send(escaped, "start with escaped slashes")
    verify("rfc8259-9-parser-accepts-valid", exchange, accepted=["ok"])


@check(FORMS, "aws-request-amz-json", faults=("amz_json_refused",), timed=True)
def test_aws_elixir(device: Device, verify: Verify) -> None:
    """The three requests as of aws-elixir: application/x-amz-json-1.1, sorted members, no port in Host.

    Accepted: success, success, pending; with a warning if only a Host with the port is served.
    """
    _served(device, verify, FORMS, AWS_ELIXIR)
    labelled = with_headers(start_request(device), ("Content-Type", AMZ_JSON))
    exchange = device.case.send(labelled, f"start as {AMZ_JSON}")
    verify("aws-request-amz-json", exchange, accepted=["ok"])


@check("aws-request-unlabelled", faults=("content_type_required",), timed=True)
def test_boto3_of_2020(device: Device, verify: Verify) -> None:
    """The three requests as of boto3 1.16, without Content-Type. Accepted: success, success, pending."""
    _served(device, verify, "aws-request-unlabelled", BOTO3_OF_2020)


@check("aws-request-host", faults=("host_compared_literally",))
def test_host_and_port(device: Device, verify: Verify) -> None:
    """A start whose Host lacks the port, or names the default one where the URL does not. Accepted: success."""
    device.start()
    plain = start_request(device)
    parts = urlsplit(plain.url)
    default = _DEFAULT_PORTS[parts.scheme]
    bare = parts.netloc.removesuffix(f":{parts.port}")
    host = f"{bare}:{default}" if parts.port in (None, default) else bare
    exchange = device.case.send(with_headers(plain, ("Host", host)), "start with another spelling of Host")
    verify("aws-request-host", exchange, accepted=["ok"])


@check("aws-request-signed", faults=("signatures_checked",), timed=True)
def test_signed_requests(device: Device, verify: Verify) -> None:
    """The three requests of Soto and aws-elixir, signed by a key that nobody knows. Accepted: as without signature."""
    for profile in (SOTO, AWS_ELIXIR.with_port()):
        # What is refused without a signature too says nothing of signatures.
        for (label, plain, accepted), (_, request, _) in zip(
            _requests(device, profile), _requests(device, signed(profile)), strict=True
        ):
            if device.case.send(plain, f"{label}, unsigned").outcome.names.isdisjoint(accepted):
                continue
            verify("aws-request-signed", device.case.send(request, label), accepted=accepted)


def _served(device: Device, verify: Verify, requirement: str, profile: WireProfile) -> None:
    for label, request, accepted in _requests(device, profile):
        exchange = device.case.send(request, label)
        served = not exchange.outcome.names.isdisjoint(accepted)
        if not served:
            # The control: what the suite's own plain form does not get either says nothing of how this client writes.
            _require_plain(device, label, accepted)
        tolerated = not served and not profile.names_port and _served_with_port(device, profile, label, accepted)
        problem = f"{label} was not answered like the plain form"
        verify.that(requirement, served, problem, exchange, accepted=accepted, tolerated=tolerated)


def _require_plain(device: Device, label: str, accepted: tuple[str, ...]) -> None:
    for again, request, _ in _requests(device, None):
        if again.partition(" of ")[0] != label.partition(" of ")[0]:
            continue
        plain = device.case.send(request, f"control: {again}")
        if plain.outcome.names.isdisjoint(accepted):
            raise Untestable(f"{again} is not served either: {plain.describe()}")


def _served_with_port(device: Device, profile: WireProfile, label: str, accepted: tuple[str, ...]) -> bool:
    for again, request, _ in _requests(device, profile.with_port()):
        if again == label:
            exchange: Exchange = device.case.send(request, f"{label}, Host with port")
            return not exchange.outcome.names.isdisjoint(accepted)
    return False


def _requests(device: Device, profile: WireProfile | None) -> Iterator[tuple[str, Request, tuple[str, ...]]]:
    """Label, request and accepted outcomes; the poll is for a code of its own, which the plain form has asked for.

    None for a profile: the suite's own plain form.
    """
    case = device.case
    name = profile.name if profile else "the plain form"

    def written(request: Request) -> Request:
        return profile.write(request) if profile else request

    if not case.run.target.config.clients:
        yield f"registration of {name}", written(case.run.registration_request()), ("ok",)
    yield f"start of {name}", written(start_request(device)), ("ok",)
    yield f"poll of {name}", written(poll_request(device.start())), PENDING

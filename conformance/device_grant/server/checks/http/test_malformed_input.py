"""Malformed input at the three endpoints: generated, one malformation at a time, each with its acceptable answers.

The generated token requests carry a placeholder where the device code belongs, so that examples can have fresh codes
and what Hypothesis draws does not depend on what the server issues.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from device_grant.judging import Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT, Operation
from device_grant.server.generation.campaign import PLACEHOLDER, Campaign
from device_grant.server.generation.rehearsal import rehearse
from device_grant.server.session.device import GONE, PENDING, unread
from device_grant.server.session.registering import require_endpoint

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Request
    from device_grant.server.generation.fuzz import Fuzz
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device, Grant

REQUESTS_PER_GRANT = 8
"""Requests that share one device code; then it must be as it was."""

APPROVE_EVERY = 6
"""Of so many codes that served malformed requests one is approved and redeemed."""
MOST_APPROVALS = 4
"""Approvals in one check: real pages take several requests for each."""

STILL_PENDING = "rfc8628-3.5-pending-is-not-terminal"
REDEEMABLE = "rfc8628-3.5-success-after-approval"
ONCE = "rfc8628-3.5-device-code-single-use"

EVERYWHERE = (
    "aws-case-sensitive-members",
    "rfc6749-10.14-sanitize-input",
    "rfc8259-8.2-no-lone-surrogates",
    "rfc8259-9-parser-accepts-valid",
    "rfc9110-15.5.14-too-large",
    "rfc9110-15.5.16-unsupported-media",
    "rfc9110-15.6-no-5xx-on-client-error",
    "rfc9110-8.3.1-media-type-case",
    "smithy-restjson1-content-type-params",
    "smithy-restjson1-empty-body",
    "smithy-restjson1-invalid-json",
    "smithy-restjson1-non-object-json",
    "smithy-restjson1-required-null",
    "smithy-restjson1-string-type",
    "smithy-restjson1-unknown-members",
    "smithy-restjson1-wrong-content-type",
)
FORMS = (
    "rfc6749-1.9-case-sensitive-names",
    "rfc6749-1.9-case-sensitive-values",
    "rfc6749-5.2-invalid-request-bad-value",
    "rfc6749-5.2-invalid-request-malformed",
    "rfc6749-B-utf8-decode",
)


@check(
    *EVERYWHERE,
    *FORMS,
    "aws-start-bad-start-url",
    "aws-start-required",
    "rfc6749-3.3-scope-syntax-rejected",
    "rfc8628-3.1-charset-parameter-tolerated",
    "rfc8628-3.1-confidential-unauthenticated-rejected",
    "rfc8628-3.1-empty-param-as-omitted",
    "rfc8628-3.1-ignore-unrecognized-params",
    "rfc8628-3.1-missing-client-id-rejected",
    "rfc8628-3.1-repeated-param-rejected",
    "rfc8628-3.1-server-accepts-form",
    faults=(
        "content_type_parameter_refused",
        "duplicates_accepted",
        "empty_parameters_kept",
        "unknown_parameters_refused",
        "member_case_ignored",
        "start_url_ignored",
    ),
    sampled=True,
)
def test_malformed_device_authorization(case: ServerCase, device: Device, verify: Verify, fuzz: Fuzz) -> None:
    """Malformed device authorization requests. Accepted: what each malformation lists; never a 5xx."""
    device.start()
    members = device.authorization_members()
    Campaign(case, verify, Operation.DEVICE_AUTHORIZATION, members, client=device.client).run(fuzz)


@check(
    *EVERYWHERE,
    *FORMS,
    ONCE,
    REDEEMABLE,
    STILL_PENDING,
    "aws-token-required",
    "aws-token-unsupported-grant",
    "rfc6749-3.2-empty-param-as-omitted",
    "rfc6749-3.2-ignore-unknown-params",
    "rfc6749-3.2-repeated-params-rejected",
    "rfc6749-5.2-invalid-request-missing",
    "rfc6749-5.2-unsupported-grant-type",
    "rfc8628-3.4-credentialed-client-enforced",
    "rfc8628-3.4-missing-client-id-rejected",
    "rfc8628-3.4-missing-device-code-rejected",
    "rfc8628-3.4-server-accepts-grant",
    "smithy-restjson1-dense-list-null",
    "smithy-restjson1-null-member",
    "smithy-restjson1-unclosed-list",
    faults=(
        "bad_request_spends_code",
        "duplicates_accepted",
        "empty_parameters_kept",
        "missing_grant_type_accepted",
        "null_refused",
        "types_coerced",
        "unknown_grant_type_accepted",
    ),
    sampled=True,
)
def test_malformed_token_request(case: ServerCase, device: Device, verify: Verify, fuzz: Fuzz) -> None:
    """Malformed token requests for a pending code, which must survive them. Accepted: as listed; never a 5xx.

    Now and then the code is approved afterwards, the last refused request sent again, and the code redeemed, once.
    """
    rehearse(device)
    _PendingCodes(case, verify, device).run(fuzz)


@check(
    *EVERYWHERE,
    "aws-register-client-type-public",
    "aws-register-grant-types",
    "aws-register-redirect-uri",
    "aws-register-required",
    "aws-register-scopes-array",
    "rfc7591-2-ignore-unknown-metadata",
    "rfc7591-3.1-malformed-json",
    "rfc7591-3.2.2-invalid-client-metadata",
    "rfc7591-3.2.2-invalid-redirect-uri",
    "smithy-restjson1-dense-list-null",
    "smithy-restjson1-null-member",
    "smithy-restjson1-unclosed-list",
    faults=(
        "client_type_ignored",
        "redirect_uri_unchecked",
        "registration_types_unchecked",
        "unknown_parameters_refused",
    ),
    needs=("registration",),
    sampled=True,
)
def test_malformed_registration(case: ServerCase, verify: Verify, fuzz: Fuzz) -> None:
    """Malformed registrations. Accepted: what each malformation lists; never a 5xx."""
    require_endpoint(case)
    valid = case.run.registration_request()
    if not case.send(valid, "register").outcome.ok:
        raise Untestable("a valid registration was refused")
    Campaign(case, verify, Operation.REGISTRATION, json.loads(valid.content)).run(fuzz)


class _PendingCodes(Campaign):
    """Malformed token requests, each for a code that is pending; codes are as they were when they were used enough."""

    def __init__(self, case: ServerCase, verify: Verify, device: Device) -> None:
        members = {"grant_type": DEVICE_CODE_GRANT, "device_code": PLACEHOLDER}
        super().__init__(case, verify, Operation.TOKEN, members, client=device.client, valid=PENDING)
        self._device = device
        self._grant: Grant | None = None
        self._uses = 0
        self._checked = 0
        self._approved = 0
        self._refused: Request | None = None
        """The last request for the grant of now that was refused as bad."""

    def _end(self) -> None:
        self._check_honesty()

    def _noted(self, request: Request) -> None:
        self._refused = request

    def _issued(self) -> str:
        if self._grant is None or self._uses >= REQUESTS_PER_GRANT:
            self._check_honesty()
            self._grant, self._uses, self._refused = self._device.start(), 0, None
        self._uses += 1
        return self._grant.device_code

    def _check_honesty(self) -> None:
        """What malformed requests named is as it was: mostly still pending, a few times approved and redeemed once."""
        grant, self._grant = self._grant, None
        if grant is None or self._case.run.target.clock.kind == "real":
            return
        grant.interval += 5 * self._uses  # each of them may have been told to slow down
        self._checked += 1
        ledger = self._case.ledger
        # Kept, not raised: a request of an earlier example may be to blame, so that this one cannot be shrunk.
        raising, ledger.raising = ledger.raising, False
        try:
            if self._checked % APPROVE_EVERY == 2 and self._approved < MOST_APPROVALS:
                self._check_redeemable(grant)
            else:
                exchange, _ = grant.ask(label="poll after malformed requests")
                if not unread(exchange):
                    self._verify(STILL_PENDING, exchange, accepted=PENDING)
        finally:
            ledger.raising = raising

    def _check_redeemable(self, grant: Grant) -> None:
        case = self._case
        if case.decider is None or grant.device.user.try_to("approve", grant):
            return
        self._approved += 1
        if self._refused is not None and case.send(self._refused, "refused before, sent again").outcome.ok:
            return  # now it was no bad request: the code is redeemed
        first, _ = grant.ask(label="poll after approval and malformed requests")
        if unread(first):
            return
        self._verify(REDEEMABLE, first, accepted=["ok"], tolerated=["slow_down"])
        if not first.outcome.ok:
            return
        again, _ = grant.ask(label="replay")
        same = again.get("access_token") == first.get("access_token")
        self._verify(ONCE, again, accepted=[*GONE, "invalid_request"], tolerated=["ok"] if same else [])

"""Malformed redemptions of authorization codes: generated, one malformation at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Untestable, check
from device_grant.protocol import Operation
from device_grant.server.generation.campaign import PLACEHOLDER, Campaign
from device_grant.server.session.pkce import challenge_of
from device_grant.server.session.sign_in import CLAIM, redemption, signing_in

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.generation.fuzz import Fuzz
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.sign_in import SignIns


@check(
    "aws-case-sensitive-members",
    "aws-token-required",
    "aws-token-unsupported-grant",
    "rfc6749-1.9-case-sensitive-values",
    "rfc6749-10.14-sanitize-input",
    "rfc6749-5.2-invalid-request-bad-value",
    "rfc6749-5.2-invalid-request-malformed",
    "rfc8259-8.2-no-lone-surrogates",
    "rfc8259-9-parser-accepts-valid",
    "rfc9110-15.5.14-too-large",
    "rfc9110-15.6-no-5xx-on-client-error",
    "rfc9110-8.3.1-media-type-case",
    "smithy-restjson1-content-type-params",
    "smithy-restjson1-dense-list-null",
    "smithy-restjson1-empty-body",
    "smithy-restjson1-invalid-json",
    "smithy-restjson1-non-object-json",
    "smithy-restjson1-null-member",
    "smithy-restjson1-required-null",
    "smithy-restjson1-string-type",
    "smithy-restjson1-unclosed-list",
    "smithy-restjson1-unknown-members",
    "smithy-restjson1-wrong-content-type",
    faults=("null_refused", "types_coerced", "unknown_parameters_refused"),
    needs=(CLAIM,),
    sampled=True,
    live="the client of the grant is registered by the check, and what a browser is shown no recording keeps",
)
def test_malformed_code_redemption(case: ServerCase, verify: Verify, fuzz: Fuzz) -> None:
    """Malformed CreateToken requests with all members of the grant, each with a code of its own.

    Accepted: what each malformation lists, and tokens where it changes nothing; never a 5xx.
    """
    with signing_in(case) as browser:
        _FreshCodes(case, verify, browser).run(fuzz)


class _FreshCodes(Campaign):
    """A code serves one request, since a refusal may use it up."""

    def __init__(self, case: ServerCase, verify: Verify, browser: SignIns) -> None:
        self._browser = browser
        self._client = browser.client()
        asked, code = browser.code(self._client)
        control = browser.redeem(asked, code, label="control: a code is redeemed")
        if not control.outcome.ok:
            raise Untestable(f"the redemption of a code was answered {control.describe()}")
        self._challenge = challenge_of(asked.verifier)
        members = redemption(asked, PLACEHOLDER)
        super().__init__(case, verify, Operation.TOKEN, members, client=self._client)

    def _issued(self) -> str:
        return self._browser.code(self._client, code_challenge=self._challenge)[1]

"""Malformed input at the three endpoints: generated, one malformation at a time, each with its acceptable answers.

The generated token requests carry a placeholder where the device code belongs, so that examples can have fresh codes
and what Hypothesis draws does not depend on what the server issues.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

import msgspec

from device_grant.judging import Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT, Operation, Purpose, Request
from device_grant.server.generation.rehearsal import rehearse
from device_grant.server.session.device import GONE, NEVER_ISSUED, PENDING, WRONG_SECRET, unread
from device_grant.server.session.registering import require_endpoint

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.generation.fuzz import Fuzz
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device, Grant
    from device_grant_strategies import Malformed

PLACEHOLDER = "0device0code0placeholder0of0the0conformance0suite0"
_PLACEHOLDER = re.compile(
    b"".join(b"(?:%c|(?i:%%%02x|\\\\u00%02x))" % (octet, octet, octet) for octet in PLACEHOLDER.encode())
)
"""The placeholder as it is, percent-escaped or escaped for JSON."""
REQUESTS_PER_GRANT = 8
"""Requests that share one device code; then it must be as it was."""
SHARE = 0.07
"""Of the profile's examples, for each kind of malformation."""

CLIENT = ("client_id", "client_secret", "clientId", "clientSecret")
"""Parameters that say who the client is, as they are called on the wire."""
OTHER_CASE = frozenset({"case-changed-value", "case-changed-name"})
OF_INPUT = ("rfc6749-10.14-sanitize-input", "rfc6749-B-utf8-decode", "rfc9110-15.5.14-too-large")
"""Requirements of what becomes of odd input: any refusal keeps them, and which code it has is judged by others."""
OF_VALUES = (*OF_INPUT, "rfc6749-1.9-case-sensitive-values", "rfc6749-5.2-invalid-request-bad-value")
"""Requirements of which a value says nothing that is answered like any other unknown one."""
OF_REJECTION = (
    "rfc8628-3.1-missing-client-id-rejected",
    "rfc8628-3.4-missing-client-id-rejected",
    "rfc8628-3.4-missing-device-code-rejected",
)
"""Requirements that a request is rejected: by another answer than the one that is due it is rejected all the same."""
LEFT_OUT = ("member-missing", "duplicate-parameter")
"""Kinds that are wrong whoever the client is."""
NOBODY = "client-that-does-not-exist-4b71"
EMPTY = ("empty", "bare-name")
"""Kinds that leave a parameter without a value, which in a form means that it is omitted."""

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
    _Campaign(case, device, verify, Operation.DEVICE_AUTHORIZATION, device.authorization_members()).run(fuzz)


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
    members = {"grant_type": DEVICE_CODE_GRANT, "device_code": PLACEHOLDER}
    _Campaign(case, device, verify, Operation.TOKEN, members).run(fuzz)


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
    _Campaign(case, None, verify, Operation.REGISTRATION, json.loads(valid.content)).run(fuzz)


def _refused(exchange: Exchange) -> bool:
    """Whether it was refused on purpose: by a 4xx, or as what the server does not have, which is no break-down."""
    deliberate = exchange.status // 100 == 4 or exchange.status == HTTPStatus.NOT_IMPLEMENTED
    return deliberate and exchange.code not in PENDING


def _taken(exchange: Exchange) -> bool:
    return exchange.outcome.ok or exchange.code in PENDING


class _Codec:
    """Malformed requests as JSON."""

    def encode(self, case: Malformed) -> str:
        """Bodies as Latin-1, which has a letter for every octet and lets readers see what they are."""
        members = {**msgspec.to_builtins(case), "body": case.body.decode("latin-1")}
        return json.dumps({name: value for name, value in members.items() if value != ""})

    def decode(self, text: str) -> Malformed:
        """Raises ValueError or KeyError."""
        from device_grant_strategies import Malformed

        members = {"member": "", "description": "", "requirement": "", **json.loads(text)}
        body = members.pop("body", "").encode("latin-1")
        return replace(msgspec.convert(members | {"body": ""}, Malformed), body=body)


class _Campaign:
    """All kinds of malformation against one endpoint, each shrunk and reported on its own."""

    def __init__(
        self, case: ServerCase, device: Device | None, verify: Verify, operation: Operation, members: dict[str, Any]
    ) -> None:
        self._case = case
        self._device = device
        self._verify = verify
        self._operation = operation
        self._grant: Grant | None = None
        self._uses = 0
        self._checked = 0
        self._approved = 0
        self._refused: Request | None = None
        """The last request for the grant of now that was refused as bad."""
        self._others: dict[str, Exchange] = {}
        """By member: the answer to a harmless value that names nothing."""
        self._headers: tuple[tuple[str, str], ...] = ()
        wire = case.run.dialect.wire_name
        self._base = {wire(name): value for name, value in members.items()}
        if device is not None:
            self._identify(device)

    def run(self, fuzz: Fuzz) -> None:
        """Go through the kinds that this operation and its members can have."""
        from hypothesis.errors import InvalidArgument

        from device_grant_strategies import MALFORMATIONS, malformed

        dialect = self._case.run.dialect
        for kind, entry in MALFORMATIONS.items():
            if not entry.where(dialect, self._operation):
                continue
            try:
                strategy = malformed(self._operation, dialect=dialect.name, base=self._base, kinds=[kind])
            except InvalidArgument:
                continue  # the base has no member to which this could be done
            fuzz(strategy, self._judge, share=SHARE, batch=kind, codec=_Codec())
        self._check_honesty()

    def _identify(self, device: Device) -> None:
        client = device.client
        dialect = self._case.run.dialect
        members, authorization = dialect.credentials(client)
        members |= client.named(self._operation)
        self._base |= {dialect.wire_name(name): value for name, value in members.items()}
        if authorization:
            self._headers = (("Authorization", authorization),)

    def _judge(self, bad: Malformed) -> None:
        valid = PENDING if self._operation is Operation.TOKEN else ("ok",)
        bad = bad.with_valid_answers(valid)
        request = self._request(bad)
        malformation = f"{bad.kind} {bad.member}".strip()
        exchange = self._case.send(request, malformation, purpose=Purpose.MALFORMED, malformation=malformation)
        if _refused(exchange):
            self._refused = request
        judgement = bad.judge(exchange.outcome.names)
        if judgement != "accepted" and bad.kind in EMPTY and self._as_if_left_out(bad, exchange):
            judgement = "accepted"
        if (bad.kind in OTHER_CASE or bad.requirement in OF_INPUT) and _refused(exchange):
            judgement = "accepted"  # which code says so is the business of other checks
        if judgement == "unacceptable" and bad.requirement in OF_REJECTION and _refused(exchange):
            judgement = "tolerated"  # it was rejected, if not by the code that is due
        if judgement != "accepted" and self._shows_nothing(bad, exchange):
            return  # any other value would have been answered so: other checks say that
        subject = f"{bad.kind} ({bad.member})" if bad.member else bad.kind
        self._verify.that(
            bad.requirement,
            judgement == "accepted",
            f"{self._operation}, {subject}: answered {exchange.describe()} instead of {' or '.join(bad.accepted)}",
            exchange,
            accepted=(*bad.accepted, *(f"{name} (with a warning)" for name in bad.tolerated)),
            tolerated=judgement == "tolerated",
        )

    def _shows_nothing(self, bad: Malformed, exchange: Exchange) -> bool:
        """Whether the malformed value was answered as any other one is: taken, or refused as an unknown one."""
        if bad.member in CLIENT and _taken(exchange):
            return bad.kind not in LEFT_OUT and _taken(self._answer_to_another(bad.member))
        if bad.requirement not in OF_VALUES or bad.member not in self._harmless:
            return False
        other = self._answer_to_another(bad.member)
        return (other.status, other.code) == (exchange.status, exchange.code)

    @property
    def _harmless(self) -> dict[str, str]:
        """By member that names something: a well-formed value that names nothing."""
        names = {"client_id": NOBODY, "client_secret": WRONG_SECRET, "device_code": NEVER_ISSUED}
        names["grant_type"] = "no-such-grant-type"
        wire = self._case.run.dialect.wire_name
        return {wire(name): value for name, value in names.items() if wire(name) in self._base}

    def _answer_to_another(self, member: str) -> Exchange:
        """The answer to the valid request with a harmless value that names nothing, asked for once."""
        if member not in self._others:
            dialect = self._case.run.dialect
            base = self._base | {member: self._harmless[member]}
            body, media = dialect.body(self._operation, base), dialect.media_type(self._operation)
            if self._operation is Operation.TOKEN:
                body = self._with_device_code(body)
            headers = (("Content-Type", media), *self._headers)
            request = Request("POST", self._case.run.url(self._operation), headers, body, self._operation)
            label = f"control: another {member}"
            self._others[member] = self._case.send(request, label, purpose=Purpose.CONTROL)
        return self._others[member]

    def _as_if_left_out(self, bad: Malformed, exchange: Exchange) -> bool:
        """Whether a form without the empty parameter is answered alike: how it is, is the business of other checks."""
        if self._case.run.dialect.encoding(self._operation) == "json":
            return False
        rest = {name: value for name, value in self._base.items() if name != bad.member}
        without = replace(bad, body=urlencode(rest).encode())
        other = self._case.send(self._request(without), f"{bad.member} left out", purpose=Purpose.CONTROL)
        return (other.status, other.code) == (exchange.status, exchange.code)

    def _request(self, bad: Malformed) -> Request:
        headers = self._headers
        if bad.content_type is not None:
            headers = (("Content-Type", bad.content_type), *headers)
        body = bad.body
        if self._operation is Operation.TOKEN:
            body = self._with_device_code(body)
        return Request(bad.method, self._case.run.url(self._operation), headers, body, self._operation)

    def _with_device_code(self, body: bytes) -> bytes:
        if self._grant is None or self._uses >= REQUESTS_PER_GRANT:
            self._check_honesty()
            assert self._device is not None
            self._grant, self._uses, self._refused = self._device.start(), 0, None
        self._uses += 1
        code = self._grant.device_code
        plain = quote_plus(code) if self._case.run.dialect.sends_forms else json.dumps(code)[1:-1]

        def alike(match: re.Match[bytes]) -> bytes:
            if b"%" in match.group():
                return b"".join(b"%%%02X" % octet for octet in code.encode())
            if b"\\" in match.group():
                return b"".join(b"\\u%04x" % ord(letter) for letter in code)
            return plain.encode()

        return _PLACEHOLDER.sub(alike, body)

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

"""Malformed requests to one operation: each kind of malformation drawn, sent, judged and shrunk by itself."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

import msgspec

from device_grant.judging import Untestable
from device_grant.protocol import Operation, Purpose, Request
from device_grant.server.session.device import NEVER_ISSUED, PENDING, WRONG_SECRET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.judging import Verify
    from device_grant.protocol import Client, Exchange
    from device_grant.server.generation.fuzz import Fuzz
    from device_grant.server.session.case import ServerCase
    from device_grant_strategies import Malformed

PLACEHOLDER = "0device0code0placeholder0of0the0conformance0suite0"
_PLACEHOLDER = re.compile(
    b"".join(b"(?:%c|(?i:%%%02x|\\\\u00%02x))" % (octet, octet, octet) for octet in PLACEHOLDER.encode())
)
"""The placeholder as it is, percent-escaped or escaped for JSON."""

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
SHARE = 0.07
"""Of the profile's examples, for each kind of malformation."""


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


class Campaign:
    """All kinds of malformation against one endpoint, each shrunk and reported on its own."""

    def __init__(  # noqa: PLR0913 - what a request is made of
        self,
        case: ServerCase,
        verify: Verify,
        operation: Operation,
        members: Mapping[str, Any],
        *,
        client: Client | None = None,
        valid: tuple[str, ...] = ("ok",),
    ) -> None:
        """`members` by canonical names, of a request that the target answers by one of `valid`; `client` sends it."""
        self._case = case
        self._verify = verify
        self._operation = operation
        self._valid = valid
        self._others: dict[str, Exchange] = {}
        """By member: the answer to a harmless value that names nothing."""
        self._headers: tuple[tuple[str, str], ...] = ()
        wire = case.run.dialect.parameter
        self._base = {wire(name): value for name, value in members.items()}
        if client is not None:
            self._identify(client)

    def run(self, fuzz: Fuzz) -> None:
        """Go through the kinds that this operation and its members can have."""
        from hypothesis.errors import InvalidArgument

        from device_grant_strategies import MALFORMATIONS, malformed

        dialect, drawn = self._case.run.dialect, False
        for kind, entry in MALFORMATIONS.items():
            if not entry.where(dialect, self._operation):
                continue
            try:
                strategy = malformed(self._operation, dialect=dialect.name, base=self._base, kinds=[kind])
            except InvalidArgument:
                continue  # the base has no member to which this could be done
            fuzz(strategy, self._judge, share=SHARE, batch=kind, codec=_Codec())
            drawn = True
        if not drawn:
            raise Untestable(f"the suite knows nothing wrong to do to such requests of {dialect.title}")
        self._end()

    def _end(self) -> None:
        """After the last request."""

    def _issued(self) -> str | None:
        """What stands for PLACEHOLDER in the next request; None where nothing does."""

    def _noted(self, request: Request) -> None:
        """The request was refused as bad."""

    def _identify(self, client: Client) -> None:
        dialect = self._case.run.dialect
        members, authorization = dialect.credentials(client)
        members |= client.named(self._operation)
        self._base |= {dialect.parameter(name): value for name, value in members.items()}
        if authorization:
            self._headers = (("Authorization", authorization),)

    def _judge(self, bad: Malformed) -> None:
        bad = bad.with_valid_answers(self._valid)
        request = self._request(bad)
        malformation = f"{bad.kind} {bad.member}".strip()
        exchange = self._case.send(request, malformation, purpose=Purpose.MALFORMED, malformation=malformation)
        if _refused(exchange):
            self._noted(request)
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
        wire = self._case.run.dialect.parameter
        return {wire(name): value for name, value in names.items() if wire(name) in self._base}

    def _answer_to_another(self, member: str) -> Exchange:
        """The answer to the valid request with a harmless value that names nothing, asked for once."""
        if member not in self._others:
            dialect = self._case.run.dialect
            base = self._base | {member: self._harmless[member]}
            body, media = dialect.body(self._operation, base), dialect.media_type(self._operation)
            headers = (("Content-Type", media), *self._headers)
            request = Request("POST", self._case.run.url(self._operation), headers, self._filled(body), self._operation)
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
        return Request(
            bad.method, self._case.run.url(self._operation), headers, self._filled(bad.body), self._operation
        )

    def _filled(self, body: bytes) -> bytes:
        code = self._issued()
        if code is None:
            return body
        plain = quote_plus(code) if self._case.run.dialect.sends_forms else json.dumps(code)[1:-1]

        def alike(match: re.Match[bytes]) -> bytes:
            if b"%" in match.group():
                return b"".join(b"%%%02X" % octet for octet in code.encode())
            if b"\\" in match.group():
                return b"".join(b"\\u%04x" % ord(letter) for letter in code)
            return plain.encode()

        return _PLACEHOLDER.sub(alike, body)

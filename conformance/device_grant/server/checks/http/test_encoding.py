"""How parameters are read: names, values, empty and repeated ones, escapes (RFC 6749 1.9, 3.2, appendix B)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import Request
from device_grant.protocol.dialects import json_object
from device_grant.server.session.device import PENDING
from device_grant.server.session.messages import poll_request, start_request, with_content
from device_grant.server.session.registering import require_public
from device_grant.server.session.scopes import any_two_scopes

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

REFUSED_CLIENT = ("invalid_request", "invalid_client")


@check("rfc6749-1.9-case-sensitive-names", faults=("parameter_case_ignored",), timed=True)
def test_names_are_case_sensitive(device: Device, verify: Verify) -> None:
    """A poll with GRANT_TYPE, one with Device_Code. Accepted: anything but the answer to a right poll."""
    for name, other in ((b"grant_type=", b"GRANT_TYPE="), (b"device_code=", b"Device_Code=")):
        request = poll_request(device.start())
        changed = with_content(request, request.content.replace(name, other))
        exchange = device.case.send(changed, "poll with a name in another case")
        known = exchange.code in PENDING or exchange.outcome.ok
        if exchange.code in PENDING:
            device.require_that_codes_matter()
        problem = "the name of a parameter is matched without regard to case"
        verify.that("rfc6749-1.9-case-sensitive-names", not known, problem, exchange)


@check(
    "rfc6749-1.9-case-sensitive-values", faults=("device_code_case_ignored", "unknown_grant_type_accepted"), timed=True
)
def test_values_are_case_sensitive(device: Device, verify: Verify) -> None:
    """A poll with the grant type in capitals, one with the device code's letters swapped. Accepted: refused."""
    grant = device.start()
    capitals = device.case.send(
        poll_request(grant, grant_type="URN:IETF:PARAMS:OAUTH:GRANT-TYPE:DEVICE_CODE"), "capitals"
    )
    # How an unknown grant type or code is refused is the business of other checks.
    known = capitals.code in PENDING or capitals.outcome.ok
    if capitals.code in PENDING:
        device.require_that_codes_matter()
    problem = "the grant type is matched without regard to case"
    doubtful = capitals.code == "invalid_grant"  # the grant type may have been taken, and the code found wrong
    verify.that("rfc6749-1.9-case-sensitive-values", not (known or doubtful), problem, capitals, tolerated=doubtful)
    swapped = grant.device_code.swapcase()
    if swapped != grant.device_code:
        exchange = device.case.send(poll_request(grant, device_code=swapped), "poll, letters swapped")
        known = exchange.code in PENDING or exchange.outcome.ok
        if exchange.code in PENDING:
            device.require_that_codes_matter()
        problem = "a device code is matched without regard to case"
        verify.that("rfc6749-1.9-case-sensitive-values", not known, problem, exchange)


@check(
    "rfc8628-3.1-empty-param-as-omitted",
    "rfc6749-3.2-empty-param-as-omitted",
    faults=("empty_parameters_kept",),
    timed=True,
    when=lambda dialect: dialect.sends_forms,
)
def test_empty_parameters(device: Device, verify: Verify) -> None:
    """scope=, an unknown parameter and device_code= without value. Accepted: the answers to requests without them."""
    case = device.case
    plain = start_request(device, scope=None)
    without, empty = case.send(plain, "start"), case.send(_and(plain, b"scope=&x_unknown="), "start with empty ones")
    verify.that(
        "rfc8628-3.1-empty-param-as-omitted",
        without.code == empty.code,
        "empty parameters of a device authorization are not treated as omitted",
        without,
        empty,
    )
    poll = poll_request(device.start(), device_code=None)
    without, empty = case.send(poll, "poll without code"), case.send(_and(poll, b"device_code="), "with an empty one")
    verify.that(
        "rfc6749-3.2-empty-param-as-omitted",
        without.code == empty.code,
        "an empty device_code is not treated as omitted",
        without,
        empty,
    )


@check(
    "rfc8628-3.1-repeated-param-rejected",
    "rfc6749-3.2-repeated-params-rejected",
    "rfc6749-5.2-invalid-request-repeat",
    faults=("duplicates_accepted",),
    timed=True,
)
def test_repeated_parameters(device: Device, verify: Verify) -> None:
    """client_id twice at the start, device_code twice in a poll. Accepted: invalid_request."""
    start = _and(start_request(device), b"client_id=" + quote_plus(device.client.id).encode())
    if not device.client.confidential:
        exchange = device.case.send(_and(start, b"client_id=another"), "start with client_id repeated")
    else:
        exchange = device.case.send(_and(start, b"scope=a&scope=b"), "start with scope repeated")
    verify("rfc8628-3.1-repeated-param-rejected", exchange, accepted=["invalid_request"])
    request = poll_request(grant := device.start())
    repeated = _and(request, b"device_code=" + quote_plus(grant.device_code).encode())
    exchange = device.case.send(repeated, "poll with device_code repeated")
    verify("rfc6749-3.2-repeated-params-rejected", exchange, accepted=["invalid_request"])
    verify("rfc6749-5.2-invalid-request-repeat", exchange, accepted=["invalid_request"])


@check("rfc8628-3.1-params-in-body", faults=("query_parameters_read",))
def test_parameters_in_the_query(device: Device, verify: Verify) -> None:
    """All parameters in the query of the POST, an empty body. Accepted: no codes."""
    require_public(device.client)  # a confidential one must not put its credentials into a query
    plain = start_request(device)
    request = Request("POST", f"{plain.url}?{plain.content.decode()}", plain.headers, b"", plain.operation)
    exchange = device.case.send(request, "start with all parameters in the query")
    issued = exchange.get("device_code") is not None
    if issued and device.case.send(with_content(plain, b""), "control: start without any parameter").outcome.ok:
        raise Untestable("a start without any parameter is granted: whether the query is read cannot be seen")
    verify.that("rfc8628-3.1-params-in-body", not issued, "parameters in the query were read", exchange)


@check("rfc6749-B-escaping", faults=("plus_kept",))
def test_space_is_plus_or_percent_20(device: Device, verify: Verify) -> None:
    """The same two scopes joined by %20 and by +. Accepted: the same answer."""
    first, second = any_two_scopes(device)
    plain = start_request(device, scope=None)
    codes = []
    for space in ("%20", "+"):
        scope = f"scope={quote(first)}{space}{quote(second)}".encode()
        codes.append(device.case.send(_and(plain, scope), f"start, scopes joined by {space}"))
    same = codes[0].code == codes[1].code
    verify.that("rfc6749-B-escaping", same, "a space sent as + and as %20 gives different answers", *codes)


@check(
    "rfc3986-2.4-no-double-encoding",
    faults=("form_decoded_twice",),
    when=lambda dialect: dialect.sends_forms,
    timed=True,
)
def test_escapes_are_decoded_once(device: Device, verify: Verify) -> None:
    """A poll whose device code is percent-encoded twice. Accepted: a refusal, for it is another code."""
    grant = device.start()
    twice = "".join(f"%25{ord(letter):02X}" for letter in grant.device_code)
    exchange = device.case.send(_and(poll_request(grant, device_code=None), f"device_code={twice}".encode()), "poll")
    result = exchange.code in PENDING or exchange.outcome.ok
    if exchange.code in PENDING:
        device.require_that_codes_matter()
    verify.that("rfc3986-2.4-no-double-encoding", not result, "a device code was percent-decoded twice", exchange)


@check("rfc6749-B-utf8-decode", faults=("malformed_body_500",), when=lambda dialect: dialect.sends_forms)
def test_forms_are_utf8(device: Device, verify: Verify) -> None:
    """An unknown parameter in UTF-8 (accepted: success), then octets that are no UTF-8 (accepted: success or 4xx)."""
    device.start()
    plain = start_request(device)
    exchange = device.case.send(_and(plain, b"x_probe=%C3%A9%E2%82%AC%F0%9F%94%91"), "start with UTF-8")
    verify("rfc6749-B-utf8-decode", exchange, accepted=["ok"])
    exchange = device.case.send(_and(plain, b"x_probe=%FF%FE%C3"), "start with octets that are no UTF-8")
    verify("rfc6749-B-utf8-decode", exchange, accepted=["ok", "http-4xx"])


@check("rfc6749-5.2-invalid-request-malformed", faults=("malformed_body_500", "empty_body_500"), timed=True)
def test_malformed_bodies(device: Device, verify: Verify) -> None:
    """Polls with a broken escape or broken JSON, another encoding's body, no body. Accepted: a 4xx, no token."""
    request = poll_request(device.start())
    broken = request.content + b"%zz" if device.case.run.dialect.sends_forms else request.content[:-1]
    for body in (broken, b"", b"\xff\xfe\x00", b"%"):
        exchange = device.case.send(with_content(request, body), "poll with a malformed body")
        # A broken escape may be taken as it is written: the device code is then another one.
        verify("rfc6749-5.2-invalid-request-malformed", exchange, accepted=["http-4xx"])


@check("rfc6749-5.2-invalid-request-bad-value", faults=("unknown_code_pending", "unknown_code_404"))
def test_values_that_nobody_issued(device: Device, verify: Verify) -> None:
    """Polls with device codes of control characters, 20,000 letters, two words. Accepted: a refusal of the code."""
    grant = device.start()
    for value in ("\x01\x02", "a" * 20_000, "two words"):
        exchange = device.case.send(poll_request(grant, device_code=value), "poll with an unusable code")
        accepted = [
            "invalid_request",
            "invalid_grant",
            "expired_token",
            "SerializationException",
            "ValidationException",
        ]
        too_long = ["http-400", "http-413"]
        verify("rfc6749-5.2-invalid-request-bad-value", exchange, accepted=accepted, tolerated=too_long)


@check("rfc6749-5.2-invalid-request-missing", "aws-token-required", faults=("missing_grant_type_accepted",), timed=True)
def test_missing_grant_type(device: Device, verify: Verify) -> None:
    """A poll without grant_type. Accepted: invalid_request; unsupported_grant_type, being common, with a warning."""
    exchange = device.case.send(poll_request(device.start(), grant_type=None), "poll without grant_type")
    common = "unsupported_grant_type"
    frameworks = ["SerializationException", "ValidationException"]
    verify(
        "rfc6749-5.2-invalid-request-missing", exchange, accepted=["invalid_request", *frameworks], tolerated=[common]
    )
    verify("aws-token-required", exchange, accepted=["invalid_request", common, "invalid_client", *frameworks])


@check("rfc8259-9-parser-accepts-valid", faults=("json_escapes_refused",), needs=("registration",))
def test_json_is_json(case: ServerCase, verify: Verify) -> None:
    """A registration with white space between tokens and escaped letters in names and values. Accepted: success."""
    plain = _registration(case)
    members = json.loads(plain.content)
    name = "client_name" if "client_name" in members else "clientName"
    text = json.dumps(members, indent="\t").replace(f'"{name}"', '"' + _escaped(name) + '"')
    text = text.replace("device-grant", _escaped("device-grant"))
    exchange = case.send(with_content(plain, f"\r\n {text}\n".encode()), "register with escapes and white space")
    verify("rfc8259-9-parser-accepts-valid", exchange, accepted=["ok"])


@check("rfc8259-8.1-bom-tolerance", faults=("malformed_body_500",), needs=("registration",))
def test_byte_order_mark(case: ServerCase, verify: Verify) -> None:
    """A registration that begins with a byte order mark. Accepted: success or a 4xx; neither is owed."""
    plain = _registration(case)
    exchange = case.send(with_content(plain, b"\xef\xbb\xbf" + plain.content), "register with a byte order mark")
    verify("rfc8259-8.1-bom-tolerance", exchange, accepted=["ok", "http-4xx"])


@check("rfc8259-7-escape-controls", faults=("json_by_hand",), timed=True)
def test_json_of_errors_is_escaped(device: Device, verify: Verify) -> None:
    """Polls with quotes, backslashes and line feeds in values. Accepted: whatever is labelled JSON parses as JSON."""
    grant = device.start()
    probes = ({"grant_type": 'x"y\\z\n"'}, {"device_code": '"},{"\t'}, {"scope": 'a"b\\'})
    for members in probes:
        value: dict[str, object] = dict(members)
        if device.case.run.dialect.scopes_are_registered and "scope" in value:
            value["scope"] = [value["scope"]]
        exchange = device.case.send(poll_request(grant, **value), "poll with quotes and line feeds")
        body = exchange.response
        labelled = body is not None and body.media_type == "application/json" and bool(body.content)
        parses = body is None or not labelled or json_object(body) is not None
        verify.that("rfc8259-7-escape-controls", parses, "what was sent makes the JSON of the answer invalid", exchange)


@check("rfc3986-3.1-scheme-case", faults=("uri_case_sensitive",))
def test_scheme_and_host_in_capitals(case: ServerCase, verify: Verify) -> None:
    """A redirect URI (AWS: startUrl) with scheme and host in capitals. Accepted: as in small letters."""
    if "start_url" in case.run.dialect.constants:
        url = case.run.target.config.request.start_url
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        capitals = f"{scheme.upper()}://{host.upper()}{slash}{path}"
        answers = [case.device.request(start_url=value, label="start") for value in (url, capitals)]
    else:
        if not case.run.endpoints.registration:
            raise NotApplicable("no registration endpoint is known, and nothing else takes a URI")
        uris = ("https://client.example/cb", "HTTPS://CLIENT.EXAMPLE/cb")
        requests = [case.run.registration_request(redirect_uris=[uri]) for uri in uris]
        answers = [case.send(request, "register with a redirect URI") for request in requests]
    if not answers[0].outcome.ok:
        raise Untestable(f"the URI in small letters was refused with {answers[0].describe()}")
    verify("rfc3986-3.1-scheme-case", answers[1], accepted=["ok"])


def _registration(case: ServerCase) -> Request:
    if not case.run.endpoints.registration:
        raise NotApplicable("the target has no registration endpoint, and nothing else takes JSON")
    request = case.run.registration_request()
    if not case.send(request, "register").outcome.ok:
        raise Untestable("a valid registration was refused")
    return request


def _and(request: Request, parameters: bytes) -> Request:
    return with_content(request, b"&".join(part for part in (request.content, parameters) if part))


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in text)

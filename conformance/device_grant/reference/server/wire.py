"""Misbehaviours between the endpoints and the wire: requests are spoilt before, responses after the handler.

An honest server passes through here untouched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from device_grant.reference.server.http import Answer, Call, Handler, Refusal

if TYPE_CHECKING:
    from device_grant.reference.server.faults import Faults

JSON = "application/json"
_PAGES = ("/device", "/authorize")
_BOM = b"\xef\xbb\xbf"
_BEYOND_DOUBLES = 2**53 + 1

Members = dict[str, Any]
Spoil = Callable[[Members, Call], None]


def faulty(handler: Handler, faults: Faults) -> Handler:
    """The handler behind the faults that are on."""
    active = frozenset(faults.active)

    async def answer(call: Call) -> Answer:
        early = _refused_early(call, active)
        if early is not None:
            return early
        _misread(call, active)
        given = await handler(call)
        if call.path not in _PAGES:
            _spoil_members(given, call, active)
            _spoil_text(given, call, active)
        _spoil_headers(given, call, active)
        return given

    return answer if active else handler


def respelt(refusal: Refusal, faults: Faults) -> Refusal:
    """The refusal with the error code that a fault gives it."""
    code = refusal.code
    if faults.scope_error_as_invalid_request and code == "invalid_scope":
        code = "invalid_request"
    if faults.error_code_unregistered and code == "invalid_grant":
        code = "bad_device_code"
    if faults.error_code_quoted and code == "invalid_grant":
        code = 'invalid "grant"'
    if code == refusal.code:
        return refusal
    return Refusal(code, refusal.description, status=refusal.status, headers=refusal.headers, members=refusal.members)


def _refused_early(call: Call, active: frozenset[str]) -> Answer | None:
    if "options_without_allow" in active and call.method == "OPTIONS":
        return Answer(204, b"", "")
    if call.method != "POST" or call.path in _PAGES:
        return None
    if "trailing_slash_refused" in active and call.path.endswith("/"):
        return Answer(404, b"{}", JSON, {"x-amzn-ErrorType": "UnknownOperationException"})
    media_type = (call.header(b"content-type") or "").partition(";")[0].strip()
    strict = {
        "unknown_headers_refused": (any(name.startswith("x-") for name in call.header_names), 400),
        "accept_compared_literally": (call.header(b"accept") not in (None, JSON), 406),
        "content_type_case_sensitive": (media_type != media_type.lower(), 415),
        "amz_json_refused": (media_type == "application/x-amz-json-1.1", 415),
        "content_type_required": (not media_type, 415),
        "user_agents_filtered": ((call.header(b"user-agent") or "").startswith(("aws-", "Boto")), 403),
        "escaped_slashes_refused": (b"\\/" in call.body, 400),
        "empty_body_500": (not call.body, 500),
        "uri_case_sensitive": (b"HTTPS:" in call.body, 400),
        "json_escapes_refused": (b"\\u" in call.body, 400),
        "oversized_body_500": (call.too_large, 500),
    }
    return next((_problem(status) for name, (hit, status) in strict.items() if hit and name in active), None)


def _problem(status: int) -> Answer:
    code = "invalid_request" if status < 500 else "server_error"  # noqa: PLR2004 - the first status of a server error
    return Answer(status, json.dumps({"error": code, "error_description": "not served"}).encode(), JSON)


def _misread(call: Call, active: frozenset[str]) -> None:
    if "methods_ignored" in active and call.method not in ("GET", "HEAD", "POST", "OPTIONS"):
        call.method = "POST"
    if "content_encoding_ignored" in active:
        call.forget(b"content-encoding")
    if "accept_ignored" in active:
        call.forget(b"accept")


def _spoil_members(answer: Answer, call: Call, active: frozenset[str]) -> None:
    wanted = [spoil for name, spoil in _MEMBERS.items() if name in active]
    if not wanted or answer.media_type != JSON or not answer.content:
        return
    members = json.loads(answer.content)
    for spoil in wanted:
        spoil(members, call)
    answer.content = json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def _extend(suffix: str, *names: str) -> Spoil:
    def spoil(members: Members, _call: Call) -> None:
        for name in names:
            if isinstance(members.get(name), str):
                members[name] += suffix

    return spoil


def _change(change: Callable[[Any], Any], *names: str) -> Spoil:
    def spoil(members: Members, _call: Call) -> None:
        for name in names:
            if name in members:
                members[name] = change(members[name])

    return spoil


def _add(name: str, value: object, beside: str) -> Spoil:
    def spoil(members: Members, _call: Call) -> None:
        if beside in members:
            members[name] = value

    return spoil


def _copy(source: str, target: str) -> Spoil:
    def spoil(members: Members, _call: Call) -> None:
        if source in members:
            members[target] = members[source]

    return spoil


def _registration_error_sentence(members: Members, call: Call) -> None:
    if "error" in members and call.path.endswith("/register"):
        members["error"] = "The metadata is no good \N{EM DASH} sorry"


def _slow_down_lowers_interval(members: Members, _call: Call) -> None:
    if members.get("error") == "slow_down":
        members["interval"] = 0


def _integers_unsafe(members: Members, _call: Call) -> None:
    if "error" not in members:
        members["issued_at_ns"] = _BEYOND_DOUBLES


def _odd_name(members: Members, _call: Call) -> None:
    members["session info"] = "none"


_URIS = ("verification_uri", "verificationUri")
_COMPLETE_URIS = ("verification_uri_complete", "verificationUriComplete")

_MEMBERS: Mapping[str, Spoil] = {
    "integers_unsafe": _integers_unsafe,
    "registration_error_sentence": _registration_error_sentence,
    "member_names_odd": _odd_name,
    "slow_down_lowers_interval": _slow_down_lowers_interval,
    "unregistered_member": _add("sessiontag", "none", beside="access_token"),
    "error_uri_malformed": _add("error_uri", 'see the "manual"', beside="error"),
    "registration_beyond_ascii": _extend("é", "client_id", "clientId", "client_secret", "clientSecret"),
    "complete_uri_unencoded": _extend("&label=100% sure", *_COMPLETE_URIS),
    "complete_uri_encoded_twice": _extend("&label=100%2525", *_COMPLETE_URIS),
    "uri_userinfo": _change(lambda uri: str(uri).replace("://", "://demo:demo@", 1), *_URIS),
    "timestamps_in_milliseconds": _change(
        lambda value: value * 1000 if isinstance(value, int) else value, "clientIdIssuedAt", "clientSecretExpiresAt"
    ),
    "token_endpoint_fragment": _extend("#token", "token_endpoint"),
    "metadata_endpoints_equal": _copy("device_authorization_endpoint", "authorization_endpoint"),
}


def _spoil_text(answer: Answer, call: Call, active: frozenset[str]) -> None:
    refused = answer.status >= 400  # noqa: PLR2004 - the first status of an error
    if "json_by_hand" in active and refused and answer.media_type == JSON:
        sent = unquote_plus(call.body.decode("utf-8", errors="replace"))
        answer.content = answer.content[:-1] + f',"hint":"{sent}"}}'.encode()
    if "json_python_literals" in active and answer.content.endswith(b"}"):
        answer.content = answer.content[:-1] + b',"hint":None}'
    if "json_bom" in active and answer.media_type == JSON:
        answer.content = _BOM + answer.content
    if "json_utf16" in active and answer.media_type == JSON:
        answer.content = answer.content.decode("utf-8", errors="replace").encode("utf-16-le")
    named = answer.headers.get("x-amzn-ErrorType", "")
    if "framework_error_html" in active and refused and b'"error"' not in answer.content:
        answer.content, answer.media_type = b"<html><body>Error</body></html>", "text/html"
    if "error_body_empty" in active and refused:
        answer.content, answer.media_type = b"", ""
    if "framework_status_wrong" in active and named == "SerializationException":
        answer.status = 422
    if "error_type_with_uri" in active and named:
        answer.headers["x-amzn-ErrorType"] = f"{named}:http://internal.example/coral/"


def _spoil_headers(answer: Answer, call: Call, active: frozenset[str]) -> None:
    if "content_type_twice" in active and answer.media_type:
        answer.headers["Content-Type"] = answer.media_type
    if "content_type_missing" in active:
        answer.media_type = ""
    if "server_header_detailed" in active:
        answer.headers["Server"] = "reference/1.2.3 (Python 3.11.4)"
    if "accept_encoding_in_415" in active and answer.status == 415 and call.path not in _PAGES:  # noqa: PLR2004 - as named
        answer.headers["Accept-Encoding"] = "gzip"
    if "pragma_alone" in active and answer.headers.pop("Cache-Control", ""):
        answer.headers["Pragma"] = "no-cache"

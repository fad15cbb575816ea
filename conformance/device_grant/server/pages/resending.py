"""The last request with which the user module approves: held back, and sent by somebody else.

It serves where the confirmation has no button that alone approves: lists, boxes to tick, several steps, script.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from device_grant.browser.markup import Form, Input
from device_grant.browser.page import answering
from device_grant.judging import Inconclusive, Untestable
from device_grant.server.pages.visitor import Visitor
from device_grant.targets.ports import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx

    from device_grant.browser.page import Page
    from device_grant.server.session.device import Device, Grant

_JSON = "application/json"
_ONE_BROWSERS = ("cookie", "host", "content-length", "connection", "accept-encoding", "user-agent")
"""Fields of a request that are not its own, but those of the browser that sends it."""


_CREDENTIAL = re.compile(r"pass(word|phrase|code|wd)?\b|pwd|secret|\bpin\b|\botp\b", re.IGNORECASE)
"""Names of fields, and of header fields, in which a person says something that nobody else knows."""
_SESSION = re.compile(r"authorization|^(?!.*[cx]srf).*token|session|api-?key", re.IGNORECASE)
"""Names of header fields that a browser has only where somebody signed in; tokens against forgery are not meant."""


class _HeldError(BaseException):
    """Ends the way of a user module before a request is sent; no module should take it for an error of the page."""

    def __init__(self, request: httpx.Request) -> None:
        super().__init__()
        self.request = request


def deciding_request(device: Device) -> int | None:
    """Which of the requests of an approval that change anything is the last, counted from one.

    None where none approves, or where it does not approve when it is held back and then sent by the same browser: what
    becomes of it in another one would show nothing.
    """
    grant = device.start()
    with Visitor(device.case) as browser:
        refused = browser.decide("approve", grant.view)
        changing = [response for response in browser.seen if response.request.method != "GET"]
    if refused or not changing or not grant.poll(label="poll after the user module approved").outcome.ok:
        return None
    grant, place = device.start(), len(changing)
    with Visitor(device.case) as browser:
        resend(browser, hold(browser, grant, place), frozenset(), by_the_person=True)
    return place if grant.poll(label="control: poll after the same browser sent it").outcome.ok else None


def hold(browser: Visitor, grant: Grant, place: int) -> httpx.Request:
    """Let the user approve in that browser up to the request at that place, which is not sent.

    Raises Untestable where the pages do not let the user, and Inconclusive where the user never gets there.
    """
    user, left = browser.case.decider, place

    def stop(request: httpx.Request) -> None:
        nonlocal left
        left -= request.method != "GET"
        if not left:
            request.read()
            raise _HeldError(request)

    assert user is not None, "somebody has approved before"
    browser.http.about_to_send = stop
    try:
        user.approve(browser.http, grant.view)
    except _HeldError as held:
        return held.request
    except UserError as refused:
        raise Untestable(f"the user could not approve: {refused}") from None
    finally:
        browser.http.about_to_send = None
    raise Inconclusive("the user module takes another way each time: no request can be held back")


def form_of(request: httpx.Request) -> Form:
    """The request as a form that another site would send; raises Inconclusive if it can send nothing like it."""
    fields = _fields(request)
    if fields is None:
        raise Inconclusive("the decision is neither a form nor a JSON object: no other site can be tried")
    inputs = tuple(Input(name, "hidden", value) for name, value in fields.items())
    return Form("post", str(request.url), inputs, json=_is_json(request))


def personal(names: Iterable[str]) -> frozenset[str]:
    """Those of the names of fields in which a person says something that nobody else knows."""
    return frozenset(name for name in names if _CREDENTIAL.search(name))


def passwords(page: Page) -> frozenset[str]:
    """Names of fields of a page that nobody else can fill in."""
    return frozenset(
        entry.name for form in page.markup.forms for entry in form.inputs if entry.kind == "password" and entry.name
    )


def resend(
    browser: Visitor, request: httpx.Request, without: frozenset[str], url: str = "", *, by_the_person: bool = False
) -> None:
    """Send the request from another browser, without those fields; raises Untestable where nothing answers.

    `url`: another address than its own. Credentials that stand in the request itself are sent `by_the_person` only:
    nobody else has them, as nobody else has the cookies.
    """
    headers = {name: value for name, value in request.headers.items() if name not in _ONE_BROWSERS}
    fields = _fields(request) or {}
    if not by_the_person:
        headers = {
            name: value for name, value in headers.items() if not (_CREDENTIAL.search(name) or _SESSION.search(name))
        }
        without |= personal(fields)
    fields = {name: value for name, value in fields.items() if name not in without}
    content: dict[str, Any] = {"content": request.content}
    if without and _is_json(request):
        content = {"content": json.dumps({name: json.loads(value) for name, value in fields.items()})}
    elif without:
        content = {"data": fields}
    with answering():
        browser.http.request(request.method, url or request.url, headers=headers, **content)


def _is_json(request: httpx.Request) -> bool:
    media = str(request.headers.get("content-type", ""))
    return media.partition(";")[0].strip().lower() == _JSON


def _fields(request: httpx.Request) -> dict[str, str] | None:
    """Names and values of a form, or those of a JSON object, each value as JSON; None if it is neither."""
    text = request.content.decode("utf-8", "replace")
    if not _is_json(request):
        return dict(parse_qsl(text, keep_blank_values=True)) or None
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return {name: json.dumps(value) for name, value in members.items()} if isinstance(members, dict) else None

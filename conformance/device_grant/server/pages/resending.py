"""The last request with which the user module approves: held back, and sent by somebody else.

It serves where the confirmation has no button that alone approves: lists, boxes to tick, several steps, script.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from device_grant.browser.markup import Form, Input
from device_grant.browser.page import answering, page_of
from device_grant.judging import Inconclusive, Untestable
from device_grant.server.pages.visitor import Visitor
from device_grant.server.session.device import PENDING
from device_grant.targets.ports import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import httpx

    from device_grant.browser.page import Page
    from device_grant.server.session.device import Device, Grant
    from device_grant.targets.ports import User

HELD = "what is held back, and by whom it is sent then, no recording shows"
_JSON = "application/json"
_ONE_BROWSERS = ("cookie", "host", "content-length", "connection", "accept-encoding", "user-agent")
"""Fields of a request that are not its own, but those of the browser that sends it."""
_CREDENTIAL = re.compile(r"pass(word|phrase|code|wd)?\b|pwd|secret|\bpin\b|\botp\b", re.IGNORECASE)
"""Names of fields, and of header fields, in which a person says something that nobody else knows."""
_SESSION = re.compile(r"authorization|^(?!.*[cx]srf).*token|session|api-?key", re.IGNORECASE)
"""Names of header fields that a browser has only where somebody signed in; tokens against forgery are not meant."""


_MOST_ADDRESSES = 2_000
"""Of one page that are looked at."""
_QUOTED = re.compile(r"""["']([./?][^"'<>\s]{0,500})["']""")
"""What may be an address on the same server, in the source of a page."""


@dataclass(frozen=True)
class Place:
    """Which request of a decision, counted from one: among those that change anything, or among all of them."""

    number: int
    by_link: bool = False


class _HeldError(BaseException):
    """Ends the way of a user module before a request is sent; no module should take it for an error of the page."""

    def __init__(self, request: httpx.Request) -> None:
        super().__init__()
        self.request = request


def deciding_request(device: Device) -> Place | None:
    """The last of the requests of an approval that change anything.

    None where none approves, or where it does not approve when it is held back and then sent by the same browser: what
    becomes of it in another one would show nothing.
    """
    grant = device.start()
    with Visitor(device.case) as browser:
        refused = browser.decide_on(grant, "approve")
        changing = [response for response in browser.seen if response.request.method != "GET"]
    if refused or not changing or not grant.poll(label="poll after the user module approved").outcome.ok:
        return None
    grant, place = device.start(), Place(len(changing))
    with Visitor(device.case) as browser:
        resend(browser, hold(browser, grant, place), frozenset(), by_the_person=True)
    return place if grant.poll(label="control: poll after the same browser sent it").outcome.ok else None


def deciding_link(device: Device) -> Place | None:
    """The link of a page, its form that is sent by GET, or its button that sets the location, by which one approves.

    None where it is none. It comes after all that changes anything; what a redirect leads to, or a request whose
    address does not stand in the page, is part of what led there. What it is
    is seen: before it the code is pending, and after it there is a token. Raises Untestable where the pages do not let
    the user approve, or none of theirs is used.
    """
    with Visitor(device.case) as browser:
        refused = browser.decide("approve", device.start().view)
        followed = _followed(browser.seen)
    if refused or not browser.seen:
        raise Untestable(f"the user could not approve: {refused}" if refused else "the user decides elsewhere")
    if not followed:
        return None
    grant, place = device.start(), Place(followed, by_link=True)
    with Visitor(device.case) as browser:
        request = hold(browser, grant, place)
        # Twice: what was decided before may take a moment to be seen.
        before = [grant.poll(label="control: poll before the link was followed") for _ in range(2)]
        if any(exchange.code not in PENDING for exchange in before):
            return None
        resend(browser, request, frozenset(), by_the_person=True)
    return place if grant.poll(label="poll after the link was followed").outcome.ok else None


def _followed(seen: Sequence[httpx.Response]) -> int:
    """Which of the requests, counted from one, is the last that a page's link or form began by GET; 0: none is.

    Those before a request that changes anything do not count.
    """
    last = 0
    for number, (before, response) in enumerate(pairwise(seen), start=2):
        request = response.request
        if request.method != "GET":
            last = 0
        elif not before.has_redirect_location and _leads(page_of(before), request.url.path):
            last = number
    return last


def _leads(page: Page, path: str) -> bool:
    # A button may set location instead of being a link: then the address stands in quotes in what it runs.
    references = dict.fromkeys([*page.markup.links, *_QUOTED.findall(page.html)])
    addresses = [page.link(reference) for reference in islice(references, _MOST_ADDRESSES)]
    addresses += [page.link(form.action) for form in page.markup.forms if form.method == "get"]
    return any(address is not None and address.path == path for address in addresses)


def require_pages(device: Device) -> None:
    """Raise Untestable where whole decisions alone can be had, so that none is ever held back."""
    user = device.case.decider
    if user is not None and user.pages is None:
        raise Untestable("what is held back needs a user module or [user] login, not a command or a person")


def place_of(device: Device, action: str = "approve", *, person: User | None = None) -> Place:
    """The last of the requests of a decision that change anything; `person` is another one than the user.

    Nothing is polled: whether the decision counts, others see. Raises Untestable where the pages do not let the user,
    or where no page of theirs is used, and Inconclusive where the decision changes something by GET alone.
    """
    require_pages(device)
    with Visitor(device.case, person=person) as browser:
        refused = browser.decide(action, device.start().view)
        changing = [response for response in browser.seen if response.request.method != "GET"]
    if refused:
        raise Untestable(f"the user could not {action}: {refused}")
    if not changing:
        raise Inconclusive("the user decides by no request that changes anything: none can be held back")
    return Place(len(changing))


def hold(browser: Visitor, grant: Grant, place: Place, action: str = "approve") -> httpx.Request:
    """Let the user decide in that browser up to the request at that place, which is not sent.

    Raises Untestable where the pages do not let the user, and Inconclusive where the user never gets there.
    """
    user, left = browser.user, place.number

    def stop(request: httpx.Request) -> None:
        nonlocal left
        left -= place.by_link or request.method != "GET"
        if not left:
            request.read()
            raise _HeldError(request)

    assert user is not None, "somebody has approved before"
    browser.http.about_to_send = stop
    try:
        (user.approve if action == "approve" else user.deny)(browser.http, grant.view)
    except _HeldError as held:
        return held.request
    except UserError as refused:
        raise Untestable(f"the user could not {action}: {refused}") from None
    finally:
        browser.http.about_to_send = None
    raise Inconclusive("the user module takes another way each time: no request can be held back")


def form_of(request: httpx.Request) -> Form:
    """The request as a form that another site would send; raises Inconclusive if it can send nothing like it."""
    if request.method == "GET":
        query = parse_qsl(request.url.query.decode("ascii", "replace"), keep_blank_values=True)
        given = tuple(Input(name, "hidden", value) for name, value in query)
        return Form("get", str(request.url.copy_with(query=None)), given)
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
        # What it is answered with may be where the decision is stored.
        browser.http.request(request.method, url or request.url, headers=headers, follow_redirects=True, **content)


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

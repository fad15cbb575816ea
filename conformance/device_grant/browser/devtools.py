"""What is told to Chromium in the words of its DevTools Protocol: cookies, and answers in place of the network."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from device_grant.browser.page import same_site_of, split

if TYPE_CHECKING:
    from http.cookiejar import Cookie

    import httpx

_HOP_BY_HOP = frozenset({"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"})
"""Headers of a response that are about how it came, and untrue of what the browser is handed."""


def as_set(cookie: Cookie, base: str) -> dict[str, Any]:
    """Parameters of Network.setCookie: the cookie as the server set it."""
    # Where a server names no domain, the cookie is for its host alone; the jar appends .local to names without a dot.
    host = cookie.domain.removesuffix(".local") if "." not in cookie.domain.removesuffix(".local") else cookie.domain
    scheme = "https" if cookie.secure else split(base).scheme or "http"
    members: dict[str, Any] = {
        "name": cookie.name,
        "value": cookie.value or "",
        "url": f"{scheme}://{host.lstrip('.')}{cookie.path}",
        "path": cookie.path,
        "secure": cookie.secure,
        "httpOnly": cookie.has_nonstandard_attr("HttpOnly") or cookie.has_nonstandard_attr("httponly"),
    }
    if cookie.domain_specified:
        members["domain"] = cookie.domain
    if cookie.expires is not None:
        members["expires"] = cookie.expires
    same_site = same_site_of(cookie).capitalize()
    if same_site in ("Lax", "Strict", "None"):
        members["sameSite"] = same_site
    return members


def as_fulfilled(answer: httpx.Response) -> dict[str, Any]:
    """Parameters of Fetch.fulfillRequest: an answer as it came, decoded."""
    headers = [
        {"name": name.decode("latin-1"), "value": value.decode("latin-1")}
        for name, value in answer.headers.raw
        if name.decode("latin-1").lower() not in _HOP_BY_HOP
    ]
    body = base64.b64encode(answer.content).decode()
    return {"responseCode": answer.status_code, "responseHeaders": headers, "body": body}

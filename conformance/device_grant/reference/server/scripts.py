"""Script of the verification page, which an honest server has none of: only faults put it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from device_grant.reference.server.faults import Faults

_QUERY = """
document.querySelector("footer").insertAdjacentHTML("beforeend", decodeURIComponent(location.search));
"""
_CLIENT_NAME = """
document.querySelectorAll("dd").forEach(function (entry) { entry.innerHTML = entry.textContent; });
"""
_APPROVAL = """
var allow = document.querySelector("button[value=approve]");
if (allow) { setTimeout(function () { allow.click(); }, 3000); }
"""


def script(faults: Faults) -> Markup:
    """What belongs between the tags of the page's script element; empty: the page has none."""
    chosen = {
        _QUERY: faults.page_writes_query,
        _CLIENT_NAME: faults.client_name_written_by_script,
        _APPROVAL: faults.page_approves_by_script,
    }
    return Markup("").join(Markup(text) for text, wanted in chosen.items() if wanted)  # noqa: S704 - our own constants


def allow_script(policy: str, faults: Faults) -> str:
    """The content security policy of a page with what such script needs; as it was where there is none.

    A page that makes markup of text by script is one that allows script in markup.
    """
    return f"script-src 'unsafe-inline'; {policy}" if script(faults) else policy

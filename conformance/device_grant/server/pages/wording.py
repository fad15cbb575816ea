"""Words by which English pages say to the person what RFC 8628 wants said; a page may say it in others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device_grant.browser.markup import Markup

POSSESSION = re.compile(
    r"possession|your own device|in front of you|did you|(?:did not|didn.t) (?:start|initiat|request|ask)"
    r"|you (?:have |just )?(?:start|initiat|request)|recogni[sz]e|someone else|yourself"
    r"|\byour (?:device|tv|television|console|terminal|printer|machine)\?|in your hands?\b|you (?:hold|own)\b"
    r"|\b(?:match(?:es)?|compare|same|identical|equals?)\b[^.?!]{0,80}\b(?:device|tv|television|console|screen|terminal)\b",
    re.IGNORECASE,
)
CAUTION = re.compile(
    r"\b(?:only if|unless|do not|don.t|never|careful|beware|trust|suspicious|yours|belongs?|near you|with you)\b",
    re.IGNORECASE,
)
"""Words in which such a question may hide whose phrase is not known."""
DEVICE = re.compile(r"\b(?:devices?|tv|television|console|terminal|command.line|cli|printer|machine)\b", re.IGNORECASE)
FAREWELL = re.compile(
    r"\b(?:close|leave|return|go back|get back|back to|continue|switch back|look at|check|resume)\b[^.!]{0,80}"
    r"\b(?:page|window|tab|browser|device|terminal|console|app|application|screen|tv)\b",
    re.IGNORECASE,
)


def unread(markup: Markup, what: str, *known: re.Pattern[str]) -> str:
    """Why the words of a page cannot be judged by English ones; empty where they can, as by one of the `known` ones."""
    if markup.english or (not markup.language and any(pattern.search(markup.text) for pattern in known)):
        return ""
    if markup.language:
        return f"{what} is not in English but in {markup.language[:20]!r}: read it yourself"
    return f"it cannot be told whether {what} is in English: read it yourself"

"""What a person can read of a page, sentence by sentence, and whether it warns of a code that one did not ask for."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

from lxml import etree

from device_grant.browser.tree import tree_of

if TYPE_CHECKING:
    from lxml.etree import _Element

CLAIM = "unrequested_warning"
"""By it the owner of a target says that a warning is there whose words are not known here."""
WARNS = "rfc10027-6.1.14-warns-of-unrequested"
_UNSEEN = frozenset({"head", "title", "script", "style", "template", "noscript", "option", "datalist"})
_INLINE = frozenset({"a", "abbr", "b", "bdi", "code", "em", "font", "i", "kbd", "mark", "small", "span", "strong", "u"})
"""Elements that go on in the sentence that they stand in."""
_NOT_SHOWN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    r"|(?:font-size|opacity)\s*:\s*0(?![.\d])"
)
_END = re.compile(r"(?<=[.!?:。！？])\s+|\n+")  # noqa: RUF001 - full-width punctuation ends sentences too

_BEGUN = (
    r"(?:start|initiat|request|ask(?:ed|ing)?\b|expect|recogni[sz]|try|tried|attempt|trust|trigger|mak(?:e|ing)\b|made"
    r"|begin|began|begun)"
)
_FEW = r"\W+(?:[\w’']+\W+){0,4}?"  # noqa: RUF001 - typographic apostrophe
_UNASKED = re.compile(
    rf"\b(?:not|didn.t|haven.t|weren.t|aren.t|don.t|never|only|unless|if|sure|did\W+you){_FEW}{_BEGUN}"
    rf"|\b(?:someone|somebody|anyone|anybody|whoever|stranger)\w*{_FEW}(?:sen[dt]|g[ai]ve|ask|told|tell|shar|provid|want)"
    r"|unrequested|unsolicited|unexpected|nicht selbst|nicht angefordert|nicht gestartet|unaufgefordert"
    r"|n.avez pas (?:\w+ )?(?:demandé|initié|lancé)|pas à l.origine|no (?:ha|has) (?:solicitado|iniciado)"
    r"|non (?:ha|hai) (?:richiesto|avviato)|心当たり|自分で",
    re.IGNORECASE,
)
"""That one may not have asked for it oneself."""
_REFUSE = re.compile(
    r"\b(?:den(?:y|ies|ied)|declin|refus|reject|cancel|clos|ignor|stop|leave|exit|report|do not|don.t|never|only|unless"
    r"|ablehn|lehnen|abbrech|schließ|verweiger|annul|fermez|refuse|rechac|cancele|annulla|rifiuta)|拒否|閉じ|キャンセル",
    re.IGNORECASE,
)
"""What to do then."""
_CAREFUL = re.compile(
    r"\b(?:only (?:if|when)|unless|never|careful|beware|trust|suspicious|phish|scam|fraud|someone else|somebody else"
    r"|yours\b|belongs?\b)",
    re.IGNORECASE,
)
"""Words in which a warning may hide whose phrase is not known."""


def sentences(html: str) -> list[str]:
    """What a page shows without script, as sentences: nothing of hidden elements, and text in place of pictures.

    What a style sheet hides counts as shown: only a browser knows better.
    """
    root = tree_of(html)
    pieces: list[str] = []
    if root is not None:
        walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        for event, element in walk:
            tag = str(element.tag)
            if event == "start" and (tag in _UNSEEN or _hidden(element)):
                walk.skip_subtree()
                continue
            if tag not in _INLINE:
                pieces.append("\n")
            if event == "start":
                pieces += [element.text or "", *_in_words(tag, element)]
            else:
                pieces.append(element.tail or "")
    text = re.sub(r"[ \t\r\f\v]+", " ", "".join(pieces).replace("\xa0", " "))
    return read_sentences(text)


def read_sentences(text: str) -> list[str]:
    """The sentences of a text whose blocks end with a new line."""
    return [one for one in (" ".join(part.split()) for part in _END.split(text)) if one]


def _hidden(element: _Element) -> bool:
    attributes = element.attrib
    closed = element.tag == "dialog" and "open" not in attributes
    return "hidden" in attributes or closed or _NOT_SHOWN.search(str(attributes.get("style", "")).lower()) is not None


def _in_words(tag: str, element: _Element) -> list[str]:
    if tag == "img":
        return [str(element.get("alt", ""))]
    if tag == "input" and str(element.get("type", "")).lower() != "hidden":
        return [str(element.get("value", ""))]
    return []


def warns(spoken: list[str]) -> bool | None:
    """Whether two sentences that follow each other say what to do with what one did not ask for.

    None where something of caution is said in another way, or far from what to do.
    """
    pairs = [f"{one} {other}" for one, other in zip_longest(spoken, spoken[1:], fillvalue="")]
    if any(_UNASKED.search(pair) and _REFUSE.search(pair) for pair in pairs):
        return True
    unclear = any(_UNASKED.search(one) or _CAREFUL.search(one) for one in spoken)
    return None if unclear else False

"""A page that came, read as a person reads it: what can be filled in, pressed and followed, and what it says."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from lxml import etree
from lxml.cssselect import CSSSelector

from device_grant.browser.hands import MARK
from device_grant.browser.page import split
from device_grant.browser.tree import tree_of
from device_grant.browser.unreadable import UNREADABLE
from device_grant.browser.words import plain, read
from device_grant.targets.users.login.controls import Field, ShownButton, ShownForm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx
    from lxml.etree import _Element

FIELDS = ("username", "password", "code")
BUTTONS = ("submit", "approve", "deny")
_PRESSED = frozenset({"submit", "image", "button", "reset"})
_UNREAD = frozenset({"script", "style", "template", "head", "noscript"})
_LOCATION = re.compile(r"""location(?:\.href)?\s*(?:=|\.assign\(|\.replace\()\s*['"]([^'"]+)['"]""")
_CALLED = re.compile(r"(\w+)\s*\(")
_MOST_CALLS = 20
"""Functions that one handler calls."""
_FUNCTION = re.compile(r"function\s+(\w{1,100})\s*\([^)]{0,500}+\)\s*\{([^}]{0,5000}+)\}")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_REFRESH = re.compile(r"url\s*=\s*['\"]?([^'\"]+)", re.IGNORECASE)
_NUMBER = re.compile(r"\s*\+?(\d{1,9})")
"""What an attribute says that begins with a number (HTML, rules for parsing integers); no page means one with more."""
_USED = frozenset({"a", "button", "nav", "select", "label"})
_LONGEST_HANDLER = 2_000
"""Characters of it that are read."""
_SHORT = 200
"""Characters of text below which a page with script and no form is one that script has to make."""


class Shown:
    """A page, and what is on it."""

    def __init__(
        self,
        response: httpx.Response,
        selectors: Mapping[str, str],
        *,
        html: str | None = None,
        url: httpx.URL | None = None,
    ) -> None:
        """`selectors` are those of `[user.pages]`; `html` and `url` are what a real browser has made of the page."""
        self.response = response
        self.live = html is not None
        """Whether script has run, and controls outside of forms can be used."""
        self.url = url or response.url
        kind = response.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
        self.is_html = self.live or kind in ("text/html", "application/xhtml+xml")
        text = response.text if html is None else html
        self._root = tree_of(text) if self.is_html else None
        self._raw = "" if self.is_html else text
        self._roles = dict(self._chosen(selectors))
        self._unseen = set(self._not_seen())
        base = self._first("base", "href")
        self.base = self.join(base, self.url) or self.url
        self.scripts = "\n".join(each.text for each in self._all("script") if each.text)
        self.has_script = next(self._all("script"), None) is not None
        self.labels = {each.get("for", ""): _text(each) for each in self._all("label") if each.get("for")}
        self.forms = self._forms()
        self.links = self._links()

    def join(self, reference: str, base: httpx.URL | None = None) -> httpx.URL | None:
        """An address of the page as an absolute one; None if it is none."""
        try:
            return (base or self.base).join(reference)
        except UNREADABLE:
            return None

    def _all(self, *names: str) -> Iterator[_Element]:
        return iter(()) if self._root is None else self._root.iter(*names)

    def _first(self, name: str, attribute: str) -> str:
        return next((each.get(attribute, "") for each in self._all(name) if each.get(attribute)), "")

    def _chosen(self, selectors: Mapping[str, str]) -> Iterator[tuple[_Element, str]]:
        """The elements that target.toml names, with what they are for."""
        if self._root is None:
            return
        for role, selector in selectors.items():
            result = CSSSelector(selector, translator="html")(self._root)
            for each in result if isinstance(result, list) else []:
                if isinstance(each, etree._Element):  # noqa: SLF001 - the only name that lxml has for the type
                    yield each, role

    def _not_seen(self) -> Iterator[_Element]:
        """The elements that are hidden, and all within them."""
        if self._root is None:
            return
        walk = etree.iterwalk(self._root, events=("start",))
        for _, element in walk:
            if _is_hidden(element):
                yield from element.iter(etree.Element)
                walk.skip_subtree()

    # What it says.

    @cached_property
    def title(self) -> str:
        """Its title."""
        return next((_text(each) for each in self._all("title")), "")

    @cached_property
    def lines(self) -> list[str]:
        """What can be read, piece by piece."""
        return self._pieces(_UNREAD)

    def _pieces(self, unread: frozenset[str]) -> list[str]:
        if self._root is None:
            return [line for line in (read_as_is(line) for line in self._raw.splitlines()) if line]
        pieces: list[str] = []
        walk = etree.iterwalk(self._root, events=("start", "end", "comment", "pi"))
        for event, element in walk:
            if event == "start" and (element.tag in unread or _is_hidden(element)):
                walk.skip_subtree()
                continue
            pieces.append((element.text if event == "start" else element.tail) or "")
        return [line for line in map(read_as_is, pieces) if line]

    @property
    def text(self) -> str:
        """All that can be read."""
        return " ".join(self.lines)

    def news(self, before: Shown | None) -> str:
        """What can be read here and could not be there: menus say nothing of what has happened."""
        known = set(before.lines) if before is not None else set()
        return " ".join(line for line in self.lines if line not in known)

    def statements(self, before: Shown | None) -> str:
        """The same in lower case, without what stands on buttons and links: they say what else there is to do."""
        known = set(before.lines) if before is not None else set()
        return " ".join(line for line in self._pieces(_UNREAD | _USED) if line not in known).lower()

    @property
    def needs_script(self) -> bool:
        """Whether it has nothing to use, and script that may bring it."""
        usable = any(form.buttons or form.empty or form.silent for form in self.forms)
        return not self.live and self.has_script and not usable and len(self.text) < _SHORT

    @property
    def submits_itself(self) -> bool:
        """Whether script sends a form as soon as the page is there."""
        body = next(self._all("body"), None)
        return ".submit()" in self.scripts or (body is not None and "submit(" in body.get("onload", ""))

    @cached_property
    def refresh(self) -> httpx.URL | None:
        """Where it goes on by itself."""
        for each in self._all("meta"):
            result = _REFRESH.search(each.get("content", ""))
            if each.get("http-equiv", "").lower() == "refresh" and result is not None:
                return self.join(result.group(1).strip())
        return None

    # What can be used.

    def _forms(self) -> list[ShownForm]:
        elements = list(self._all("form"))
        forms = [self._form(each) for each in elements]
        by_element = dict(zip(elements, forms, strict=True))
        by_id = {each.get("id"): form for each, form in reversed(by_element.items()) if each.get("id")}
        loose = ShownForm(str(self.url), "get", loose=True)
        for each in self._all("input", "select", "textarea", "button"):
            inside = next((by_element[one] for one in each.iterancestors("form")), None)
            form = by_id.get(each.get("form")) if each.get("form") is not None else inside
            if not _is_disabled(each):
                self._take(each, form or loose)
        if self.live:
            # Whatever else script has made a button.
            loose.buttons += [self._button(each, submits=False) for each in self._all() if self._acts(each)]
            if loose.fields or loose.buttons:
                forms.append(loose)
        return forms

    def _acts(self, element: _Element) -> bool:
        if not element.get(MARK) or element.tag in ("button", "input", "select", "textarea"):
            return False
        href = element.get("href", "")
        return element.tag != "a" or not href or href.startswith(("#", "javascript:"))

    def _form(self, element: _Element) -> ShownForm:
        action = self.join(element.get("action") or str(self.url)) or self.url
        method = "post" if element.get("method", "").strip().lower() == "post" else "get"
        return ShownForm(str(action), method, element.get("enctype", "").strip().lower() == "multipart/form-data")

    def _take(self, element: _Element, form: ShownForm) -> None:
        kind = element.get("type", "").strip().lower()
        if element.tag == "button" or (element.tag == "input" and kind in _PRESSED):
            submits = kind in ("submit", "image") or (element.tag == "button" and kind not in ("button", "reset"))
            if element not in self._unseen and (not self.live or element.get(MARK)):
                form.buttons.append(self._button(element, submits=submits))
            return
        form.fields.append(self._field(element, kind if element.tag == "input" else str(element.tag)))

    def _field(self, element: _Element, kind: str) -> Field:
        around = next((_text(each) for each in element.iterancestors("label")), "")
        said = [element.get(key) for key in ("name", "id", "placeholder", "aria-label", "title")]
        hints = " ".join(plain(each) for each in [*said, self.labels.get(element.get("id", "")), around] if each)
        most = _NUMBER.match(element.get("maxlength", ""))
        unseen = self.live and kind != "hidden" and not element.get(MARK)
        role = self._roles.get(element, "")
        return Field(
            name=element.get("name", ""),
            kind=kind,
            value=_value(element, kind),
            hints=hints,
            completes=element.get("autocomplete", "").strip().lower(),
            checked="checked" in element.attrib,
            most=int(most[1]) if most else 0,
            fixed="readonly" in element.attrib or unseen or element in self._unseen,
            id=element.get("id", ""),
            role=role if role in FIELDS else "",
            mark=element.get(MARK, ""),
        )

    def _button(self, element: _Element, *, submits: bool) -> ShownButton:
        value = element.get("value", "")
        text = value if element.tag == "input" else _text(element)
        text = text or next((element.get(key, "") for key in ("aria-label", "title", "alt") if element.get(key)), "")
        script = self._handler(element.get("onclick", ""))
        there = _LOCATION.search(script)
        role = self._roles.get(element, "")
        return ShownButton(
            text=read(text),
            name=element.get("name", ""),
            value=value,
            submits=submits,
            source=" ".join(plain(element.get(key)) for key in ("id", "formaction", "onclick", "href")),
            script=script,
            href=element.get("href") or (there.group(1) if there else ""),
            action=element.get("formaction", ""),
            method=element.get("formmethod", "").strip().lower(),
            role=role if role in BUTTONS else "",
            mark=element.get(MARK, ""),
        )

    def _handler(self, onclick: str) -> str:
        """A handler with the functions of the page that it calls."""
        code = onclick = onclick[:_LONGEST_HANDLER]
        for name in _CALLED.findall(onclick)[:_MOST_CALLS]:
            code += " " + self._functions.get(name, "")
        return code

    @cached_property
    def _functions(self) -> dict[str, str]:
        """The functions of the page, up to the first brace that closes, by their names; the first of a name."""
        return dict(reversed(_FUNCTION.findall(self.scripts)))

    def _links(self) -> list[ShownButton]:
        """What leads to another page of the same host: links, and handlers that set the location."""
        result = []
        for each in self._all("a", "button", "input", "div", "span"):
            if (self.live and not each.get(MARK)) or each in self._unseen:
                continue
            place = each.get("href", "") if each.tag == "a" else ""
            if not place and not _LOCATION.search(self._handler(each.get("onclick", ""))):
                continue
            link = self._button(each, submits=False)
            there = self.join(link.href)
            if not link.href.startswith(("#", "javascript:")) and there is not None and _host(there) == _host(self.url):
                result.append(link)
        return result


def read_as_is(text: str) -> str:
    """Text with single white space and nothing that could repaint a terminal."""
    return " ".join("".join(char if char.isprintable() or char.isspace() else "�" for char in text).split())


def _host(url: httpx.URL) -> tuple[str, str]:
    parts = split(str(url))
    return parts.scheme, parts.netloc


def _text(element: _Element) -> str:
    pieces = (piece for each in element.iter() if each.tag not in _UNREAD for piece in _own_pieces(each, element))
    return " ".join(" ".join(pieces).split())


def _own_pieces(element: _Element, top: _Element) -> Iterator[str]:
    if isinstance(element.tag, str):
        yield element.text or ""
    if element is not top:
        yield element.tail or ""


def _value(element: _Element, kind: str) -> str:
    if kind == "textarea":
        return element.text or ""
    if kind == "select":
        options = list(element.iter("option"))
        chosen = next((each for each in options if "selected" in each.attrib), options[0] if options else None)
        return "" if chosen is None else chosen.get("value", _text(chosen))
    return element.get("value", "on" if kind in ("checkbox", "radio") else "")


def _is_disabled(element: _Element) -> bool:
    return "disabled" in element.attrib or any("disabled" in each.attrib for each in element.iterancestors("fieldset"))


def _is_hidden(element: _Element) -> bool:
    return "hidden" in element.attrib or bool(_HIDDEN.search(element.get("style", "")))

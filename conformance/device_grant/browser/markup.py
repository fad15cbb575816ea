"""HTML pages as a check sees them: forms, text, links and elements, whatever their language and layout."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from lxml import etree

from device_grant.browser.tree import tree_of

if TYPE_CHECKING:
    from lxml.etree import _Element

TYPED = frozenset({"text", "search", "tel", "number", "email", "url", ""})
"""Types of inputs into which a person types what everyone may see."""
_UNSENT = frozenset({"submit", "image", "button", "reset", "file"})
_SILENT = frozenset({"script", "style", "template"})
_ENGLISH = re.compile(
    r"\b(?:the|this|you|your|is|to|with|and|of|would|like|have|has|been|are|not|for|from|by|it|can|will|now|please"
    r"|access|grant|allow|deny|cancel|continue|successful|successfully|connected|done|close|window|return)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\s*\+?(\d{1,9})")
"""The number that an attribute begins with; one without is no limit, nor is a negative one."""
_ENOUGH_ENGLISH = 3
"""Different common words from which on a page without a `lang` attribute is taken for English."""


@dataclass(frozen=True)
class Input:
    """One control of a form that is sent."""

    name: str
    kind: str
    """The `type` in lower case; `textarea` and `select` for those elements."""
    value: str
    least: int = 0
    """Characters that have to be typed at least."""
    most: int | None = None
    """Characters of which browsers take no more."""
    pattern: str = ""
    """Regular expression, in the syntax of ECMAScript, for the whole of what is typed; empty: anything goes."""

    @property
    def typed(self) -> bool:
        """Whether a person types into it, passwords aside."""
        return self.kind in TYPED or self.kind == "textarea"


@dataclass(frozen=True)
class Button:
    """One way to submit a form; `name` may be empty."""

    name: str
    value: str
    label: str = ""


@dataclass(frozen=True)
class Form:
    """One form."""

    method: str
    """`get` or `post`."""
    action: str
    """As written, relative to the page."""
    inputs: tuple[Input, ...] = ()
    buttons: tuple[Button, ...] = ()
    id: str = ""
    json: bool = False
    """Whether script sends it, as a JSON object; the values are then JSON."""

    @property
    def values(self) -> dict[str, str]:
        """What is sent if nothing is typed, the button aside."""
        return {entry.name: entry.value for entry in self.inputs}

    @cached_property
    def asks_password(self) -> bool:
        """Whether it wants a password."""
        return any(entry.kind == "password" for entry in self.inputs)


@dataclass(frozen=True)
class Markup:
    """What is in a page."""

    text: str = ""
    """What a person reads, prefilled inputs included; white space is single."""
    scripts: str = ""
    """The inline scripts, one after another."""
    language: str = ""
    """`lang` of the html element, lower case."""
    forms: tuple[Form, ...] = ()
    links: tuple[str, ...] = ()
    """Targets of `a` elements, as written."""
    elements: frozenset[str] = frozenset()
    """Names of all elements."""
    has_script: bool = False
    """Whether script of the page's own or of another file makes it what it is."""

    @property
    def english(self) -> bool:
        """Whether its wording may be judged by English words."""
        if self.language:
            return self.language.partition("-")[0] == "en"
        return len({word.lower() for word in _ENGLISH.findall(self.text)}) >= _ENOUGH_ENGLISH

    @property
    def asks_password(self) -> bool:
        """Whether one of its forms wants a password."""
        return any(form.asks_password for form in self.forms)

    def prompt(self) -> tuple[Form, Input] | None:
        """The first form with something to type that is still empty, one named like a code before others."""
        collected = [
            (form, entry)
            for form in self.forms
            for entry in form.inputs
            if entry.typed and not entry.value and not form.asks_password
        ]
        collected.sort(key=lambda pair: "code" not in pair[1].name.lower())
        return collected[0] if collected else None


def read_markup(html: str) -> Markup:
    """Parse a page; no input is refused, broken markup is read as far as it goes."""
    return _Reader(html).markup()


def hidden_values(html: str) -> list[str]:
    """What hidden fields hold, wherever in the page they are."""
    root = tree_of(html)
    fields = () if root is None else root.iter("input")
    hidden = (field for field in fields if field.get("type", "").strip().lower() == "hidden")
    return [value for field in hidden if (value := field.get("value", ""))]


def squeezed(text: str) -> str:
    """Letters and digits alone, upper case: codes are compared without their punctuation (RFC 8628 6.1)."""
    return "".join(character for character in text if character.isalnum()).upper()


@dataclass
class _Control:
    """An input, a button or a choice of a select, and the form that it is in or names."""

    form: int | None
    """Place of the form that it is in."""
    named: str | None
    """The id of the form that it names, which then owns it in place of the one that it is in."""
    part: Input | Button


class _Reader:
    """Walks the tree of a page once."""

    def __init__(self, html: str) -> None:
        self._pieces: list[str] = []
        self._scripts: list[str] = []
        self._language = ""
        self._forms: list[Form] = []
        self._controls: list[_Control] = []
        self._links: list[str] = []
        self._elements: set[str] = set()
        self._inside: list[int] = []
        """Places of the forms that the walk is in."""
        root = tree_of(html)
        if root is not None:
            self._walk(root)

    def markup(self) -> Markup:
        """What was read."""
        return Markup(
            text=_single_spaced(" ".join(self._pieces)),
            scripts="\n".join(self._scripts),
            language=self._language,
            forms=self._owned(),
            links=tuple(self._links),
            elements=frozenset(self._elements),
            has_script="script" in self._elements,
        )

    def _owned(self) -> tuple[Form, ...]:
        places = {form.id: place for place, form in reversed(list(enumerate(self._forms)))}
        inputs: dict[int, list[Input]] = {}
        buttons: dict[int, list[Button]] = {}
        for control in self._controls:
            place = control.form if control.named is None else places.get(control.named)
            if place is None:
                continue
            if isinstance(control.part, Button):
                buttons.setdefault(place, []).append(control.part)
            else:
                inputs.setdefault(place, []).append(control.part)
        return tuple(
            replace(form, inputs=tuple(inputs.get(place, ())), buttons=tuple(buttons.get(place, ())))
            for place, form in enumerate(self._forms)
        )

    def _walk(self, root: _Element) -> None:
        walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        for event, element in walk:
            tag = str(element.tag)
            if event == "start" and tag in _SILENT:
                inner = list(element.iter(etree.Element))
                self._elements.update(str(one.tag) for one in inner)
                self._scripts += [one.text for one in inner if one.tag == "script" and one.text]
                walk.skip_subtree()
            elif event == "start":
                self._elements.add(tag)
                self._start(tag, element)
                self._pieces.append(element.text or "")
            else:
                if event == "end" and tag == "form":
                    self._inside.pop()
                self._pieces.append(element.tail or "")

    def _start(self, tag: str, element: _Element) -> None:
        match tag:
            case "html":
                self._language = element.get("lang", "").strip().lower()
            case "a" if "href" in element.attrib:
                self._links.append(element.get("href", ""))
            case "form":
                method = "post" if element.get("method", "").strip().lower() == "post" else "get"
                self._inside.append(len(self._forms))
                self._forms.append(Form(method, element.get("action", ""), id=element.get("id", "")))
            case "input":
                self._input(element)
            case "button" if element.get("type", "submit").lower() == "submit":
                label = _single_spaced(" ".join(str(piece) for piece in element.itertext()))
                self._control(element, Button(element.get("name", ""), element.get("value", ""), label))
            case "textarea" if element.get("name"):
                self._control(element, Input(element.get("name", ""), "textarea", ""))
            case "select" if element.get("name"):
                self._select(element)

    def _input(self, element: _Element) -> None:
        kind = element.get("type", "").strip().lower()
        name, value = element.get("name", ""), element.get("value", "")
        if kind in ("submit", "image"):
            self._control(element, Button(name, value, value))
            self._pieces.append(value)
        elif kind in TYPED:
            self._pieces.append(value)
        unchecked = kind in ("checkbox", "radio") and "checked" not in element.attrib
        if name and kind not in _UNSENT and not unchecked:
            value = value or ("on" if kind in ("checkbox", "radio") else "")
            self._control(element, Input(name, kind, value, *_limits(element)))

    def _select(self, element: _Element) -> None:
        options = list(element.iter("option"))
        chosen = [option for option in options if "selected" in option.attrib] or options[:1]
        for option in chosen:
            self._control(element, Input(element.get("name", ""), "select", option.get("value", "")))

    def _control(self, element: _Element, part: Input | Button) -> None:
        self._controls.append(_Control(self._inside[-1] if self._inside else None, element.get("form"), part))


def _limits(element: _Element) -> tuple[int, int | None, str]:
    """What a control says of the text that it takes: `minlength`, `maxlength` and `pattern` of HTML."""
    least, most = (_NUMBER.match(element.get(name, "")) for name in ("minlength", "maxlength"))
    return int(least[1]) if least else 0, int(most[1]) if most else None, element.get("pattern", "")


def _single_spaced(text: str) -> str:
    return " ".join(text.split())

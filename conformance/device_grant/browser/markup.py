"""HTML pages as a check sees them: forms, text, links and elements, whatever their language and layout."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

TYPED = frozenset({"text", "search", "tel", "number", "email", "url", ""})
"""Types of inputs into which a person types what everyone may see."""
_UNSENT = frozenset({"submit", "image", "button", "reset", "file"})
_SILENT = frozenset({"script", "style", "template"})
_ENGLISH = re.compile(r"\b(?:the|this|you|your|is|to|with|and|of)\b", re.IGNORECASE)
_ENOUGH_ENGLISH = 3
"""Different common words from which on a page without a `lang` attribute is taken for English."""


@dataclass(frozen=True)
class Input:
    """One control of a form that is sent."""

    name: str
    kind: str
    """The `type` in lower case; `textarea` and `select` for those elements."""
    value: str

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

    @property
    def values(self) -> dict[str, str]:
        """What is sent if nothing is typed, the button aside."""
        return {entry.name: entry.value for entry in self.inputs}

    @property
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
        found = [
            (form, entry)
            for form in self.forms
            for entry in form.inputs
            if entry.typed and not entry.value and not form.asks_password
        ]
        found.sort(key=lambda pair: "code" not in pair[1].name.lower())
        return found[0] if found else None


def read_markup(html: str) -> Markup:
    """Parse a page; no input is refused, broken markup is read as far as it goes."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.markup()


def squeezed(text: str) -> str:
    """Letters and digits alone, upper case: codes are compared without their punctuation (RFC 8628 6.1)."""
    return "".join(character for character in text if character.isalnum()).upper()


@dataclass
class _Reader(HTMLParser):
    pieces: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    language: str = ""
    forms: list[Form] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    elements: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self._inside = ""
        self._open: int | None = None
        self._owner: int | None = None
        self._label: list[str] | None = None
        self._pressed: int | None = None
        self._select = ""

    def markup(self) -> Markup:
        """What was read."""
        return Markup(
            text=" ".join(" ".join(self.pieces).split()),
            scripts="\n".join(self.scripts),
            language=self.language,
            forms=tuple(self.forms),
            links=tuple(self.links),
            elements=frozenset(self.elements),
            has_script="script" in self.elements,
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        attributes = {name: value or "" for name, value in attrs}
        if tag != "option":
            self._owner = self._owner_of(attributes)
        if tag in _SILENT:
            self._inside = tag
        match tag:
            case "html":
                # Of a second html element, as nested templates make them, browsers take only what the first one lacks.
                self.language = self.language or attributes.get("lang", "").strip().lower()
            case "a" if "href" in attributes:
                self.links.append(attributes["href"])
            case "form":
                method = "post" if attributes.get("method", "").strip().lower() == "post" else "get"
                self._open = len(self.forms)
                self.forms.append(Form(method, attributes.get("action", ""), id=attributes.get("id", "")))
            case _:
                self._control(tag, attributes)

    def _control(self, tag: str, attributes: dict[str, str]) -> None:
        match tag:
            case "input":
                self._input(attributes)
            case "button" if attributes.get("type", "submit").lower() == "submit":
                self._label, self._pressed = [], self._owner
                self._change(buttons=Button(attributes.get("name", ""), attributes.get("value", "")))
            case "textarea" if attributes.get("name"):
                self._change(inputs=Input(attributes["name"], "textarea", ""))
            case "select":
                self._select = attributes.get("name", "")
            case "option" if self._select:
                self._option(attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""
        elif tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""
        elif tag == "button" and self._label is not None:
            if self._pressed is not None:
                form = self.forms[self._pressed]
                labelled = replace(form.buttons[-1], label=" ".join(" ".join(self._label).split()))
                self.forms[self._pressed] = replace(form, buttons=(*form.buttons[:-1], labelled))
            self._label = None

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif not self._inside:
            self.pieces.append(data)
            if self._label is not None:
                self._label.append(data)

    def _input(self, attributes: dict[str, str]) -> None:
        kind = attributes.get("type", "").strip().lower()
        name, value = attributes.get("name", ""), attributes.get("value", "")
        if kind in ("submit", "image"):
            self._change(buttons=Button(name, value, value))
            self.pieces.append(value)
        elif kind in TYPED:
            self.pieces.append(value)
        unchecked = kind in ("checkbox", "radio") and "checked" not in attributes
        if name and kind not in _UNSENT and not unchecked:
            self._change(inputs=Input(name, kind, value or ("on" if kind in ("checkbox", "radio") else "")))

    def _option(self, attributes: dict[str, str]) -> None:
        known = self.forms[self._owner].values if self._owner is not None else {}
        if self._select not in known or "selected" in attributes:
            self._change(inputs=Input(self._select, "select", attributes.get("value", "")))

    def _change(self, *, inputs: Input | None = None, buttons: Button | None = None) -> None:
        if self._owner is None:
            return
        form = self.forms[self._owner]
        if inputs is not None:
            form = replace(form, inputs=(*form.inputs, inputs))
        if buttons is not None:
            form = replace(form, buttons=(*form.buttons, buttons))
        self.forms[self._owner] = form

    def _owner_of(self, attributes: dict[str, str]) -> int | None:
        """The form of a control: the one that it names, else the one that it is in."""
        named = attributes.get("form")
        if named is None:
            return self._open
        return next((place for place, form in enumerate(self.forms) if form.id == named), None)

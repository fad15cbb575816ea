"""What can be filled in and pressed on a page, and what it is taken for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.browser.markup import TYPED
from device_grant.browser.words import (
    ALLOW,
    AWAY,
    CODE,
    DENY,
    GO_BACK,
    GO_ON,
    KEEP,
    NAME,
    SECRET,
    SIGN_IN,
    plain,
)

if TYPE_CHECKING:
    import re

_READ, _SENT, _SOURCE = 8, 4, 2
"""How much the text of a button says, its value and name, and what only the source shows."""
_CERTAIN = 100
"""How much target.toml says."""
_BOXES = 4
"""Fields of one character each from which they are boxes for a code."""


@dataclass(eq=False)
class Field:
    """One control of a form that is sent, buttons aside."""

    name: str
    kind: str
    """The `type` in lower case; `textarea` and `select` for those elements."""
    value: str
    hints: str = ""
    """Name, identifier, placeholder and labels as lower-case words."""
    completes: str = ""
    """`autocomplete`, lower case."""
    checked: bool = False
    most: int = 0
    """`maxlength`; 0: none."""
    fixed: bool = False
    """Whether the person cannot type into it: read-only, or not to be seen."""
    id: str = ""
    role: str = ""
    """`username`, `password` or `code` where target.toml says so."""
    mark: str = ""
    """Where it is in a real browser."""

    @property
    def typed(self) -> bool:
        """Whether a person types into it, passwords aside."""
        return (self.kind in TYPED or self.kind == "textarea") and not self.secret

    @property
    def secret(self) -> bool:
        """Whether it takes the password that the person has; some pages show passwords in the clear."""
        if self.role:
            return self.role == "password"
        if self.completes == "new-password":
            return False
        clear = self.kind in ("text", "") and self.completes != "one-time-code" and SECRET.search(self.hints)
        return self.kind == "password" or bool(clear)

    @property
    def code(self) -> bool:
        """Whether it takes the user code."""
        if self.role:
            return self.role == "code"
        if not self.typed or self.fixed or "username" in self.completes:
            return False
        return self.completes == "one-time-code" or bool(CODE.search(self.hints))

    @property
    def account(self) -> bool:
        """Whether it takes the name of the account."""
        if self.role:
            return self.role == "username"
        if not self.typed or self.code:
            return False
        known = {"username", "email"} & set(self.completes.split())
        return bool(known) or self.kind == "email" or bool(NAME.search(self.hints))

    @property
    def outline(self) -> str:
        """For messages: `user_code:text[off]`."""
        return f"{self.name or '(no name)'}:{self.kind or 'text'}" + (f"[{self.completes}]" if self.completes else "")


@dataclass(eq=False)
class ShownButton:
    """A button, or a link that can be followed."""

    text: str
    """What a person reads on it, lower case."""
    name: str = ""
    value: str = ""
    submits: bool = True
    """Whether pressing it submits its form without script."""
    source: str = ""
    """Identifier, address and handler as words: what only the source shows."""
    script: str = ""
    """Its handler, with the functions of the page that this calls."""
    href: str = ""
    """Where it leads, if it is a link."""
    action: str = ""
    """`formaction`, as written."""
    method: str = ""
    """`formmethod`, lower case."""
    role: str = ""
    """`submit`, `approve` or `deny` where target.toml says so."""
    mark: str = ""
    """Where it is in a real browser."""

    def _says(self, firm: re.Pattern[str], mild: re.Pattern[str]) -> int:
        said = ((self.text, _READ), (plain(self.value), _SENT), (plain(self.name), _SENT), (self.source, _SOURCE))
        return sum(
            weight if firm.search(part) else weight // 2 if mild.search(part) else 0 for part, weight in said if part
        )

    @property
    def leaning(self) -> int:
        """Above 0: allows or goes on; below: refuses or goes back. What a person reads counts most."""
        if self.role:
            return {"approve": _CERTAIN, "deny": -_CERTAIN}.get(self.role, 1)
        # "Do not allow" holds a word of the other side.
        allows = 0 if DENY.search(self.text) else self._says(ALLOW, GO_ON)
        return allows - self._says(DENY, GO_BACK)

    @property
    def firm(self) -> bool:
        """Whether it says the decision itself, and does not only lead on or back."""
        if self.role:
            return self.role != "submit"
        if SIGN_IN.search(self.text):
            return False
        parts = [self.text, plain(self.value), plain(self.name)]
        if not any(character.isalpha() for character in self.text):
            parts.append(self.source)  # a picture says nothing, and its address may
        return any(ALLOW.search(part) or DENY.search(part) for part in parts)

    @property
    def away(self) -> bool:
        """Whether it leads away from the decision."""
        return not self.role and bool(AWAY.search(self.text) or (self.href and AWAY.search(plain(self.href))))

    @property
    def outline(self) -> str:
        """For messages."""
        return repr(self.text or self.name or self.href or "(no text)")


@dataclass(eq=False)
class ShownForm:
    """One form with what belongs to it."""

    action: str
    """Absolute."""
    method: str
    """`get` or `post`."""
    multipart: bool = False
    fields: list[Field] = field(default_factory=list)
    buttons: list[ShownButton] = field(default_factory=list)
    loose: bool = False
    """Whether there is no form element: controls that only script makes use of."""

    @property
    def secret(self) -> Field | None:
        """The field for the password; None where there are two, as for a new one."""
        result = [each for each in self.fields if each.secret and not each.fixed]
        return result[0] if len(result) == 1 else None

    @property
    def boxes(self) -> list[Field]:
        """Fields for one character of a code each."""
        result = [each for each in self.fields if each.typed and each.most == 1 and not each.fixed]
        return result if len(result) >= _BOXES else []

    @property
    def code(self) -> bool:
        """Whether it takes the user code."""
        return any(each.code for each in self.fields) or bool(self.boxes)

    @property
    def lone(self) -> Field | None:
        """The only field into which anything can be typed, if that is neither a name nor a password."""
        result = [each for each in self.fields if (each.typed or each.kind == "password") and not each.fixed]
        alone = len(result) == 1 and result[0].typed and not result[0].account and result[0].kind != "search"
        return result[0] if alone else None

    @property
    def account(self) -> bool:
        """Whether it takes the name of an account and no password."""
        secret = any(each.kind == "password" or each.secret for each in self.fields)
        return not secret and any(each.account and not each.fixed for each in self.fields)

    @property
    def empty(self) -> bool:
        """Whether it waits for something to be typed."""
        return any((each.typed or each.secret) and not each.fixed and not each.value for each in self.fields)

    @property
    def silent(self) -> bool:
        """Whether a person sees nothing of it, so that only script submits it."""
        return not self.buttons and bool(self.fields) and all(each.kind == "hidden" for each in self.fields)

    @property
    def away(self) -> bool:
        """Whether it leads away from the decision: out, to a registration, to another language."""
        if any(each.role for each in self.fields) or any(each.role for each in self.buttons):
            return False
        return bool(AWAY.search(plain(urlsplit(self.action).path)))

    def choices(self) -> list[list[Field]]:
        """Its groups of radio buttons."""
        groups: dict[str, list[Field]] = {}
        for each in self.fields:
            if each.kind == "radio":
                groups.setdefault(each.name, []).append(each)
        return list(groups.values())

    @property
    def outline(self) -> str:
        """For messages; hidden fields are left out."""
        seen = [each.outline for each in self.fields if each.kind != "hidden"]
        pressed = [each.outline for each in self.buttons]
        where = "controls outside of forms" if self.loose else f"{self.method} {urlsplit(self.action).path}"
        return f"{where} ({', '.join([*seen[:8], *pressed[:8]]) or 'nothing to see'})"


def choice(group: list[Field], way: int) -> Field | None:
    """The radio button of a group that allows (`way` 1) or refuses (-1); None if none says so."""
    for allowing, refusing in ((ALLOW, DENY), (GO_ON, GO_BACK)):
        for each in group:
            said = f"{each.hints} {plain(each.value)}"
            refuses = bool(refusing.search(said))
            if not KEEP.search(plain(each.name)) and (refuses if way < 0 else allowing.search(said) and not refuses):
                return each
    return None

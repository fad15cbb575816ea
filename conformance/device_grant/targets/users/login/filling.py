"""What a person types, ticks and chooses in a form, and what a browser then sends."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_grant.browser.words import KEEP
from device_grant.targets.users.login.controls import Field, ShownButton, ShownForm, choice

if TYPE_CHECKING:
    from device_grant.targets.users.login.account import Account

_SETS = (
    re.compile(r"""getElementById\(\s*['"]([\w-]+)['"]\s*\)\.value\s*=\s*['"]?([^'";)]*)"""),
    re.compile(r"""\$\(\s*['"][#]([\w-]+)['"]\s*\)\.(?:val\(|attr\(\s*['"]value['"]\s*,)\s*['"]?([^'")]*)"""),
    re.compile(r"""\.(\w+)\.value\s*=\s*['"]([^'"]*)"""),
)
"""How handlers set the value of a field, by its identifier or name."""
_GROUPS = re.compile(r"\w{3,}(?:[\s-]\w{3,})+")
"""Codes as devices show them; dashes elsewhere were added to see what becomes of them."""


@dataclass
class Press:
    """One step of a person: what is filled in, and what is pressed."""

    form: ShownForm | None
    """None where a link is followed."""
    button: ShownButton | None
    """None: Enter, or script."""
    typed: dict[Field, str] = field(default_factory=dict)
    way: int = 0
    """1: allows, so that all scopes are ticked; -1: refuses; 0: neither."""

    @property
    def secret(self) -> bool:
        """Whether the password is typed."""
        return any(each.secret for each in self.typed)

    def chosen(self) -> set[Field]:
        """The boxes and radio buttons that are on when the form is sent."""
        if self.form is None:
            return set()
        on = {each for each in self.form.fields if each.kind in ("checkbox", "radio") and each.checked}
        if self.way > 0:
            boxes = (each for each in self.form.fields if each.kind == "checkbox" and not KEEP.search(each.hints))
            on |= set(boxes)
        elif self.way < 0 and self.button is not None and not self.button.submits:
            # A button for script that resets the form first.
            on -= {each for each in on if "reset" in self.button.script}
        for group in self.form.choices():
            said = choice(group, self.way) if self.way else None
            if said is not None:
                on -= set(group)
                on.add(said)
        return on

    def data(self) -> list[tuple[str, str]]:
        """The successful controls of the form in their order, then the button (HTML, form submission)."""
        assert self.form is not None, "a link sends nothing"  # noqa: S101 - the caller has looked
        sets = dict(self._set_by_script())
        on = self.chosen()
        data = []
        for each in self.form.fields:
            if not each.name or each.kind == "file" or (each.kind in ("checkbox", "radio") and each not in on):
                continue
            value = self.typed.get(each, sets.get(each.id or each.name, sets.get(each.name, each.value)))
            data.append((each.name, value))
        if self.button is not None and self.button.submits and self.button.name:
            data.append((self.button.name, self.button.value))
        return data

    def _set_by_script(self) -> list[tuple[str, str]]:
        code = self.button.script if self.button is not None else ""
        return [(name, value.strip()) for pattern in _SETS for name, value in pattern.findall(code)]


def credentials(form: ShownForm, account: Account) -> dict[Field, str]:
    """Name and password in the fields that take them; without a name where the form has no field for it."""
    secret = form.secret
    before = form.fields[: form.fields.index(secret)] if secret is not None else form.fields
    open_ones = [each for each in before if not (each.fixed and each.role != "username")]
    named = [each for each in open_ones if each.account]
    # Else what stands before the password, whatever it is called.
    last = [each for each in open_ones if each.typed and not each.code][-1:] if secret is not None else []
    values = dict.fromkeys((named or last)[:1], account.name)
    return values | ({secret: account.password} if secret is not None else {})


def code_in(form: ShownForm, code: str) -> dict[Field, str]:
    """The user code in its field, or one character each in boxes."""
    bare = re.sub(r"[\W_]", "", code)
    boxes = form.boxes
    if boxes and len(boxes) <= len(bare):
        return dict(zip(boxes, bare, strict=False))
    result = next((each for each in form.fields if each.code), form.lone)
    if result is None:
        return {}
    # Where there is room for the rest alone nobody types the dashes between groups; all else in a code is to be typed.
    tight = re.sub(r"[\s-]", "", code)
    return {result: tight if len(tight) == result.most and _GROUPS.fullmatch(code) else code}

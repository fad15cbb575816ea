"""A tab in which somebody fills in and presses what can be seen, whatever script has made of the page."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_grant.browser.tab import Tab
from device_grant.judging import Untestable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.browser.page import Page

MARK = "data-device-grant"
"""Attribute that numbers what can be seen and used."""
_PATIENCE = 5_000.0
"""Real milliseconds for one field or button."""
_LOOK = 0.1
"""Real seconds between two looks at a page."""
_CALM = 3
"""How often in a row it must look the same."""
_LONGEST_CHANGE = 40
"""Looks after which a page that goes on changing is taken as it is."""
_NUMBER = """(mark) => {
  const usable = "a, button, input, select, textarea, [onclick], [role=button]";
  let number = 0;
  for (const each of document.querySelectorAll(usable)) {
    const seen = each.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && !each.disabled;
    if (seen) each.setAttribute(mark, String(number++)); else each.removeAttribute(mark);
    if (each.tagName !== "INPUT" || each.type === "file") continue;
    if (["checkbox", "radio"].includes(each.type)) each.toggleAttribute("checked", each.checked);
    else if (each.type !== "password" && each.value) each.setAttribute("value", each.value);
  }
}"""
"""Numbers them, and writes down what fields hold, which is no part of the markup."""


@dataclass(frozen=True)
class FilledIn:
    """What is filled in and pressed, by marks."""

    typed: Mapping[str, str] = field(default_factory=dict)
    switched: Mapping[str, bool] = field(default_factory=dict)
    """Boxes and radio buttons, and whether they are on."""
    pressed: str = ""
    """Empty: Enter, in the field that was typed into last."""


class Hands(Tab):
    """A tab whose pages are numbered, and used by these numbers."""

    async def look_at(self, url: str) -> Page:
        """Go to a page and number it; raises Untestable if it cannot be loaded."""
        await self.go_to(url)
        return await self._numbered()

    async def act(self, act: FilledIn) -> Page:
        """Fill in and press, let the page come to rest and number what is there; raises Untestable."""
        from playwright.async_api import Error

        self._begin_step()
        try:
            for mark, text in act.typed.items():
                await self._page.locator(_at(mark)).fill(text, timeout=_PATIENCE)
            for mark, on in act.switched.items():
                await self._page.locator(_at(mark)).set_checked(on, force=True, timeout=_PATIENCE)
            if act.pressed:
                await self._page.locator(_at(act.pressed)).click(timeout=_PATIENCE)
            elif act.typed:
                await self._page.locator(_at(list(act.typed)[-1])).press("Enter", timeout=_PATIENCE)
        except Error as error:
            said = str(error).partition("\n")[0].partition(" at http")[0]
            raise Untestable(f"what is on the page could not be used: {said}") from None
        return await self._numbered()

    async def _numbered(self) -> Page:
        from playwright.async_api import Error

        # Nothing says when script is through: a page that stays as it is for a while has come to rest.
        page, calm = await self._rested(), 0
        for _ in range(_LONGEST_CHANGE):
            await asyncio.sleep(_LOOK)
            before, page = page, await self._rested()
            calm = calm + 1 if page.html == before.html else 0
            if calm == _CALM:
                break
        with suppress(Error):  # the page is on its way elsewhere
            await self._page.evaluate(_NUMBER, MARK)
        return await self._rested()


def _at(mark: str) -> str:
    return f'[{MARK}="{mark}"]'

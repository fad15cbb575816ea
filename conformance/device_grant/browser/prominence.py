"""How prominent the controls of a page are, as a browser computes it, and a picture of the page without its codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.async_api import Page as PlaywrightPage

PHONE, DESKTOP = (360, 640), (1280, 800)
"""CSS pixels of the windows in which pages are looked at."""
PICTURE = (390, 720)
"""The same for pictures."""
LARGEST_PICTURE = 250_000
"""Octets of one that is kept."""
_MOST = 60
"""Controls of a page that are looked at."""
_LOOKS = f"""() => {{
  const parse = (text) => {{
    const found = /^rgba?\\(([\\d.]+)[, ]+([\\d.]+)[, ]+([\\d.]+)(?:[,/ ]+([\\d.]+))?\\)$/.exec(text);
    return found ? [Number(found[1]), Number(found[2]), Number(found[3]), found[4] ? Number(found[4]) : 1] : null;
  }};
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = (colour) => {{
    const [r, g, b] = colour.map((value) => value / 255)
      .map((value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }};
  const contrast = (element) => {{
    const layers = [];
    for (let at = element; at; at = at.parentElement) {{
      const style = getComputedStyle(at), colour = parse(style.backgroundColor);
      if (style.backgroundImage !== "none" || !colour) return null;
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }}
    const back = layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
    const own = parse(getComputedStyle(element).color);
    if (!own) return null;
    const [high, low] = [light(over(own, back)), light(back)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  }};
  const kinds = "button, input[type=submit], input[type=button], input[type=image], a[href], [role=button]";
  const able = [...document.querySelectorAll(kinds + ", input, select, textarea, [tabindex]")]
    .filter((one) => !one.disabled && one.tabIndex >= 0);
  return [...document.querySelectorAll(kinds)].slice(0, {_MOST}).map((one) => {{
    const box = one.getBoundingClientRect();
    const drawn = one.checkVisibility({{checkOpacity: true, checkVisibilityCSS: true}});
    // Nobody scrolls to the left of a page or above it, and some pixels are for readers of screens alone.
    const reached = box.right + scrollX > 0 && box.bottom + scrollY > 0;
    const shown = drawn && reached && Math.min(box.width, box.height) > 5;
    return {{
      label: (one.innerText || one.value || one.getAttribute("aria-label") || one.title || one.alt
        || one.textContent.trim()).slice(0, 200),
      name: (one.name || "").slice(0, 200), value: String(one.value || "").slice(0, 200),
      shown: shown && !one.disabled, area: box.width * box.height,
      font: parseFloat(getComputedStyle(one).fontSize), contrast: contrast(one),
      near: box.bottom + scrollY <= innerHeight && box.top + scrollY >= 0,
      focused: document.activeElement === one, turn: able.indexOf(one),
    }};
  }});
}}"""
_BLANK = """([words, kept]) => {
  const plain = (text) => [...String(text).toUpperCase()].filter((c) => /[\\p{L}\\p{N}]/u.test(c)).join("");
  const wanted = words.map(plain).filter((word) => word.length > 2);
  const has = (text) => { const one = plain(text); return wanted.some((word) => one.includes(word)); };
  const blank = "brightness(0) opacity(.35) blur(14px)";
  const pressed = "button, a, label, summary, [role=button], input[type=submit], input[type=button]";
  const stays = (one) => {
    const by = one.closest(pressed);
    return by && kept.map(plain).includes(plain(by.innerText || by.value));
  };
  for (const one of kept ? document.querySelectorAll("body *") : []) {
    const small = ["IMG", "svg"].includes(one.tagName);
    if ((small || ["INPUT", "TEXTAREA", "SELECT"].includes(one.tagName)) && !stays(one))
      one.style.setProperty("filter", blank, "important");
    if (small || ["SCRIPT", "STYLE", "TEXTAREA", "SELECT", "OPTION"].includes(one.tagName) || stays(one)) continue;
    for (const text of [...one.childNodes].filter((node) => node.nodeType === 3 && node.data.trim())) {
      const veil = document.createElement("span");
      text.replaceWith(veil);
      veil.append(text);
      veil.style.setProperty("filter", blank, "important");
      veil.style.setProperty("display", "inline-block", "important");
    }
  }
  for (const one of document.querySelectorAll("body *")) {
    const picture = ["CANVAS", "IFRAME", "OBJECT", "EMBED", "VIDEO"].includes(one.tagName)
      || (one.tagName === "IMG" && one.getBoundingClientRect().width > 96)
      || (one.tagName === "svg" && one.getBoundingClientRect().width > 96);
    const typed = ["INPUT", "TEXTAREA", "SELECT"].includes(one.tagName) && has(one.value + (one.placeholder || ""));
    const inside = has(one.textContent) && ![...one.children].some((child) => has(child.textContent));
    if (picture || typed || inside) one.style.setProperty("filter", blank, "important");
  }
  return document.body ? document.body.innerText.length : 0;
}"""


@dataclass(frozen=True)
class ControlLook:
    """One button or link, as it is laid out; sizes in CSS pixels."""

    label: str
    name: str
    value: str
    shown: bool
    """Whether a person sees it and can press it."""
    area: float
    font: float
    contrast: float | None
    """Of its text to what is behind it, by the formula of WCAG 2, from 1 to 21; None: behind it is a picture."""
    near: bool
    """Whether it is seen whole without scrolling."""
    focused: bool
    """Whether it has the focus when nobody has touched anything."""
    turn: int
    """How many controls come before it in the order of the focus."""


async def look_at(page: PlaywrightPage, window: tuple[int, int]) -> list[ControlLook]:
    """The controls of the page in a window of that size; raises Error of Playwright."""
    width, height = window
    await page.set_viewport_size({"width": width, "height": height})
    looks: list[dict[str, Any]] = await page.evaluate(_LOOKS)
    return [ControlLook(**one) for one in looks]


async def picture_of(
    page: PlaywrightPage, words: Sequence[str], window: tuple[int, int], kept: Sequence[str] | None = None
) -> bytes:
    """A JPEG of what a window shows of the page, after those words and large pictures in it were made unreadable.

    Where `kept` is given nothing stays readable but the controls with these labels.
    Raises Error of Playwright. The page cannot be used after it.
    """
    width, height = window
    await page.set_viewport_size({"width": width, "height": height})
    await page.evaluate(_BLANK, [list(words), None if kept is None else list(kept)])
    return await page.screenshot(type="jpeg", quality=60, animations="disabled", timeout=10_000)

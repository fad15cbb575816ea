"""What can be seen of nonces that a server gives (RFC 9449 sections 8 and 11.3)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_grant.protocol import Exchange

SHORTEST = 8
"""Characters of a nonce below which it can be guessed whatever it is made of."""
_SYNTAX = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""NQCHAR (RFC 6749 appendix A), of which section 8.1 makes nonces."""
_STEP = 1_000
"""Between two nonces that count something."""
_FEWEST = 3
"""Different nonces that are needed to see that something is counted."""
_DAY = 86_400.0
_UNITS = (1, 1_000, 1_000_000, 1_000_000_000)
"""How often a second is counted by clocks."""
_HEADER = "dpop-nonce"


def nonce_fields(exchange: Exchange) -> tuple[str, ...]:
    """The values of all fields DPoP-Nonce of an answer."""
    headers = exchange.response.headers if exchange.response else ()
    return tuple(value for name, value in headers if name.lower() == _HEADER)


def well_formed(nonce: str) -> bool:
    """Whether it has the characters that the syntax allows, and at least one (section 8.1)."""
    return _SYNTAX.fullmatch(nonce) is not None


def pattern_in(nonces: Sequence[str], now: float) -> str:
    """By what nonces, in their order, can be foretold; empty where nothing plain shows."""
    different = list(dict.fromkeys(nonces))
    if any(len(nonce) < SHORTEST for nonce in different):
        return f"a nonce has fewer than {SHORTEST} characters"
    for base in (10, 16):
        numbers = [_number(nonce, base) for nonce in different]
        if all(number is not None and _near(number, now) for number in numbers):
            return "each nonce is a time"
    if len(different) < _FEWEST:
        return ""
    shared = next((at for at, column in enumerate(zip(*different, strict=False)) if len(set(column)) > 1), 0)
    # A digit that all happen to begin with belongs to the number.
    shared = len(different[0][:shared].rstrip("0123456789abcdefABCDEF"))
    for base in (10, 16):
        counted = [_number(nonce[shared:], base) for nonce in different]
        known = [number for number in counted if number is not None]
        if len(known) == len(counted) and _counts(known):
            return "the nonces are counted"
    return ""


def altered(nonce: str) -> str:
    """The nonce with another character in its middle; of the last one base64 may not use all bits."""
    at = len(nonce) // 2
    return f"{nonce[:at]}{'B' if nonce[at] == 'A' else 'A'}{nonce[at + 1 :]}"


def made_up(nonce: str) -> str:
    """A nonce of the same length that nobody has given."""
    letters = "ZyXwVuTsRqPoNmLkJiHgFeDcBa"
    return (letters * (len(nonce) // len(letters) + 1))[: len(nonce)]


def _number(text: str, base: int) -> int | None:
    try:
        return int(text, base) if text.isascii() and text.isalnum() else None
    except ValueError:
        return None


def _near(number: int, now: float) -> bool:
    return any(abs(number / unit - now) < _DAY for unit in _UNITS)


def _counts(numbers: Sequence[int]) -> bool:
    steps = [after - before for before, after in pairwise(numbers)]
    return all(0 < step <= _STEP for step in steps)

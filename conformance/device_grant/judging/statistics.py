"""What a sample of codes or tokens proves about guessing them: never that they are random, at times that they are not.

The figures, for values of a sample in the order of issue:

- *bits*: an upper bound of the entropy. Positions at which all values agree count nothing, but for as many as chance
  explains; every other one counts the logarithm of the alphabet, and the alphabet is the largest one that could
  plausibly show no more symbols than were seen. What is generated badly has less entropy; what is generated well
  has no more.
- *prefix*, *suffix*: characters that all values begin or end with.
- *repeated*: a value was issued twice.
- *counter*: the varying part is a number, decimal or hexadecimal, that rises or falls by small steps; of a dozen values
  and more it may be written in any letters, in their usual orders, with separators, and lowest digit first.
- *ones*: share of set bits in the varying part, for people to look at; no verdict is made from it.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

IMPLAUSIBLE = 1e-3
"""Chance below which it is not believed that symbols of the alphabet stayed unseen."""
LARGEST_ALPHABET = 256
SMALL_STEP = 1 << 16
"""Steps of a counter are smaller than this: large enough for one that counts milliseconds."""
FEWEST_FOR_A_COUNTER = 5
"""Values that must rise or fall in a row; fewer do so by chance."""
FEWEST_IN_ANY_LETTERS = 12
"""The same where the digits are not known and several orders of them are tried."""
UUID_BITS = 122.0
"""Random bits of a UUID of version 4; the bound below gives 124, since it does not know the variant's two bits."""
CONFUSABLE = (frozenset("0O"), frozenset("1I"), frozenset("1l"), frozenset("Il"))
"""Pairs that people mistake for one another (RFC 8628 section 6.1)."""


@dataclass(frozen=True)
class Sample:
    """Figures of a sample of values; see the module."""

    count: int
    shortest: int
    """Characters of the shortest value."""
    symbols: frozenset[str]
    """Every character that occurs at a varying position."""
    prefix: int
    suffix: int
    varying: int
    """Positions that are not the same in all values."""
    bits: float
    repeated: bool
    counter: bool
    ones: float

    @property
    def predictable(self) -> str:
        """What the sample proves against guessing, in stable words; empty if it proves nothing."""
        if self.repeated:
            return "a value was issued twice"
        return "the values count up or down" if self.counter else ""

    def __str__(self) -> str:
        return (
            f"{self.count} values of at least {self.shortest} characters, {self.varying} of them varying over "
            f"{len(self.symbols)} symbols: at most {self.bits:.0f} bits; shared prefix {self.prefix}, "
            f"shared suffix {self.suffix}, ones {self.ones:.0%}" + (f"; {self.predictable}" if self.predictable else "")
        )


def sample_of(values: Sequence[str]) -> Sample:
    """Figures of values in the order of issue; raises ValueError for fewer than two, which show no difference."""
    if len(values) < 2:
        raise ValueError("a sample needs two values at least")
    prefix, suffix = _shared(values)
    middles = [value[prefix : len(value) - suffix] for value in values]
    columns = _columns(middles)
    seen = [symbol for column in columns for symbol in column]
    symbols = frozenset(seen)
    shortest = min(map(len, values))
    bits = 0.0
    if symbols:
        # In a small sample random characters agree now and then, also beside an end that all values have.
        constant, by_chance = shortest - len(columns), shortest * len(symbols) ** (1.0 - len(values))
        plausible = takewhile(lambda agreeing: _at_least(agreeing, by_chance) >= IMPLAUSIBLE, range(1, constant + 1))
        free = len(columns) + sum(1 for _ in plausible)
        bits = free * math.log2(plausible_alphabet(len(symbols), len(seen)))
    octets = "".join(middles).encode()
    return Sample(
        count=len(values),
        shortest=shortest,
        symbols=symbols,
        prefix=prefix,
        suffix=suffix,
        varying=len(columns),
        bits=bits,
        repeated=len(set(values)) < len(values),
        counter=_counts(values),
        ones=sum(octet.bit_count() for octet in octets) / (8 * len(octets)) if octets else 0.0,
    )


def plausible_alphabet(seen: int, drawn: int) -> int:
    """Largest alphabet of which `drawn` random symbols plausibly show only `seen` different ones.

    The number of symbols that stay unseen is taken for Poisson-distributed.
    """
    size = max(seen, 1)
    while size < LARGEST_ALPHABET:
        expected = (size + 1) * (1 - 1 / (size + 1)) ** drawn
        if _at_least(size + 1 - seen, expected) < IMPLAUSIBLE:
            break
        size += 1
    return size


def confusable_pairs(codes: Sequence[str]) -> list[str]:
    """Pairs such as `0/O` of which both characters occur."""
    seen = frozenset("".join(codes))
    return ["/".join(sorted(pair)) for pair in CONFUSABLE if pair <= seen]


def claims_of(token: object) -> dict[str, Any] | None:
    """The claims of a JWT (RFC 7519), unverified; None for any other token."""
    if not isinstance(token, str) or token.count(".") != 2:
        return None
    header, payload, _ = token.split(".")
    decoded = [_decoded(part) for part in (header, payload)]
    if decoded[0] is None or "alg" not in decoded[0]:
        return None
    return decoded[1]


def _shared(values: Sequence[str]) -> tuple[int, int]:
    prefix = _prefix(values)
    rests = [value[prefix:][::-1] for value in values]
    return prefix, _prefix(rests)


def _prefix(values: Sequence[str]) -> int:
    # Of a sorted list the first and the last differ the earliest.
    pairs = zip(min(values), max(values), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _columns(middles: Sequence[str]) -> list[str]:
    """Characters of each varying position; where lengths differ, of as many as the shortest value has."""
    shortest = min(map(len, middles))
    columns = ["".join(middle[place] for middle in middles) for place in range(shortest)]
    return [column for column in columns if len(set(column)) > 1]


def _counts(values: Sequence[str]) -> bool:
    if len(values) < FEWEST_FOR_A_COUNTER:
        return False
    return _counts_in_digits(values) or (len(values) >= FEWEST_IN_ANY_LETTERS and _counts_in_letters(values))


def _counts_in_digits(values: Sequence[str]) -> bool:
    start = _prefix(values)
    tails = [value[start:] for value in values]
    for base in (10, 16):
        try:
            # An empty tail is a counter's zero: it is where the shared prefix swallowed all its digits.
            numbers = [int(tail or "0", base) for tail in tails]
        except ValueError:
            continue
        if _in_small_steps(numbers):
            return True
    return False


def _counts_in_letters(values: Sequence[str]) -> bool:
    """Whether these are numbers in the letters that occur, in one of the orders in which people write alphabets."""
    bare = ["".join(filter(str.isalnum, value)) for value in values]
    prefix, suffix = _shared(bare)
    middles = [value[prefix : len(value) - suffix] for value in bare]
    symbols = sorted(set().union(*middles))
    for order in (symbols, sorted(symbols, key=str.isdigit), sorted(symbols, key=str.isupper)):
        digits = {symbol: place for place, symbol in enumerate(order, 1)}
        for written in (middles, [middle[::-1] for middle in middles]):
            if _in_small_steps([_number(text, digits) for text in written]):
                return True
    return False


def _number(text: str, digits: Mapping[str, int]) -> int:
    result = 0
    for symbol in text:
        result = result * len(digits) + digits[symbol]
    return result


def _in_small_steps(numbers: Sequence[int]) -> bool:
    steps = [after - before for before, after in pairwise(numbers)]
    return all(0 < step < SMALL_STEP for step in steps) or all(-SMALL_STEP < step < 0 for step in steps)


def _at_least(count: int, expected: float) -> float:
    """Chance of at least `count` under a Poisson distribution; terms of the sum are made one from another."""
    term = below = math.exp(-expected)
    for k in range(1, count):
        term *= expected / k
        below += term
    return 1 - below if count else 1.0


def _decoded(part: str) -> dict[str, Any] | None:
    try:
        result = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return result if isinstance(result, dict) else None

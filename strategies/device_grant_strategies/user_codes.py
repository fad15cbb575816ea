"""How people type a user code (RFC 8628 section 6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

_SEPARATORS = ("", "-", " ", "  ", "\u2013", "\u2014", "_", ".", " - ")
_PADDING = ("", " ", "\t", "\n", "\u00a0")


def user_code_typings(user_code: str) -> SearchStrategy[str]:
    """Draw strings that mean the given code to a person.

    Letters in any case; the code's own separators dropped or replaced; the characters regrouped; white space around.
    A server that follows RFC 8628 section 6.1 reads each as the code. The characters and their order never change.
    Raises InvalidArgument for a code without a letter or digit.
    """
    characters = [character for character in user_code if character.isalnum()]
    if not characters:
        raise InvalidArgument(f"user_code_typings: {user_code!r} has no letter or digit")
    return _typings(user_code, characters)


@st.composite
def _typings(draw: DrawFn, user_code: str, characters: list[str]) -> str:
    if draw(st.booleans()):
        separator = draw(st.sampled_from(_SEPARATORS))
        group = draw(st.sampled_from((4, 3, 2, 1, len(characters))))
        groups = ["".join(characters[start : start + group]) for start in range(0, len(characters), group)]
        typed = separator.join(groups)
    else:
        typed = user_code
    match draw(st.sampled_from(("as-is", "lower", "upper", "mixed"))):
        case "lower":
            typed = typed.lower()
        case "upper":
            typed = typed.upper()
        case "mixed":
            flips = draw(st.integers(0, 2 ** len(typed) - 1))
            typed = "".join(letter.swapcase() if flips >> at & 1 else letter for at, letter in enumerate(typed))
    return draw(st.sampled_from(_PADDING)) + typed + draw(st.sampled_from(_PADDING))

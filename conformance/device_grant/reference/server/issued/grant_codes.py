"""Device codes and user codes: how they are drawn, and how a user code is compared with what a person has typed."""

from __future__ import annotations

import itertools
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.reference.server.faults import Faults

USER_CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Consonants: no words by accident, no confusable characters (RFC 8628 6.1)."""
USER_CODE_LENGTH = 8
_LOOK_ALIKES = str.maketrans("12568", "LZSGB")
"""Characters that no code has, and those that they are taken for."""
CONFUSABLE_ALPHABET = "aAbB0oO1lI"
"""What the fault `user_code_confusable` draws from."""
POOL = 8
"""User codes that there are under the fault `user_codes_recycled`."""


class GrantCodes:
    """Draws the codes of one server."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._counter = itertools.count(secrets.randbelow(1_000_000))
        """Only the fault `user_code_counted` counts."""
        self._pool = [_letters(USER_CODE_ALPHABET) for _ in range(POOL if faults.user_codes_recycled else 0)]

    def device_code(self) -> str:
        """A new device code."""
        if self.faults.device_code_repeated:
            return "the-one-device-code-that-everyone-is-given-here"
        if self.faults.device_code_short:
            return secrets.token_hex(3)
        return secrets.token_urlsafe(48)

    def user_code(self, lives: Callable[[str], bool], decidable: Callable[[str], bool]) -> str:
        """A user code of which `lives` is not true, the code of a grant that has not expired.

        Of a few that are used again, one of which `decidable` is not true goes before the others.
        """
        if self.faults.user_code_repeated:
            return "BCDF-GHJK"
        while True:
            code = self._drawn(decidable)
            # With four digits there may be no free code left: that fault takes what it draws.
            if not lives(code) or not self._plain_alphabet or self._pool:
                return code

    def key(self, typed: str) -> str:
        """What was typed, as codes are compared."""
        return canonical_user_code(typed) if self._plain_alphabet else typed

    @property
    def _plain_alphabet(self) -> bool:
        return not (self.faults.user_code_confusable or self.faults.user_code_short)

    def _drawn(self, decidable: Callable[[str], bool]) -> str:
        if self.faults.user_code_short:
            return f"{secrets.randbelow(10_000):04}"
        if self._pool:
            ended = [code for code in self._pool if not decidable(code)]
            return secrets.choice(ended or self._pool)
        alphabet = CONFUSABLE_ALPHABET if self.faults.user_code_confusable else USER_CODE_ALPHABET
        if self.faults.user_code_counted:
            return _counted_user_code(next(self._counter))
        return _letters(alphabet)


def canonical_user_code(typed: str) -> str:
    """What was typed, as it is compared: upper case, look-alikes replaced, and only characters that codes are made of.

    RFC 8628 6.1 suggests all three.
    """
    return "".join(character for character in typed.upper().translate(_LOOK_ALIKES) if character in USER_CODE_ALPHABET)


def _letters(alphabet: str) -> str:
    letters = "".join(secrets.choice(alphabet) for _ in range(USER_CODE_LENGTH))
    return f"{letters[:4]}-{letters[4:]}"


def _counted_user_code(number: int) -> str:
    letters = ""
    for _ in range(USER_CODE_LENGTH):
        number, digit = divmod(number, len(USER_CODE_ALPHABET))
        letters = USER_CODE_ALPHABET[digit] + letters
    return f"{letters[:4]}-{letters[4:]}"

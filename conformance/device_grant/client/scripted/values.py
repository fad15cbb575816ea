"""What the scripted server makes up: codes and tokens, by chance or, for a recording, the same ones each time."""

from __future__ import annotations

import secrets as entropy
from base64 import urlsafe_b64encode
from hashlib import shake_256

_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
_PLAIN = 8
"""Letters of a user code."""


class Values:
    """Draws values of each kind in turn. From a `seed` come the same values in every run, which therefore hide nothing.

    Such values let a recording be played to the same script again, hold no secret of anybody, and do not differ from
    one recording to the next.
    """

    def __init__(self, seed: str = "") -> None:
        self._seed = seed
        self._counts: dict[str, int] = {}

    def token(self, kind: str, octets: int = 24) -> str:
        """`DC.` and so many octets, for the kind `DC`."""
        return f"{kind}.{urlsafe_b64encode(self._octets(kind, octets)).rstrip(b'=').decode()}"

    def user_code(self) -> str:
        """Eight consonants, a dash in their middle."""
        letters = "".join(_ALPHABET[octet % len(_ALPHABET)] for octet in self._octets("user code", _PLAIN))
        return f"{letters[: _PLAIN // 2]}-{letters[_PLAIN // 2 :]}"

    def _octets(self, kind: str, number: int) -> bytes:
        if not self._seed:
            return entropy.token_bytes(number)
        count = self._counts[kind] = self._counts.get(kind, 0) + 1
        return shake_256(f"{self._seed} {kind} {count}".encode()).digest(number)

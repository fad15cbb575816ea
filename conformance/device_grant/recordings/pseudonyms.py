"""Pseudonyms that keep the form of what they stand for, so that what judges the form judges them alike.

Length, separators and kinds of characters stay; letters are drawn from those that the values of a kind have. Equal
values have equal pseudonyms, different values different ones. The key is random and never kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
import string
from typing import TYPE_CHECKING

from device_grant.protocol.redaction import disguises, forms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CLASSES = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
_SHORTEST = 4
_MOST_TRIES = 50
_JWT_PARTS = 3
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_SESSION_CLAIMS = ("jti", "sid", "nonce", "at_hash", "c_hash")
"""Claims of a JWT by which a server may find a session."""
_COMPLETE = "verification_uri_complete"
_USER_CODES = ("user_code", "mistyped_user_code", "altered user_code")


class Pseudonyms:
    """Replaces the secrets of a finished recording."""

    def __init__(self, entries: Iterable[tuple[str, str]], key: bytes | None = None) -> None:
        """`entries` are kinds and values, as `Secrets.entries` has them."""
        self._key = key or secrets.token_bytes(32)
        self._entries = list(dict.fromkeys(entries))
        self._of: dict[str, str] = {}
        self._taken: set[str] = {value for _, value in self._entries}
        self._alphabets = _alphabets(self._entries)
        self._forms: dict[str, str] = {}
        self._by_start: dict[str, set[str]] = {}
        # A token may hold other secrets, and so may an address: these come last, and are made of the others.
        for kind, value in sorted(self._entries, key=lambda entry: (_composed(*entry), -len(entry[1]))):
            self._add(kind, value)

    def of(self, value: str) -> str | None:
        """The pseudonym of a registered value."""
        return self._of.get(value)

    def stand_in(self, value: str, pseudonym: str, *, folded: bool = True) -> None:
        """Let a value, which was derived from a secret, be replaced by what was derived from its pseudonym.

        `folded`: also in the other case and without dashes, which takes it that both have dashes in the same places.
        """
        if len(value) >= _SHORTEST and value != pseudonym:
            self._learn(value, pseudonym, folded=folded, anew=True)

    def text(self, text: str) -> str:
        """The text with every secret replaced, in every encoding."""
        result = self._recognised(text)
        if not result:
            return text
        pattern = "|".join(re.escape(form) for form in result)
        return re.sub(pattern, lambda match: self._forms[match[0]], text)

    def octets(self, content: bytes) -> bytes:
        """The same for octets of any kind."""
        try:
            return self.text(content.decode("utf-8")).encode("utf-8")
        except UnicodeDecodeError:
            return self.text(content.decode("latin-1")).encode("latin-1", errors="replace")

    def tree(self, value: object) -> object:
        """The same for every string of a JSON value."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(name): self.tree(inner) for name, inner in value.items()}
            case list() | tuple():
                return [self.tree(inner) for inner in value]
            case _:
                return value

    def _add(self, kind: str, value: str) -> None:
        if value in self._of:
            return
        made = self._address(value) if kind == _COMPLETE else self._token(kind, value)
        self._of[value] = made
        self._taken.add(made)
        self._learn(value, made, folded=kind in _USER_CODES)

    def _learn(self, value: str, made: str, *, folded: bool, anew: bool = False) -> None:
        pairs = list(zip(forms(value), forms(made), strict=True))
        pairs += [pair for pair in zip(disguises(value), disguises(made), strict=True) if all(pair)]
        if folded:
            # Pages show codes, and people type them, in either case and with or without their dashes.
            for change in (str.lower, str.upper, _bare, lambda text: _bare(text).lower()):
                pairs += zip(forms(change(value)), forms(change(made)), strict=True)
        for form, stand_in in pairs:
            if len(form) >= _SHORTEST and (anew or form not in self._forms):
                self._forms[form] = stand_in
                self._by_start.setdefault(form[:_SHORTEST], set()).add(form)

    def _recognised(self, text: str) -> list[str]:
        starts = {text[at : at + _SHORTEST] for at in range(len(text))} & self._by_start.keys()
        collected = {form for start in starts for form in self._by_start[start] if form in text}
        return sorted(collected, key=lambda form: (-len(form), form))

    def _token(self, kind: str, value: str) -> str:
        made = self._jwt(value) if _JWT.fullmatch(value) else None
        if made is not None and made not in self._taken:
            return made
        for turn in range(_MOST_TRIES):
            # Of few characters there may be too few values: then any character of the class will do.
            alphabets = self._alphabets[kind] if turn < _MOST_TRIES // 2 else {}
            made = self._scrambled(value, alphabets, turn)
            if made not in self._taken:
                return made
        return made or value

    def _scrambled(self, value: str, alphabets: dict[str, str], turn: int = 0) -> str:
        stream = self._stream(value, turn)
        return "".join(_drawn(character, alphabets, next(stream)) for character in value)

    def _stream(self, value: str, turn: int) -> Iterator[int]:
        block = 0
        while True:
            message = f"{turn}:{block}:".encode() + value.encode("utf-8", errors="surrogatepass")
            yield from hmac.new(self._key, message, hashlib.sha256).digest()
            block += 1

    def _jwt(self, value: str) -> str | None:
        """A JWT that can still be read, its secrets replaced; None for what only looks like one."""
        parts = value.split(".")
        claims = _decoded(parts[1])
        if len(parts) != _JWT_PARTS or _decoded(parts[0]) is None or claims is None:
            return None
        payload_members = {
            name: self._scrambled(claim, {}) if name in _SESSION_CLAIMS and isinstance(claim, str) else self.tree(claim)
            for name, claim in claims.items()
        }
        payload = json.dumps(payload_members, separators=(",", ":")).encode()
        middle = base64.urlsafe_b64encode(payload).decode().rstrip("=")
        return ".".join((parts[0], middle, self._scrambled(parts[2], {})))

    def _address(self, value: str) -> str:
        made = self.text(value)
        if made != value:
            return made
        # It holds no code but something of its own that leads to the request: the query, or the end of the path.
        at = value.rfind("?") if "?" in value else value.rfind("/")
        head, tail = value[: at + 1], value[at + 1 :]
        return head + re.sub(
            r"(?<==)[^&=]+|^[^=&]+$", lambda match: self._scrambled(match[0], {}), tail, flags=re.MULTILINE
        )


def _composed(kind: str, value: str) -> int:
    return 2 if kind == _COMPLETE else int(_JWT.fullmatch(value) is not None)


def _alphabets(entries: Iterable[tuple[str, str]]) -> dict[str, dict[str, str]]:
    """Characters that the values of a kind have, by the class of the character."""
    seen: dict[str, set[str]] = {}
    for kind, value in entries:
        seen.setdefault(kind, set()).update(value)
    return {
        kind: {whole: "".join(sorted(characters & set(whole))) for whole in _CLASSES}
        for kind, characters in seen.items()
    }


def _drawn(character: str, alphabets: dict[str, str], number: int) -> str:
    for whole in _CLASSES:
        if character in whole:
            alphabet = alphabets.get(whole) or whole
            # Of a single character nothing could be drawn but itself.
            alphabet = alphabet if len(alphabet) > 1 else whole
            return alphabet[number % len(alphabet)]
    return character


def _bare(text: str) -> str:
    return text.replace("-", "").replace(" ", "")


def _decoded(part: str) -> dict[str, object] | None:
    try:
        result = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return result if isinstance(result, dict) else None

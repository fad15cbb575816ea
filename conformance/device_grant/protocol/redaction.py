"""Secrets are registered when they are born and replaced by value in everything that is written.

Each secret has a stable pseudonym, `<device_code 2>`, so that equal values stay visibly equal.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import threading
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote

from device_grant.protocol.ordinary import is_common, is_no_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET_MEMBERS = frozenset(
    {
        "access_token",
        "assertion",
        "client_secret",
        "code",
        "code_verifier",
        "device_code",
        "id_token",
        "identity_context",
        "refresh_token",
        "registration_access_token",
        "software_statement",
        "subject_token",
        "user_code",
        "verification_uri_complete",
    }
)
"""Canonical names of response members that are secrets while they live."""

_END = 12
"""Characters at an end of a value that make another value one that was derived from it."""
_LONG = 16
"""Length from which values are recognised by their ends."""
_READ = 1024
"""Characters at each end of a longer token that are decoded: the marks are made of the ends."""
_TOKEN = re.compile(r"(?:\\u[0-9A-Fa-f]{4}|[A-Za-z0-9_.~%+/:-])+")
_SHORTEST = 4
"""Values shorter than this are not replaced: they would turn up inside ordinary words."""
_SHORTEST_DISGUISE = 12
"""Characters of a value in disguise that no chance writes."""
_URL_SAFE = str.maketrans("+/", "-_")
_WORD = 4
"""Octets by which forms are looked up; no form is shorter."""


class Secrets:
    """The secrets that one run has seen."""

    def __init__(self) -> None:
        self._pseudonyms: dict[str, str] = {}
        self._entries: list[tuple[str, str]] = []
        self._count: dict[str, int] = {}
        self._lock = threading.RLock()
        self._alike: dict[str, str] = {}
        """Kinds by what variants of a value have in common: it without case and dashes, and its two ends."""
        self._forms: dict[str, str] = {}
        """Every form of every secret, with its pseudonym."""
        self._given: set[str] = set()
        self._by_end: dict[int, list[str]] = {}
        """The forms by their last octets: a run has thousands, many begin alike, and a text holds few of them."""

    def register(self, kind: str, value: object) -> None:
        """Remember what a peer calls a secret, for example `register("device_code", "GmRh…")`.

        Other than strings are ignored, and so are words that all know: they are none, whatever a peer makes of them.
        """
        if isinstance(value, str) and len(value) >= _SHORTEST and not is_common(value):
            self._add(kind, value, _marks(value))

    def register_given(self, kind: str, value: object) -> None:
        """Remember a secret that the user has told: it is kept, however common it is."""
        if isinstance(value, str) and len(value) >= _SHORTEST:
            self._given |= encodings(value)
            self._add(kind, value, _marks(value))

    def is_no_secret(self, form: str) -> bool:
        """Whether nobody draws such a form, and the user has not given it."""
        return form not in self._given and is_no_secret(form)

    def adopt(self, kind: str, value: str) -> None:
        """Remember what other `entries` have: somebody looked already whether it is a secret."""
        self._add(kind, value, _marks(value))

    def _add(self, kind: str, value: str, marks: list[str]) -> None:
        with self._lock:
            if value in self._pseudonyms:
                return
            self._count[kind] = self._count.get(kind, 0) + 1
            self._pseudonyms[value] = f"<{kind} {self._count[kind]}>"
            self._entries.append((kind, value))
            for mark in marks:
                self._alike.setdefault(mark, kind)
            for form in encodings(value):
                if form not in self._forms:
                    self._by_end.setdefault(_end_of(form), []).append(form)
                self._forms[form] = self._pseudonyms[value]

    def register_variants(self, text: str) -> None:
        """Register what a request makes of secrets on purpose: other case, cut, one letter changed, escaped again.

        Such values are no longer the secret, but the secret can be had back from them.
        """
        for token in set(_TOKEN.findall(text)):
            if len(token) < _SHORTEST * 2 or token in self._forms:
                continue
            kind = next(
                (self._alike[mark] for mark in _marks_of_readings(_both_ends(token)) if mark in self._alike), None
            )
            if kind is not None:
                # Without marks of its own: what was added to the secret is added to public values too.
                self._add(f"altered {kind}", token, [])

    def entries(self) -> tuple[tuple[str, str], ...]:
        """Kind and value of every secret, in the order of their birth."""
        return tuple(self._entries)

    def pseudonym(self, value: str) -> str | None:
        """The pseudonym of a registered value."""
        return self._pseudonyms.get(value)

    def redact(self, text: str) -> str:
        """The text with every registered value replaced, plain, URL-, JSON- or base64-encoded, or in a disguise."""
        for form in self._recognised(text):
            text = text.replace(form, self._forms[form])
        return text

    def leaks(self, text: str, ordinary: Callable[[str], bool] = lambda _: False) -> list[str]:
        """Pseudonyms of the secrets that a finished artefact still contains, in any of the encodings.

        Forms that are `ordinary` are passed over: the artefact may have them of its own.
        """
        return sorted({self._forms[form] for form in self._recognised(text) if not ordinary(form)})

    def _recognised(self, text: str) -> list[str]:
        """The forms that occur in the text, longest first: one that contains another must go as a whole."""
        # Only those that forms end on are kept: a set of all would cost most of the time.
        ends = set(filter(self._by_end.__contains__, _words(text)))
        collected = [form for end in ends for form in tuple(self._by_end[end]) if form in text]
        return sorted(collected, key=lambda form: (-len(form), form))


def _octets(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogatepass")


def _end_of(form: str) -> int:
    return int.from_bytes(_octets(form)[-_WORD:], sys.byteorder)


def _words(text: str) -> Iterator[int]:
    """Every four octets in a row, each as one number: slices of the text would be objects, ten times as slow."""
    octets = memoryview(_octets(text))
    ends = (start + (len(octets) - start) // _WORD * _WORD for start in range(_WORD))
    return chain.from_iterable(octets[start:end].cast("I") for start, end in enumerate(ends))


def _marks(value: str) -> list[str]:
    bare = value.casefold().replace("-", "")
    if len(value) < _LONG:
        return [bare]
    end = bare[-_END:] + "$"
    # Every address of the target begins alike, and that is no secret.
    return [bare, end] if "://" in value else [bare, "^" + bare[:_END], end]


def _both_ends(token: str) -> str:
    return token if len(token) <= 2 * _READ else token[:_READ] + token[-_READ:]


@lru_cache(maxsize=4096)
def _marks_of_readings(token: str) -> tuple[str, ...]:
    # Names of parameters, client_ids and media types come again in every request.
    return tuple(dict.fromkeys(mark for plain in dict.fromkeys(_readings(token)) for mark in _marks(plain)))


def _readings(token: str) -> list[str]:
    once = unquote(token)
    collected = [token, once, unquote(once)]
    if "\\u" in token:
        collected.append(re.sub(r"\\u([0-9A-Fa-f]{4})", lambda escape: chr(int(escape.group(1), 16)), token))
    return collected


def forms(value: str) -> list[str]:
    """The encodings in which a value turns up, always in this order: literal, URL-encoded, JSON-escaped, base64."""
    raw = value.encode("utf-8", errors="surrogatepass")
    escaped = json.dumps(value)[1:-1]
    standard, safe = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    return [
        value,
        quote(value, safe="", errors="replace"),
        quote(value, errors="replace"),
        quote_plus(value, errors="replace"),
        escaped,
        escaped.replace("/", "\\/"),
        standard,
        safe,
        standard.rstrip("="),
        safe.rstrip("="),
    ]


def disguises(value: str) -> list[str]:
    r"""Encodings that no format asks for and in which echoes have come; what is too short for a search is empty.

    Always in this order: every octet percent-encoded, every character as in `\u0041`, each in capitals and in small
    letters; hexadecimal in both; base32; backwards; base64 behind one, two or no octets of something else and before
    more of it, in both alphabets.
    """
    raw = value.encode("utf-8", errors="surrogatepass")
    units = value.encode("utf-16-be", errors="surrogatepass").hex()
    escaped = [units[at : at + 4] for at in range(0, len(units), 4)]
    digits = raw.hex()
    octets = [digits[at : at + 2] for at in range(0, len(digits), 2)]
    inner = [_inner_base64(raw, before) for before in range(3)]
    shapes = [
        "".join(f"%{octet.upper()}" for octet in octets),
        "".join(f"%{octet}" for octet in octets),
        "".join(f"\\u{unit.upper()}" for unit in escaped),
        "".join(f"\\u{unit}" for unit in escaped),
        digits.upper(),
        digits,
        base64.b32encode(raw).decode().rstrip("="),
        value[::-1] if len(value) >= _LONG else "",
        *inner,
        *(text.translate(_URL_SAFE) for text in inner),
    ]
    return [shape if len(shape) >= _SHORTEST_DISGUISE else "" for shape in shapes]


def _inner_base64(raw: bytes, before: int) -> str:
    """The base64 of what stands behind so many other octets, without the characters that depend on neighbours."""
    whole = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
    return whole[before + 1 if before else 0 : len(whole) - bool((before + len(raw)) % 3)]


def encodings(value: str) -> set[str]:
    """The forms of a value that are long enough to be looked for in a file."""
    return {form for form in (*forms(value), *disguises(value)) if len(form) >= _SHORTEST}

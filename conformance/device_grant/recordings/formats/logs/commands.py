"""A curl command as people paste it before what it printed: the request that it makes, as far as it can be read off."""

from __future__ import annotations

import re
import shlex
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from device_grant.protocol import Request

COMMAND = re.compile(r"(?:.{0,80}?[$#%\u276f>]\s+)?(?:(?:time|sudo)\s+)?curl(?:\.exe)?(?=\s)(.*)")
"""A line with a command, behind a prompt or not."""
_DATA = frozenset({"-d", "--data", "--data-ascii", "--data-raw", "--data-binary"})
_WITH_VALUE = frozenset("-AbcCDeEFhHKmoPQrtTuUwxXyYz"[1:])
"""Short options that take a value (curl's manual), beside those that are read."""
_LONG_WITH_VALUE = frozenset(
    {
        *("--output", "--user-agent", "--cookie", "--cookie-jar", "--max-time", "--connect-timeout", "--write-out"),
        *("--proxy", "--cacert", "--cert", "--key", "--retry", "--retry-delay", "--resolve", "--referer", "--range"),
        *("--trace", "--trace-ascii", "--stderr", "--dump-header", "--config", "--ciphers", "--interface", "--tls-max"),
    }
)
_READ = frozenset({"--request", "--header", "--data-urlencode", "--user", "--json", "--form", "--url", *_DATA})
_NAMES = {"-X": "--request", "-H": "--header", "-u": "--user", "-F": "--form", "-d": "--data"}
_UNKNOWN = re.compile(r"[$`]|^@")
"""What the shell or curl puts something else for."""


@dataclass
class CurlCommand:
    """What one command asks for."""

    url: str = ""
    method: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    unknown: bool = False
    """Whether its body is not, or not wholly, in its words: a variable, a file, a form of several parts."""

    @property
    def content(self) -> bytes:
        """The body that it sends."""
        return "&".join(self.data).encode()

    def request(self) -> Request:
        """The request that it makes, with the fields that curl adds by itself and a body needs."""
        method = self.method or ("POST" if self.data or self.unknown else "GET")
        headers = list(self.headers)
        if self.data and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        return Request(method, self.url, tuple(headers), b"" if self.unknown else self.content)


def command_of(text: str) -> CurlCommand | None:
    """The command behind the word `curl`; None: it has no URL, or quotes that do not end."""
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    result = CurlCommand()
    for name, value in _options(words):
        _take(result, name, value)
    if result.url and "://" not in result.url:
        result.url = f"http://{result.url}"
    return result if result.url else None


def _take(result: CurlCommand, name: str, value: str) -> None:
    match name:
        case "--request":
            result.method = value.upper()
        case "--header":
            header, _, rest = value.partition(":")
            result.headers.append((header.strip(), rest.strip()))
        case "--data-urlencode":
            key, equals, rest = value.partition("=")
            result.data.append(f"{key}={quote_plus(rest)}" if equals and key else quote_plus(rest or key))
            result.unknown |= bool(_UNKNOWN.search(value)) or "@" in key
        case "--json":
            result.data.append(value)
            result.headers += [("Content-Type", "application/json"), ("Accept", "application/json")]
            result.unknown |= bool(_UNKNOWN.search(value))
        case "--user":
            result.headers.append(("Authorization", f"Basic {b64encode(value.encode()).decode()}"))
        case "--form":
            result.unknown = True
        case "--url":
            result.url = result.url or value
        case _ if name in _DATA:
            result.data.append(value)
            result.unknown |= bool(_UNKNOWN.search(value))


def _options(words: list[str]) -> list[tuple[str, str]]:
    """Each option that is read, by its long name, with its value; what is none is the URL."""
    collected: list[tuple[str, str]] = []
    rest = iter(words)
    for word in rest:
        if word in ("|", ">", "2>", "2>&1", "&&", ";", "||"):
            break
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            if name in _READ:
                collected.append((name, value if equals else next(rest, "")))
            elif name in _LONG_WITH_VALUE and not equals:
                next(rest, "")
        elif word.startswith("-") and len(word) > 1:
            collected += _short(word, rest)
        elif "/" in word or "." in word or ":" in word or word == "localhost":
            collected.append(("--url", word))
    return collected


def _short(word: str, rest: object) -> list[tuple[str, str]]:
    """Short options, which may stand together: `-sSd a=b`, `-XPOST`."""
    for place, letter in enumerate(word[1:], 1):
        name = _NAMES.get(f"-{letter}", "")
        if name or letter in _WITH_VALUE:
            value = word[place + 1 :] or next(rest, "")  # type: ignore[call-overload]  # an iterator of words
            return [(name, value)] if name else []
    return []

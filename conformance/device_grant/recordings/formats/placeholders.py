"""What people and recorders put in the place of a value that nobody should see: it says nothing of its sender."""

from __future__ import annotations

import re

_WORDS = (
    r"redacted|filtered|removed|masked|hidden|scrubbed|omitted|saniti[sz]ed|placeholder|secret|dummy|fake|binary data"
)
_PUT_THERE = re.compile(
    rf"\W*(?:(?:{_WORDS})(?:[ _-]?[A-Za-z0-9]{{1,20}}){{0,3}}|[A-Za-z]{{1,20}}[ _-](?:{_WORDS})|[*xX.…•-]+)\W*"
    r"|\{\{[^{}]{1,100}\}\}|\$\{[^{}]{1,100}\}|\$[A-Z][A-Z0-9_]{1,60}|%[A-Z][A-Z0-9_]{1,60}%"
    r"|<[A-Za-z][A-Za-z0-9 _.-]{0,60}>|\[[A-Za-z][A-Za-z0-9 _.-]{0,60}\]|your[-_ ][A-Za-z0-9 _-]{1,60}"
    r"|[{(]?0{8}-0{4}-0{4}-0{4}-0{12}[)}]?",
    re.IGNORECASE,
)
_LONGEST = 200
_SCHEME = re.compile(r"(?:https?://|Basic |Bearer )", re.IGNORECASE)


def is_put_there(value: object) -> bool:
    """Whether a value stands for one that somebody took out: `REDACTED`, `Sanitized`, `***`, `{{token}}`, `<code>`."""
    if not isinstance(value, str) or not value or len(value) > _LONGEST:
        return False
    return bool(_PUT_THERE.fullmatch(_SCHEME.sub("", value, count=1).strip() or value))


def is_all_put_there(body: bytes) -> bool:
    """Whether this is so of a whole body."""
    return bool(body) and len(body) <= _LONGEST and is_put_there(body.decode("utf-8", errors="replace").strip())

"""What `curl --trace` and `--trace-ascii` write, as the lines that `curl -v` would have written, bodies included."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from device_grant.recordings.formats.messages import Message, start_of

SECTION = re.compile(r"(?:(\d\d:\d\d:\d\d\.\d{1,6}) )?(=>|<=|==) (Send|Recv|Info)(?::? ?)(.*)")
_DUMP = re.compile(r"([0-9a-f]{4,8}): (.*)")
_HEX = re.compile(r"((?:[0-9a-f]{2} ){1,16}) *(?:.{0,16})")
_CRLF = 2


@dataclass
class _Section:
    at: str
    sent: bool
    kind: str
    """`header` or `data`."""
    pieces: list[tuple[int, str]] = field(default_factory=list)
    """Offset and text of each line."""

    @property
    def octets(self) -> bytes:
        texts = [text for _, text in self.pieces]
        columns = [_HEX.fullmatch(f"{text} ") or _HEX.match(text) for text in texts]
        if texts and all(one and len(one[1]) >= min(len(text), 3) for one, text in zip(columns, texts, strict=True)):
            joined = "".join(one[1] for one in columns if one)
            return bytes.fromhex(joined)
        collected = ""
        for place, (offset, text) in enumerate(self.pieces):
            collected += text
            if place + 1 < len(self.pieces) and self.pieces[place + 1][0] - offset - len(text.encode()) == _CRLF:
                collected += "\r\n"
        return collected.encode()


def messages_of(text: str) -> list[tuple[Message, str]]:
    """The messages, with the time of day at which each began; empty: none is said."""
    result: list[tuple[Message, str]] = []
    section: _Section | None = None
    sections: list[_Section] = []
    for line in text.splitlines():
        begun = SECTION.fullmatch(line)
        if begun:
            kind = "data" if "data" in begun[4] else "header" if "header" in begun[4] else ""
            section = _Section(begun[1] or "", begun[3] == "Send", kind) if kind and "SSL" not in begun[4] else None
            if section is not None:
                sections.append(section)
            continue
        dumped = _DUMP.fullmatch(line.rstrip("\r"))
        if dumped and section is not None:
            section.pieces.append((int(dumped[1], 16), dumped[2]))
    for one in sections:
        _taken(one, result)
    return result


def _taken(section: _Section, result: list[tuple[Message, str]]) -> None:
    octets = section.octets
    if section.kind == "data":
        last = result[-1][0] if result else None
        if last is not None and bool(last.method) == section.sent:
            last.octets = (last.octets or b"") + octets
        return
    for line in octets.decode("utf-8", errors="replace").split("\r\n"):
        begun = start_of(line)
        if begun is not None:
            result.append((begun, section.at))
        elif line and result and bool(result[-1][0].method) == section.sent:
            result[-1][0].add(line)

"""Data of a YAML file (1.1, as PyYAML reads it), within bounds: what is built from events grows no faster than counts.

Times are texts here, as they are in JSON. A key that comes twice is refused, and so is an alias that stands for more
than the bounds allow.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from device_grant.files.json_text import LARGEST, SMALLEST
from device_grant.files.octets import UnreadableFileError, place, utf8_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.files.bounds import Bounds

_TAG = "tag:yaml.org,2002:"
_TEXTS = frozenset({"!", *(_TAG + name for name in ("str", "timestamp", "value", "python/str", "python/unicode"))})
"""What is a text: times, which JSON has not either, and the words of Python 2."""
_BINARY = frozenset({_TAG + "binary", "!binary"})
"""The second one is how Ruby says it."""
_RESOLVERS: Any = yaml.CSafeLoader.yaml_implicit_resolvers
_CONSTRUCTORS: Any = SafeConstructor.yaml_constructors
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_LONGEST_NUMBER = 400
_MERGE = object()
"""The key `<<`."""
_ABSENT = object()


@dataclass
class _Frame:
    """A list or mapping whose end has not come."""

    data: Any
    mark: Any
    anchor: str | None
    weight: int = 1
    octets: int = 0
    key: Any = _ABSENT
    merged: list[dict[Any, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class _Anchored:
    data: Any
    weight: int
    octets: int


def yaml_of(octets: bytes, where: object, bounds: Bounds, cure: str = "was it cut off or edited?") -> Any:
    """The data of the only document in a YAML text in UTF-8; None for an empty one.

    Raises UnreadableFileError naming line and column.
    """
    octets = utf8_of(octets, where)
    return _Builder(where, bounds).built(_events(octets, where, cure))


def _events(octets: bytes, where: object, cure: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(octets, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        at = f" in {_place(error.problem_mark)}" if error.problem_mark else ""
        raise UnreadableFileError(f"{where}: not YAML{at} ({error.problem or error.context}): {cure}") from None
    except yaml.YAMLError as error:
        # Of the reader below the parser: a character that YAML has not.
        said = getattr(error, "reason", None) or str(error)
        at = ""
        offset = getattr(error, "position", None)
        if isinstance(offset, int):
            at = f" in {place(octets, offset)}"
        raise UnreadableFileError(f"{where}: not YAML{at} ({said}): {cure}") from None


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


class _Builder:
    def __init__(self, where: object, bounds: Bounds) -> None:
        self._where = where
        self._bounds = bounds
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Anchored] = {}
        self._weight = 0
        self._octets = 0
        self._result: Any = None
        self._constructor = SafeConstructor()

    def built(self, events: Iterator[yaml.Event]) -> Any:
        documents = 0
        for event in events:
            match event:
                case ScalarEvent():
                    self._scalar(event)
                case MappingStartEvent() | SequenceStartEvent():
                    self._open(event)
                case MappingEndEvent() | SequenceEndEvent():
                    self._close()
                case AliasEvent():
                    self._alias(event)
                case DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        raise self._wrong("a second document", event.start_mark, "give one file for each")
                case _:
                    pass
        return self._result

    def _wrong(self, what: str, mark: Any, cure: str = "put it right") -> UnreadableFileError:
        return UnreadableFileError(f"{self._where}: {what} in {_place(mark)}: {cure}")

    def _scalar(self, event: ScalarEvent) -> None:
        value: Any = event.value
        if event.tag is None or event.implicit[0]:
            if event.implicit[0]:
                value = self._plain(event)
        elif event.tag in _BINARY:
            value = self._binary(event)
        elif event.tag not in _TEXTS:
            value = self._tagged(event, str(event.tag))
        octets = len(value) if isinstance(value, str | bytes) else 0
        self._count(1, 0, event.start_mark)
        self._place(value, event.start_mark, 1, octets)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, 1, octets)

    def _plain(self, event: Any) -> Any:
        """What a word without quotes stands for."""
        word = event.value
        for tag, pattern in _RESOLVERS.get(word[:1], ()):
            if pattern.match(word):
                return self._tagged(event, tag)
        return word

    def _tagged(self, event: Any, tag: str) -> Any:
        word = event.value
        if tag in _TEXTS:
            return word
        if tag == _TAG + "merge":
            return _MERGE
        if tag == _TAG + "null":
            return None
        if len(word) > _LONGEST_NUMBER and tag in (_TAG + "int", _TAG + "float"):
            raise self._wrong(f"a number of {len(word)} characters", event.start_mark, "put it in quotes")
        if tag == _TAG + "int" and _INTEGER.fullmatch(word):
            value: Any = int(word)
        else:
            construct = _CONSTRUCTORS.get(tag) if tag.startswith(_TAG) else None
            if construct is None or tag.removeprefix(_TAG) not in ("bool", "int", "float"):
                raise self._wrong(f"the tag {tag.replace(_TAG, '!!')}", event.start_mark, "no file read here has it")
            try:
                value = construct(self._constructor, yaml.ScalarNode(tag, word))
            except (ConstructorError, ValueError, KeyError, IndexError, OverflowError):
                raise self._wrong(f"{word[:40]!r}, which is no {tag.removeprefix(_TAG)},", event.start_mark) from None
        if type(value) is int and not SMALLEST <= value <= LARGEST:
            raise self._wrong("a number beyond 64 bits", event.start_mark, "put it in quotes")
        return value

    def _binary(self, event: ScalarEvent) -> bytes:
        try:
            return base64.b64decode("".join(event.value.split()), validate=True)
        except (binascii.Error, ValueError):
            raise self._wrong("octets that are not base64", event.start_mark) from None

    def _open(self, event: Any) -> None:
        mapping = isinstance(event, MappingStartEvent)
        usual = (_TAG + "map",) if mapping else (_TAG + "seq", _TAG + "python/tuple")
        if event.tag not in (None, "!", *usual) and not event.implicit:
            raise self._wrong(f"the tag {event.tag.replace(_TAG, '!!')}", event.start_mark, "no file read here has it")
        if self._stack and isinstance(self._stack[-1].data, dict) and self._stack[-1].key is _ABSENT:
            raise self._wrong("a list or mapping as a key", event.start_mark, "a key is a word")
        if len(self._stack) >= self._bounds.depth:
            said = f"at most {self._bounds.depth} lists and mappings in each other are read"
            raise UnreadableFileError(f"{self._where}: nested too deeply in {_place(event.start_mark)}: {said}")
        self._stack.append(_Frame({} if mapping else [], event.start_mark, event.anchor))
        if event.anchor is not None:
            # Until it is complete nothing may stand for it.
            self._anchors.pop(event.anchor, None)

    def _close(self) -> None:
        frame = self._stack.pop()
        for merged in frame.merged:
            frame.data = {**merged, **frame.data}
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchored(frame.data, frame.weight, frame.octets)
        # What is in it has been counted already.
        self._count(1, 0, frame.mark)
        self._place(frame.data, frame.mark, frame.weight, frame.octets)

    def _alias(self, event: AliasEvent) -> None:
        name = str(event.anchor)
        anchored = self._anchors.get(name)
        if anchored is None:
            raise self._wrong(f"an alias for {name[:40]}, which is not there", event.start_mark)
        self._count(anchored.weight, anchored.octets, event.start_mark)
        self._place(anchored.data, event.start_mark, anchored.weight, anchored.octets)

    def _count(self, weight: int, octets: int, mark: Any) -> None:
        """Count what comes; the octets of texts where an alias stands for them, since others are those of the file."""
        self._weight += weight
        self._octets += octets
        if self._weight > self._bounds.values or self._octets > self._bounds.octets:
            what = f"more than {self._bounds.values} values, or {self._bounds.size} of text by aliases,"
            raise self._wrong(what, mark, "that is all that is read; give a smaller file")

    def _place(self, value: Any, mark: Any, weight: int, octets: int) -> None:
        """Put a value where it belongs, with what it weighs and what texts it holds."""
        if not self._stack:
            self._result = value if value is not _MERGE else "<<"
            return
        frame = self._stack[-1]
        frame.weight += weight
        frame.octets += octets
        if isinstance(frame.data, list):
            frame.data.append(value if value is not _MERGE else "<<")
        elif frame.key is _ABSENT:
            if isinstance(value, list | dict):
                raise self._wrong("a list or mapping as a key", mark, "a key is a word")
            if value is not _MERGE and value in frame.data:
                raise self._wrong(f"the key {str(value)[:40]!r} a second time", mark, "keep one")
            frame.key = value
        else:
            key, frame.key = frame.key, _ABSENT
            if key is _MERGE:
                frame.merged += self._mappings(value, mark)
            else:
                frame.data[key] = value if value is not _MERGE else "<<"

    def _mappings(self, value: Any, mark: Any) -> list[dict[Any, Any]]:
        """What a key `<<` merges: the first of several counts."""
        listed = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in listed):
            raise self._wrong("a key << without a mapping", mark, "it merges what an alias stands for")
        return listed

"""Reads the catalogue: one YAML file a source, each a head and its requirements, and rejects what contradicts itself.

Values are read as text, whatever YAML would make of them, so that section `3.10` stays what was written.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import yaml

from device_grant.catalogue.model import DIALECTS, Level, Party, Requirement, Status
from device_grant.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping
    from importlib.resources.abc import Traversable

TAGS: Final = ("security",)
"""Values of `tags`. A misspelt tag would publish what is to be withheld, so unknown ones are refused."""

BROKEN: Final = ("fail", "warn", "observed")
"""Values of `broken`."""

FILLED_IN: Final = ("source", "url")
"""Fields of Requirement that come from the head of the file and cannot be written in an entry."""

_FIELDS: Final = tuple(name for name in Requirement.__struct_encode_fields__ if name not in FILLED_IN)
REPORT: Final = r"https://[^\s/]+/\S+"
"""What a member of `seen_in` looks like: an address that can be opened, never the name of a product alone."""

_ID: Final = re.compile(r"[A-Za-z0-9.-]+")
# PyYAML without libyaml lacks the C loader; the slow one reads the same.
_LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class SourceHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a catalogue file says about its source before it lists the requirements."""

    source: str
    """Name of the document, for example `RFC 8628`."""
    title: str
    url: str
    """Link to a section: `{section}` is replaced by the entry's section, `{anchor}` by the RFC Editor's fragment."""
    dialects: tuple[str, ...]
    """Dialects in which the requirements apply, where an entry does not list its own."""
    notes: str = ""
    links: dict[str, str] = {}
    """Links of sections that `url` does not lead to."""


@dataclass(frozen=True)
class Source:
    """One source document of the catalogue."""

    name: str
    title: str
    file: str
    """Name of the file in the catalogue's folder."""
    notes: str = ""


@dataclass(frozen=True)
class Catalogue:
    """All requirements, in the order of the files' names and of the entries in each file."""

    requirements: tuple[Requirement, ...]
    sources: tuple[Source, ...]
    revision: str
    """First 12 hexadecimal digits of a SHA-256 over all files."""
    _by_id: Mapping[str, Requirement] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {requirement.id: requirement for requirement in self.requirements})

    def get(self, id: str) -> Requirement:  # noqa: A002 - the field is called so in every format of the project
        """Return the requirement of that id; raises UsageError, which names the closest ids."""
        try:
            return self._by_id[id]
        except KeyError:
            raise UsageError(f"unknown requirement {id!r}: {self._hint(id)}") from None

    def select(self, patterns: Iterable[str]) -> tuple[Requirement, ...]:
        """Return the requirements that any id or glob names (`rfc8628-3.5-*`), in the catalogue's order.

        Raises UsageError for a pattern that matches nothing.
        """
        patterns = (patterns,) if isinstance(patterns, str) else tuple(patterns)
        chosen: set[str] = set()
        for pattern in patterns:
            matches = {id_ for id_ in self._by_id if fnmatchcase(id_, pattern)}
            if not matches:
                raise UsageError(f"no requirement matches {pattern!r}: {self._hint(pattern)}")
            chosen |= matches
        return tuple(requirement for requirement in self.requirements if requirement.id in chosen)

    def status(self, requirement: Requirement, tested_ids: Container[str]) -> Status:
        """Excluded if its entry says so, tested if a check names it, open otherwise."""
        if requirement.excluded:
            return Status.EXCLUDED
        return Status.TESTED if requirement.id in tested_ids else Status.OPEN

    def check_references(self, checks: Mapping[str, Iterable[str]]) -> None:
        """Compare the ids that checks name, by check, with the catalogue.

        Raises UsageError for an unknown id and for one that is excluded from testing.
        """
        for check, ids in checks.items():
            for id_ in ids:
                requirement = self._by_id.get(id_)
                if requirement is None:
                    raise UsageError(f"check {check} names the unknown requirement {id_!r}: {self._hint(id_)}")
                if requirement.excluded:
                    raise UsageError(
                        f"check {check} tests {id_}, which the catalogue excludes ({requirement.excluded}): "
                        "drop `excluded` from the entry, or the id from the check"
                    )

    def _hint(self, id_: str) -> str:
        close = difflib.get_close_matches(id_, self._by_id, n=3, cutoff=0.75)
        return f"did you mean {' or '.join(close)}?" if close else "`device-grant list --ids --party all` shows all ids"


def load(folder: Traversable | None = None) -> Catalogue:
    """Read the catalogue of the package, once, or that of another folder (a Path or any other Traversable).

    Raises UsageError with file, line and id for anything that is wrong in it.
    """
    return _packaged() if folder is None else _read(folder)


@cache
def _packaged() -> Catalogue:
    folder: Traversable = Path(__file__).parent
    if not folder.is_dir():
        from importlib import resources  # only for a package in an archive: importing it takes longer than reading

        folder = resources.files("device_grant.catalogue")
    return _read(folder)


def _read(folder: Traversable) -> Catalogue:
    if not folder.is_dir():
        raise UsageError(f"catalogue {folder}: not a folder; give the folder that holds the YAML files")
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".yaml")), key=lambda entry: entry.name)
    if not files:
        raise UsageError(f"catalogue {folder}: there is no .yaml file in it")
    digest = hashlib.sha256()
    sources: list[Source] = []
    requirements: list[Requirement] = []
    file_of: dict[str, str] = {}
    for file in files:
        data = file.read_bytes()
        digest.update(file.name.encode() + b"\0" + data)
        source, entries = _file(file.name, data)
        sources.append(source)
        for requirement in entries:
            first = file_of.setdefault(requirement.id, file.name)
            if first != file.name:
                raise UsageError(f"{file.name}: {requirement.id} is already in {first}: ids are unique; rename one")
        requirements += entries
    return Catalogue(tuple(requirements), tuple(sources), digest.hexdigest()[:12])


def _file(name: str, data: bytes) -> tuple[Source, list[Requirement]]:
    try:
        root = yaml.compose(data.decode(), Loader=_LOADER)
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: not UTF-8 (octet {error.start}): save the file as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{name}, line {line}: bad YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{name}: bad YAML: {' '.join(str(error).split())}") from None
    if not isinstance(root, yaml.MappingNode):
        raise UsageError(f"{name}: expected a mapping with source, title, url and requirements")
    listed = next((value for key, value in root.value if key.value == "requirements"), None)
    if not isinstance(listed, yaml.SequenceNode) or not listed.value:
        raise UsageError(f"{name}: `requirements` must be a list with at least one entry")
    plain = _plain(root, name, skip=listed)
    plain.pop("requirements")
    try:
        head = msgspec.convert(plain, SourceHead)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name}: in the head: {error}") from None
    _dialects(f"{name}: in the head", head.dialects)
    unknown = set(re.findall(r"\{[^}]*\}", head.url)) - {"{section}", "{anchor}"}
    if unknown:
        raise UsageError(f"{name}: `url` has {', '.join(sorted(unknown))}: only {{section}} and {{anchor}} are known")
    seen: dict[str, int] = {}
    entries: list[Requirement] = []
    for node in listed.value:
        requirement = _entry(node, name, head)
        line = node.start_mark.line + 1
        first = seen.setdefault(requirement.id, line)
        if first != line:
            raise UsageError(f"{name}, line {line}: {requirement.id} is already in {name}, line {first}: rename one")
        entries.append(requirement)
    return Source(head.source, head.title, name, head.notes), entries


def _plain(node: yaml.Node, name: str, skip: yaml.Node | None = None) -> Any:
    """Strings, lists and dicts of a node; a key that comes twice is refused, which YAML itself only asks for."""
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if node is skip:
        return None
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, name) for item in node.value]
    result: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise UsageError(f"{name}, line {key.start_mark.line + 1}: a key must be a word")
        if key.value in result:
            raise UsageError(f"{name}, line {key.start_mark.line + 1}: `{key.value}` is given twice")
        result[key.value] = _plain(value, name, skip)
    return result


def _entry(node: yaml.Node, name: str, head: SourceHead) -> Requirement:
    where = f"{name}, line {node.start_mark.line + 1}"
    entry = _plain(node, name)
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: an entry must be a mapping that begins with `id`")
    if not entry.get("id"):
        raise UsageError(f"{where}: entry without an id")
    where = f"{where}: {entry['id']}"
    for member in entry:
        if member not in _FIELDS:
            raise UsageError(f"{where}: unknown field {member!r}{_closest(member)}")
    _one_of(where, "level", entry.get("level"), [level.value for level in Level])
    _one_of(where, "party", entry.get("party"), [party.value for party in Party])
    filled = {"dialects": head.dialects} | entry | {"source": head.source, "url": _link(head, entry.get("section", ""))}
    try:
        requirement = msgspec.convert(filled, Requirement)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {error}") from None
    _examine(requirement, where)
    return requirement


def _examine(requirement: Requirement, where: str) -> None:
    """Refuse what the types let through."""
    if not _ID.fullmatch(requirement.id):
        raise UsageError(f"{where}: an id has only letters, digits, dots and hyphens, so that globs and links work")
    if not requirement.statement.strip() or not requirement.section:
        raise UsageError(f"{where}: `statement` and `section` must not be empty")
    _dialects(where, requirement.dialects)
    for tag in requirement.tags:
        _one_of(where, "tag", tag, TAGS)
    for address in requirement.seen_in:
        if not re.fullmatch(REPORT, address):
            raise UsageError(f"{where}: `seen_in` has {address!r}: give the https address of a public report")
    if len(set(requirement.seen_in)) < len(requirement.seen_in):
        raise UsageError(f"{where}: `seen_in` names a report twice: once is enough")
    if requirement.level is Level.IMPLIED:
        _one_of(where, "broken", requirement.broken or None, BROKEN)
    elif requirement.broken:
        raise UsageError(f"{where}: `broken` is for IMPLIED entries; {requirement.level} already decides the verdict")


def _dialects(where: str, listed: tuple[str, ...]) -> None:
    if not listed:
        raise UsageError(f"{where}: `dialects` is empty: list those it applies to, of {', '.join(DIALECTS)}")
    for dialect in listed:
        _one_of(where, "dialect", dialect, DIALECTS)


def _one_of(where: str, member: str, value: object, known: Iterable[str]) -> None:
    known = tuple(known)
    if value is None:
        raise UsageError(f"{where}: `{member}` is missing: choose one of {', '.join(known)}")
    if value not in known:
        raise UsageError(f"{where}: unknown {member} {value!r}: choose one of {', '.join(known)}")


def _closest(word: str) -> str:
    close = difflib.get_close_matches(word, _FIELDS, n=1)
    return f": did you mean {close[0]!r}?" if close else f": known are {', '.join(_FIELDS)}"


def _link(head: SourceHead, section: object) -> str:
    text = str(section)
    # Sections of RFCs begin with a digit, appendices with a letter; the RFC Editor's pages name them accordingly.
    anchor = f"section-{text}" if text[:1].isdigit() else f"appendix-{text}"
    return head.links.get(text) or head.url.replace("{section}", text).replace("{anchor}", anchor)

"""What a mutation run came to: mutmut's records, joined with the reasons for which survivors may live."""

from __future__ import annotations

import ast
import contextlib
import difflib
import json
import tomllib
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SOURCES = Path("conformance")
REFERENCE = Path("device_grant/reference/server")
_STATUS = {0: "survived", 1: "killed", 3: "killed", 33: "survived", 36: "timeout", -24: "timeout", 24: "timeout"}
_UNTRIED = "untried"
_EQUIVALENT = "equivalent"
ALLOWED = (_EQUIVALENT, "latitude", "tuning", "page")
"""Kinds of survivors that no text forbids: a check that noticed one would accuse honest servers."""
TEXT = "text"
"""Kind of the changes to what is said to people: no protocol logic, left out whether noticed or not."""


@dataclass(frozen=True)
class Survivor:
    """A mutant that no check noticed."""

    mutant: str
    place: str
    """File and line of the source that people read, with its faults."""
    status: str
    diff: tuple[str, ...]
    """The lines that went and the lines that came."""
    kind: str
    """`equivalent`, `tuning`, `text` … as survivors.toml says; empty: nobody has looked at it."""
    why: str


@dataclass
class Outcome:
    """The figures."""

    counts: Mapping[str, int]
    """Mutants by what became of them."""
    survivors: list[Survivor]
    unexecuted: dict[str, list[int]]
    """Lines of the folded sources' originals that no check makes the server run."""
    unused: list[str] = field(default_factory=list)
    """Entries of survivors.toml that no survivor needs any more."""
    untried: int = 0
    """Mutants that were left out: of a quick run those that a text allows, of an interrupted one all that are left."""

    @property
    def total(self) -> int:
        """Mutants that were tried, those of texts aside."""
        return sum(self.counts.values()) - self.counts.get(TEXT, 0)

    @property
    def equivalent(self) -> int:
        """Survivors that behave like the original."""
        return sum(survivor.kind == _EQUIVALENT for survivor in self.survivors)

    @property
    def allowed(self) -> int:
        """Survivors that are as conformant as the original."""
        return sum(survivor.kind in ALLOWED for survivor in self.survivors)

    @property
    def score(self) -> float:
        """Per cent of the mutants that a text forbids and that were noticed; a hang is noticed."""
        return 100 * self.noticed / max(1, self.total - self.allowed)

    @property
    def score_of_all(self) -> float:
        """Per cent of the mutants that differ from the original in any way and were noticed."""
        return 100 * self.noticed / max(1, self.total - self.equivalent)

    @property
    def noticed(self) -> int:
        """Mutants that some check noticed, those that never end among them."""
        return self.counts.get("killed", 0) + self.counts.get("timeout", 0)

    def summary(self) -> str:
        """The figures in two lines."""
        left = len(self.survivors)
        kinds = Counter(survivor.kind or "unexplained" for survivor in self.survivors)
        description = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
        figures = (
            f"{self.total} mutants: {self.counts.get('killed', 0)} killed, {self.counts.get('timeout', 0)} timed out, "
            f"{left} survived ({description or 'none'}){self._odd()}\n"
            f"{self.score:.1f} % of the {self.total - self.allowed} that a text forbids were noticed"
        )
        if self.untried:
            return f"{figures}; {self.untried} were not tried"
        return (
            f"{figures}, {self.score_of_all:.1f} % of the {self.total - self.equivalent} that behave differently at all"
        )

    def _odd(self) -> str:
        rest = self.total - self.noticed - self.counts.get("survived", 0)
        texts = self.counts.get(TEXT, 0)
        undecided = f", {rest} not decided" if rest else ""
        return undecided + (f"; {texts} of texts left out" if texts else "")

    def as_json(self) -> dict[str, Any]:
        """For build/mutation.json."""
        return {
            "total": self.total,
            "killed": self.counts.get("killed", 0),
            "timeout": self.counts.get("timeout", 0),
            "survived": len(self.survivors),
            "equivalent": self.equivalent,
            "untried": self.untried,
            "texts_left_out": self.counts.get(TEXT, 0),
            "allowed": self.allowed,
            "score": round(self.score, 2),
            "score_of_all": round(self.score_of_all, 2),
            "survivors": [asdict(survivor) for survivor in self.survivors],
            "unexecuted": self.unexecuted,
            "unused_reasons": self.unused,
        }


def read_outcome(work: Path, root: Path, reasons: Path) -> Outcome:
    """Read mutmut's records in `work`; raises FileNotFoundError if there was no run."""
    reasons_given = Reasons(tomllib.loads(reasons.read_text())["survivor"])
    counts: Counter[str] = Counter()
    survivors: list[Survivor] = []
    with contextlib.chdir(work):
        mutants = list(_mutants())
    untried = [mutant for mutant in mutants if mutant.status == _UNTRIED]
    for mutant in mutants:
        if mutant.status == _UNTRIED:
            continue
        reason = reasons_given.of(mutant)
        if reason is not None and reason["kind"] == TEXT:
            counts[TEXT] += 1
            continue
        counts[mutant.status] += 1
        if mutant.status not in ("killed", "timeout"):
            kind, why = (reason["kind"], reason["why"]) if reason else ("", "")
            place = _place(work, root, mutant)
            survivors.append(Survivor(mutant.name, place, mutant.status, mutant.diff, kind, why))
    survivors.sort(key=lambda one: (one.place.partition(":")[0], int(one.place.rpartition(":")[2])))
    # What was not tried may need its reason.
    unused = [] if untried else reasons_given.unused()
    return Outcome(counts, survivors, _unexecuted(work, root), unused, len(untried))


@dataclass(frozen=True)
class Mutant:
    """One mutant that was tried."""

    name: str
    file: Path
    """Relative to the root, as are its names in the records."""
    function: str
    """With its class: `Store.decide`."""
    status: str
    diff: tuple[str, ...]
    """The lines that went and the lines that came, with their sign."""

    def changed(self, sign: str) -> str:
        """The first line that went (`-`) or came (`+`)."""
        return next((line[1:] for line in self.diff if line.startswith(sign)), "")


def worth_trying(work: Path, reasons: Path) -> list[str]:
    """Names of the mutants of which `reasons` does not say that a text allows them, or that nobody could tell."""
    given = Reasons(tomllib.loads(reasons.read_text())["survivor"])
    with contextlib.chdir(work):
        explained = [(mutant, given.of(mutant)) for mutant in _mutants()]
    return [mutant.name for mutant, why in explained if why is None or why["kind"] not in (*ALLOWED, TEXT)]


def _mutants() -> Iterator[Mutant]:
    # The only part of mutmut that is used from within: `mutmut show` takes half a second a mutant.
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    for meta in sorted((Path("mutants") / REFERENCE).rglob("*.py.meta")):
        file = meta.relative_to("mutants").with_suffix("")
        for name, code in json.loads(meta.read_text())["exit_code_by_key"].items():
            shown = get_diff_for_mutant(name, path=file).splitlines()
            start = next(number for number, line in enumerate(shown) if line.startswith("@@"))
            diff = tuple(line for line in shown[start + 1 :] if line.startswith(("-", "+")))
            mangled = name.rpartition(".")[2].partition("__mutmut_")[0]
            function = mangled.removeprefix("x_").replace("xǁ", "").replace("ǁ", ".")
            status = _UNTRIED if code is None else _STATUS.get(code, "not decided")
            yield Mutant(name, file, function, status, diff)


class Reasons:
    """The entries of survivors.toml, and which of them are needed."""

    def __init__(self, entries: list[dict[str, str]]) -> None:
        self._entries = entries
        self._used: set[int] = set()

    def of(self, mutant: Mutant) -> dict[str, str] | None:
        """The first entry that speaks of this change; None: no one has looked at it."""
        file = _in_the_reference(mutant.file)
        for number, entry in enumerate(self._entries):
            if entry["file"] != file or entry.get("function", mutant.function) != mutant.function:
                continue
            if entry["was"] in mutant.changed("-") and entry.get("now", "") in mutant.changed("+"):
                if entry["kind"] == TEXT or mutant.status not in ("killed", "timeout"):
                    self._used.add(number)
                return entry
        return None

    def unused(self) -> list[str]:
        """Entries that no survivor needs any more."""
        return [f"{one['file']}: {one['was']}" for number, one in enumerate(self._entries) if number not in self._used]


def _in_the_reference(file: Path) -> str:
    """Its path within the reference server, as survivors.toml names it."""
    return file.as_posix().partition(f"{REFERENCE.as_posix()}/")[2]


def _place(work: Path, root: Path, mutant: Mutant) -> str:
    """Where the change is in the source that people read."""
    folded = (work / mutant.file).read_text().splitlines()
    inside = _lines_of(work / mutant.file, mutant.function)
    removed = mutant.changed("-").strip()
    first = next((number for number in inside if folded[number - 1].strip() == removed), inside.start)
    return f"{SOURCES / mutant.file}:{original_line(work / mutant.file, root / SOURCES / mutant.file, first)}"


def mutable_lines(file: Path, function: str | None) -> list[str]:
    """The lines of a folded source in which mutants are made: those of the function, with its class, if one is named.

    Empty if there is no such function.
    """
    lines = file.read_text().splitlines()
    if function is None:
        return lines
    try:
        inside = _lines_of(file, function)
    except LookupError:
        return []
    return lines[inside.start - 1 : inside.stop - 1]


def _lines_of(file: Path, function: str) -> range:
    owner, _, name = function.rpartition(".")
    tree: ast.AST = ast.parse(file.read_text())
    if owner:
        classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == owner)
        tree = next(classes, ast.Module([], []))
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return range(node.lineno, (node.end_lineno or node.lineno) + 1)
    raise LookupError(f"{file} has no function {function}")


def original_line(folded: Path, original: Path, line: int) -> int:
    """The line of the original that became, or is nearest before, a line of the folded text."""
    matcher = difflib.SequenceMatcher(
        None, folded.read_text().splitlines(), original.read_text().splitlines(), autojunk=False
    )
    for tag, a, b, c, d in matcher.get_opcodes():
        if a < line <= b:
            return min(c + line - a, d) if tag != "equal" else c + line - a
    return line


def _unexecuted(work: Path, root: Path) -> dict[str, list[int]]:
    measured = json.loads((work / "coverage.json").read_text())["files"]
    copies = work / "mutants"
    mutated = {meta.relative_to(copies).with_suffix("") for meta in (copies / REFERENCE).rglob("*.py.meta")}
    collected: dict[str, list[int]] = {}
    for file, measure in sorted(measured.items()):
        if Path(file) in mutated and measure["missing_lines"]:
            collected[file] = [
                original_line(work / file, root / SOURCES / file, line) for line in measure["missing_lines"]
            ]
    return collected

"""The outcome of a mutation run as a page of the documentation."""

from __future__ import annotations

import difflib
import textwrap
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from benchmarks.mutation.outcome import Outcome, Survivor

KINDS = {
    "equivalent": "nothing changes that a request can see, or only what the protocol calls opaque",
    "latitude": "another behaviour that the texts allow: a check against it would accuse honest servers",
    "tuning": "lengths, limits and spare records, of which no text says how large they are",
    "page": "wording, prefilled fields and second lines of defence of the pages for people",
    "unreachable": "needs what a suite cannot have: an exact instant, a password, a second address",
    "gap": "a text says otherwise, and no check sends what would show it",
    "": "nobody has said why yet",
}
_CONTEXT = 30
"""Characters shown on each side of what changed."""


def page(outcome: Outcome, day: date) -> str:
    """Markdown: the figure, how it is made, and every survivor with its reason; `day`: that of the server."""
    counts = Counter(survivor.kind for survivor in outcome.survivors)
    kinds = "\n".join(
        f"| {kind or 'unexplained'} | {counts[kind]} | {text} |" for kind, text in KINDS.items() if counts[kind]
    )
    return f"""\
# Mutation of the reference server

<!-- Written by `python -m benchmarks.mutation --document docs/explanation/mutation.md`. -->

Faults show that a check can fail; they are mistakes that somebody thought of. Mutation shows what nobody thought of:
the protocol logic of the reference server, its faults folded away, is changed in one small place at a time by
[mutmut](https://mutmut.readthedocs.io/), and the conformance suite, as the only test, has to give some requirement a
worse verdict than before.

{_figures(outcome)}

The figure is of the server as it was on {day.day} {day:%B %Y}: what has come since is not in it.

```sh
make mutation
```

makes the figure anew, in about an hour on two idle cores (`ARGS=--quick`, without what an earlier run showed to be
allowed, in a quarter), prints the survivors with their changes, and ends with 1 below 97 %.
`benchmarks/mutation/survivors.toml` says of each survivor why it may live:

| kind | mutants | meaning |
|---|---|---|
{kinds}

## The survivors

{_survivors(outcome.survivors)}"""


def _figures(outcome: Outcome) -> str:
    counts = outcome.counts
    noticed = (
        f"**{outcome.score:.1f} %** of the mutants that a text forbids were noticed: {outcome.noticed} of "
        f"{outcome.total - outcome.allowed}, of which {counts.get('timeout', 0)} by never ending."
    )
    if outcome.untried:
        rest = (
            f"The other {outcome.untried} were not tried this time: an earlier run showed that they are as conformant "
            "as the original, which a fair check must not notice, or that they change only what is said to people."
        )
    else:
        rest = (
            f"That leaves out {outcome.allowed} survivors that are as conformant as the original, and which a fair "
            "check must not notice: kinds `equivalent`, `latitude`, `tuning` and `page` below. Of all that behave "
            f"differently in any way, allowed or not, {outcome.score_of_all:.1f} % were noticed. The "
            f"{counts.get('text', 0)} that change only what is said to people are left out of all figures."
        )
    text = f"{noticed} {rest} Lines that no request reaches are not mutated."
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)


def _survivors(survivors: list[Survivor]) -> str:
    files: dict[str, dict[tuple[str, str], list[Survivor]]] = defaultdict(lambda: defaultdict(list))
    for survivor in survivors:
        files[survivor.place.partition(":")[0]][survivor.kind, survivor.why].append(survivor)
    parts = []
    for file, reasons in files.items():
        parts.append(f"### {file.rpartition('/')[2]}\n")
        for (kind, why), members in reasons.items():
            parts.append(f"- {why or 'No reason yet.'} ({kind or 'unexplained'})")
            parts.extend(f"    - line {one.place.rpartition(':')[2]}: {change(one.diff)}" for one in members)
        parts.append("")
    return "\n".join(parts)


def change(diff: tuple[str, ...]) -> str:
    """What a mutant changed, as `before` → `after`, cut down to where the lines differ."""
    before = next((line[1:].strip() for line in diff if line.startswith("-")), "")
    after = next((line[1:].strip() for line in diff if line.startswith("+")), "")
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    edits = [edit for edit in matcher.get_opcodes() if edit[0] != "equal"]
    if not edits:
        return _code(before)
    first, last = edits[0], edits[-1]
    return f"{_code(_around(before, first[1], last[2]))} → {_code(_around(after, first[3], last[4]))}"


def _around(line: str, start: int, end: int) -> str:
    left, right = max(0, start - _CONTEXT), min(len(line), end + _CONTEXT)
    return ("…" if left else "") + line[left:right] + ("…" if right < len(line) else "")


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"

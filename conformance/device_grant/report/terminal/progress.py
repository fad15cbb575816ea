"""Progress while checks run: how many have ended and how, how long it took, and how long the rest may take."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.text import Text

from device_grant.catalogue.model import Verdict
from device_grant.report.terminal.console import encodable, paragraph
from device_grant.report.text import one_line, plural
from device_grant.report.view import WORST_FIRST

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from rich.console import Console

STYLE = {
    Verdict.FAIL: "bold red",
    Verdict.WARN: "yellow",
    Verdict.UNTESTABLE: "magenta",
    Verdict.INCONCLUSIVE: "magenta",
    Verdict.NOT_APPLICABLE: "dim",
    Verdict.OBSERVED: "cyan",
    Verdict.PASS: "green",
}
_BROKEN = "suite error"
_FEW = 0.5
"""Part of the time of the last run that must be known of the checks that are left, to say how long they take."""


class Remaining:
    """How long the checks that are left may take, by what each took in the last run of the same target.

    Without one nothing is said: one check takes a thousand times as long as another, and on a real clock they wait.
    """

    def __init__(self, names: Collection[str], seconds: Mapping[str, float]) -> None:
        self._left = {name: seconds[name] for name in names if name in seconds}
        self._unknown = set(names) - self._left.keys()
        self._took = 0.0
        self._expected = 0.0

    def ended(self, name: str, took: float) -> None:
        """Take note that a check has ended, and of the seconds since the one before it."""
        self._unknown.discard(name)
        expected = self._left.pop(name, None)
        if expected is not None:
            self._took += took
            self._expected += expected

    @property
    def seconds(self) -> float | None:
        """Seconds until the end; None where too little is known of what is left."""
        if not self._left or len(self._unknown) > _FEW * (len(self._left) + len(self._unknown)):
            return None
        left = sum(self._left.values())
        # A machine that is slower today was so until now; what took no time then says nothing of that.
        slower = self._took / self._expected if self._expected > 1.0 else 1.0
        return left * slower


class Progress:
    """One live line on a terminal; without one, or with NO_COLOR set, one plain line a finished check.

    `total` is the number of checks, `now` a clock in real seconds. The line is redrawn at each call, never by a thread.
    """

    def __init__(
        self,
        console: Console,
        total: int,
        remaining: Remaining | None = None,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._console = console
        self._total = total
        self._finished = 0
        self._current = ""
        self._counts: Counter[str] = Counter()
        self._broken: dict[str, Verdict] = {}
        """Invariants and rules that were broken so far: what one breaks in every check is no check's own verdict."""
        self._remaining = remaining or Remaining((), {})
        self._now = now
        self._began = self._last = now()
        live = console.is_terminal and not console.no_color and not console.is_dumb_terminal
        self._live = Live(console=console, auto_refresh=False, transient=True) if live else None
        if self._live is not None:
            self._live.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def check_started(self, name: str) -> None:
        """Show the check as the current one."""
        self._current = one_line(name)
        self._draw()

    def check_finished(self, name: str, worst: Verdict | None, problem: str = "") -> None:
        """Count the check under its own worst verdict; None: the suite itself broke in it.

        `problem` is told behind its name where each check has a line.
        """
        self._finished += 1
        label = _BROKEN if worst is None else worst.label
        self._counts[label] += 1
        now = self._now()
        self._remaining.ended(name, now - self._last)
        self._last = now
        if self._live is None:
            width = len(str(self._total))
            line = f"[{self._finished:>{width}}/{self._total}] {label:<14} {one_line(name)}"
            paragraph(self._console, f"{line}  {self._times()}" + (f": {one_line(problem)}" if problem else ""))
        self._draw()

    def rule_judged(self, name: str, verdict: Verdict) -> None:
        """Say once that an invariant or a rule is broken, and once more if it turns out worse."""
        known = self._broken.get(name, Verdict.PASS)
        if verdict not in (Verdict.FAIL, Verdict.WARN) or verdict <= known:
            return
        self._broken[name] = verdict
        if self._live is None:
            self._below(verdict.label, one_line(name))
        self._draw()

    def repeating(self, ended: int, number: int) -> None:
        """Say how many of those that are run once more have ended: it takes minutes in which no check is counted."""
        self._current = f"{ended} of {number} run once more, a few at a time"
        if self._live is None:
            self._below("again", self._current)
        self._draw()

    def close(self) -> None:
        """Take the live line away; safe to call again."""
        if self._live is not None:
            self._live.stop()

    def _below(self, label: str, text: str) -> None:
        """A line that counts no check."""
        width = 2 * len(str(self._total)) + 3
        paragraph(self._console, f"{'':<{width}} {label:<14} {text}")

    def _draw(self) -> None:
        if self._live is not None:
            self._live.update(self._text(), refresh=True)

    def _times(self) -> str:
        left = self._remaining.seconds if self._finished < self._total else None
        return minutes(self._now() - self._began) + (f", about {minutes(left)} left" if left is not None else "")

    def _text(self) -> Text:
        line = Text(f"{self._finished}/{self._total}", style="bold", no_wrap=True, overflow="ellipsis")
        for verdict in WORST_FIRST:
            if self._counts[verdict.label]:
                line.append(f"  {verdict.label} {self._counts[verdict.label]}", style=STYLE[verdict])
        if self._counts[_BROKEN]:
            line.append(f"  {_BROKEN} {self._counts[_BROKEN]}", style="bold red")
        if self._broken:
            worst = max(self._broken.values())
            line.append(f"  {plural(len(self._broken), 'rule')} broken", style=STYLE[worst])
        line.append(f"  {self._times()}", style="not bold")
        # The name goes last: on a narrow terminal it is what may be cut.
        line.append(f"  {encodable(self._console, self._current)}", style="dim")
        return line


def minutes(seconds: float) -> str:
    """`0:07` or `1:02:03` of a number of seconds."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"

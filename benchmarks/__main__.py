"""`python -m benchmarks`: how fast the suite is, how much of that is its own, and how soon it finds faults.

Everything is measured in one run on the same cores. The page goes to docs/benchmarks.md, that of a partial or quick
run to build/benchmarks.md. Exit status 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import finding, parts, replaying, startup, throughput, waiting
from benchmarks.measuring import BenchmarkError, bind_to_cores, run_process
from benchmarks.page import machine, page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.measuring import Section

ROOT = Path(__file__).parent.parent
PAGE, PARTIAL_PAGE = ROOT / "docs" / "benchmarks.md", ROOT / "build" / "benchmarks.md"
BYTECODE = ROOT / "build" / "benchmarks" / "bytecode"
ALL: dict[str, Callable[..., Section]] = {
    "throughput": throughput.measure,
    "parts": parts.measure,
    "waiting": waiting.measure,
    "replay": replaying.measure,
    "startup": startup.measure,
    "faults": finding.measure,
}
FAILED = 2
WARMING = 600.0
"""Seconds for a first run, in which Python compiles what it imports."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for and write the page; 0 all goals met, 1 one missed, 2 something did not run."""
    options = _parser().parse_args(arguments)
    cores = bind_to_cores()
    # Every process of ours would otherwise compile what it imports where bytecode is not kept beside the sources.
    os.environ["PYTHONPYCACHEPREFIX"] = str(BYTECODE)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        warm_up()
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return FAILED
    sections: list[Section] = []
    for name in options.only or ALL:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            result = ALL[name](quick=options.quick, **({"number": options.faults} if name == "faults" else {}))
        except BenchmarkError as error:
            print(f"benchmarks: {name}: {error}", file=sys.stderr)
            return FAILED
        sections.append(result)
    text = page(sections, machine(cores), _command(options))
    print(text)
    whole = not (options.only or options.quick)
    out: Path = options.out or (PAGE if whole else PARTIAL_PAGE)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    print(f"written to {out}", file=sys.stderr)
    return int(any(not goal.met for section in sections for goal in section.goals))


def warm_up() -> None:
    """Have everything compiled before anything is measured."""
    done = run_process([sys.executable, "-m", "device_grant", "run", "--only", "rfc8628-3.5-*"], limit=WARMING)
    if done.status != 0:
        raise BenchmarkError(f"the suite does not pass the embedded server: {done.output.strip()[-400:]}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds and small samples: a try, not a measurement")
    parser.add_argument("--only", type=_names, metavar="A,B", help=f"of {', '.join(ALL)}")
    parser.add_argument(
        "--faults",
        type=_number,
        default=finding.SAMPLE,
        metavar="N|all",
        help=f"how many faults schemathesis looks for, up to a minute each [{finding.SAMPLE}]",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the page goes")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in ALL]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; choose of {', '.join(ALL)}")
    return names


def _number(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number from 1 on nor `all`")
    return int(text)


def _command(options: argparse.Namespace) -> str:
    words = ["python -m benchmarks"]
    words += ["--quick"] if options.quick else []
    words += [f"--only {','.join(options.only)}"] if options.only else []
    if options.faults != finding.SAMPLE:
        words.append(f"--faults {options.faults or 'all'}")
    return " ".join(words)


if __name__ == "__main__":
    sys.exit(main())

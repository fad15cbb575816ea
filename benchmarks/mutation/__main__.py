"""`python -m benchmarks.mutation`: how many mutants of the reference server the conformance suite kills.

The work goes on in build/mutation, on a copy; the outcome is printed and written to build/mutation.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from benchmarks.mutation.document import page
from benchmarks.mutation.honest import fold
from benchmarks.mutation.outcome import Outcome, read_outcome, worth_trying
from device_grant.reference.server.faults import Faults

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build"
REASONS = HERE / "survivors.toml"
REFERENCE = Path("conformance/device_grant/reference/server")
"""The source of the reference server, in a checkout."""
MUTATED = REFERENCE.relative_to("conformance")
"""Its copy in the folder that is mutated: mutmut takes the path of a module for its name."""
_SERVER = "device_grant.reference.server"
_DAY = "day.txt"
MODULES = (
    "aws",
    "credentials",
    "forms",
    "grants",
    "issued/grant_codes",
    "issued/tokens",
    "managing",
    "metadata",
    "misplaced",
    "pages",
    "registration",
    "restjson",
    "rfc8628",
    "sessions",
    "store",
    "verification",
)
"""Protocol logic. Not here: faults, the validation of settings, the HTTP server, the user, the command line."""
IDENTITIES = ("allow_script", "in_tokens", "kept_terms", "respelt", "spoilt")
"""Functions of other modules that give back their first argument while no fault is on."""
NEVER = ("from_a_page_of_before", "offline_forgotten", "served_by_get")
"""Functions of other modules that answer no while no fault is on."""
ANY_MUTANT = "device_grant.reference.server.sessions.xǁSessionsǁcount_guess__mutmut_1"
"""One that is soon tried."""
BUSY = 2.5
"""Load average above which one process must do."""
AIM = 97.0
"""Per cent of the mutants that a text forbids."""


def main() -> int:
    """Prepare the copy, let mutmut run, report. Exit status 1 if the aim is missed."""
    arguments = _arguments()
    work = BUILD / "mutation"
    began = time.monotonic()
    if not arguments.report_only:
        if not arguments.resume:
            _prepare(work)
            _record(work)
        processes = arguments.processes or (1 if os.getloadavg()[0] > BUSY else os.cpu_count() or 1)
        chosen = arguments.mutants
        if arguments.quick:
            # Mutants are there only once mutmut has run: the first one brings them all into being.
            _mutate(work, processes, [ANY_MUTANT])
            chosen = worth_trying(work, REASONS)
        _mutate(work, processes, chosen)
    outcome = read_outcome(work, ROOT, REASONS)
    seconds = None if arguments.report_only or arguments.resume else round(time.monotonic() - began)
    (BUILD / "mutation.json").write_text(json.dumps(outcome.as_json() | {"seconds": seconds}, indent=1) + "\n")
    _print(outcome)
    if arguments.document:
        arguments.document.write_text(page(outcome, _day(work)), encoding="utf-8")
    return 0 if outcome.score >= AIM else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=__doc__)
    parser.add_argument("mutants", nargs="*", help="names or patterns of mutants; all if none are given")
    parser.add_argument("--processes", type=int, help="default: all processors, one if the machine is busy")
    parser.add_argument(
        "--quick", action="store_true", help="leave out the mutants that survivors.toml says a text allows"
    )
    parser.add_argument("--resume", action="store_true", help="go on with a run that was interrupted")
    parser.add_argument("--report-only", action="store_true", help="print the outcome of the last run again")
    parser.add_argument("--document", type=Path, metavar="FILE", help="write the outcome as a page of Markdown too")
    return parser.parse_args()


def _prepare(work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    leave_out = shutil.ignore_patterns("__pycache__", "*.pyc")
    for root, package in (("conformance", "device_grant"), ("strategies", "device_grant_strategies")):
        shutil.copytree(ROOT / root / package, work / package, ignore=leave_out)
    sources = {name: (work / MUTATED / f"{name}.py").read_text() for name in MODULES}
    faults = [name for name, _, _ in Faults.catalogue()]
    folded = fold(sources, faults, identities=IDENTITIES, never=NEVER, others=_others(work))
    for name, text in folded.items():
        (work / MUTATED / f"{name}.py").write_text(text)
    suite = work / "suite"
    suite.mkdir()
    for file in (HERE / "test_suite.py", HERE / "conftest.py", ROOT / "tests" / "support" / "proof.py"):
        shutil.copy(file, suite)
    (work / "setup.cfg").write_text(_configuration())
    (work / _DAY).write_text(datetime.now(tz=UTC).date().isoformat())


def _day(work: Path) -> date:
    """The day from which the copy in this folder is."""
    return date.fromisoformat((work / _DAY).read_text())


def _others(package: Path) -> list[str]:
    """The sources that may use what is folded, without those of the faults, which are what folding takes away."""
    folded = {package / MUTATED / f"{name}.py" for name in MODULES}
    files = set((package / "device_grant").rglob("*.py")) - folded - set((package / MUTATED / "faults").rglob("*.py"))
    return [text for text in (file.read_text() for file in sorted(files)) if _SERVER in text]


def _configuration() -> str:
    mutated = "\n".join(f"    {MUTATED / name}.py" for name in MODULES)
    return (
        "[mutmut]\n"
        "source_paths = device_grant\n"
        f"only_mutate =\n{mutated}\n"
        "also_copy =\n    device_grant_strategies\n    suite\n"
        "mutate_only_covered_lines = true\n"
        "track_dependencies = false\n"
        "use_git_change_detection = false\n"
        "pytest_add_cli_args_test_selection =\n    suite/test_suite.py\n"
        "pytest_add_cli_args =\n    -p\n    no:cacheprovider\n"
        "\n[tool:pytest]\n"
        "python_files = test_suite.py\n"
    )


def _environment(work: Path) -> dict[str, str]:
    return os.environ | {
        "PYTHONHASHSEED": "0",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "MUTATION_BASELINE": str(work / "baseline.json"),
        "MUTATION_KILLS": str(work / "kills.tsv"),
    }


def _record(work: Path) -> None:
    """The verdicts on the unmutated server, and the lines that it runs meanwhile."""
    record = work / "record.jsonl"
    environment = _environment(work) | {"MUTATION_RECORD": str(record), "PYTHONPATH": str(work)}
    measure = (sys.executable, "-m", "coverage", "run", f"--data-file={work / 'coverage'}", f"--include={MUTATED}/*")
    _run((*measure, "-m", "pytest", "-q", "-x", "suite/test_suite.py"), work, environment)
    baseline: dict[str, Any] = {}
    for line in record.read_text().splitlines():
        baseline |= json.loads(line)
    _require_a_working_server(baseline)
    (work / "baseline.json").write_text(json.dumps(baseline))
    report = (sys.executable, "-m", "coverage", "json", f"--data-file={work / 'coverage'}", "-o", "coverage.json")
    _run((*report, "-q"), work, environment)


def _require_a_working_server(baseline: dict[str, Any]) -> None:
    """Exit where folding has broken the server: all that its mutants show would be worth nothing."""
    for case, result in baseline.items():
        approval = case.startswith("user_decision::test_approval ")
        broken = {
            judged: verdict
            for judged, verdict in result.items()
            if verdict == "fail" or (approval and verdict != "pass")
        }
        if broken:
            sys.exit(f"the server without its faults no longer works: {case}: {broken}")


def _mutate(work: Path, processes: int, mutants: list[str]) -> None:
    command = (str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(processes), *mutants)
    _run(command, work, _environment(work))


def _run(command: tuple[str, ...], folder: Path, environment: dict[str, str]) -> None:
    subprocess.run(command, cwd=folder, env=environment, check=True)  # noqa: S603 - our own tools, fixed arguments


def _print(outcome: Outcome) -> None:
    for survivor in outcome.survivors:
        print(f"\n{survivor.place}  {survivor.status}  {survivor.why or 'UNEXPLAINED'}")
        print("\n".join(f"    {line}" for line in survivor.diff))
    print("\nNever executed, hence not mutated:")
    for file, lines in outcome.unexecuted.items():
        print(f"    {file}: {', '.join(map(str, lines))}")
    print(f"\n{outcome.summary()}")


if __name__ == "__main__":
    sys.exit(main())

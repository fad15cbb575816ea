"""Processor time until a command has answered, over that of an interpreter that does nothing."""

from __future__ import annotations

import os
import sys
import tempfile

from benchmarks.measuring import BenchmarkError, Goal, Section, figure, run_process

COMMANDS = (("--help",), ("list",), ("explain", "rfc8628-3.5-access-denied"))
OVER_BARE = 0.3
"""CPU seconds that a command may take longer than `python -c pass`."""
BOUND = ("--help", "list")
"""Commands to which the bound applies."""
LIMIT = 60.0


def measure(*, quick: bool) -> Section:
    """The least of several starts of each, their bytecode compiled beforehand."""
    rounds = 3 if quick else 15
    with tempfile.TemporaryDirectory() as folder:
        # Where bytecode cannot be written beside the sources every start would compile them again.
        environment = os.environ | {"PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        bare = _least((sys.executable, "-c", "pass"), environment, rounds)
        taken = {
            " ".join(words): _least((sys.executable, "-m", "device_grant", *words), environment, rounds)
            for words in COMMANDS
        }
    rows = [("`python -c pass`", figure(bare), "-")]
    rows += [(f"`device-grant {words}`", figure(cpu), figure(cpu - bare)) for words, cpu in taken.items()]
    goals = tuple(
        Goal(f"`device-grant {words}`", taken[words] - bare, OVER_BARE, least=False, unit=" s") for words in BOUND
    )
    how = f"CPU seconds of the whole process, children included; the least of {rounds} starts, bytecode in place."
    return Section("Start-up", how, ("command", "CPU seconds", "over bare Python"), tuple(rows), goals)


def _least(command: tuple[str, ...], environment: dict[str, str], rounds: int) -> float:
    collected = [run_process(command, limit=LIMIT, environment=environment) for _ in range(rounds + 1)]
    wrong = next((done for done in collected if done.status != 0), None)
    if wrong is not None:
        raise BenchmarkError(f"{' '.join(command[1:])} ended with {wrong.status}: {wrong.output.strip()[-400:]}")
    # The first one compiles.
    return min(done.cpu for done in collected[1:])

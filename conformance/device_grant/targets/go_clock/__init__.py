"""Time for programs in Go, which ask no library for it, so that libfaketime cannot reach them.

`go build -overlay` may put other files in the place of Go's own. This makes patched copies of the two files of package
runtime in which package time meets the clock, from the Go that is installed, and adds our own beside them
(`clock.go.txt`): a program that is built so follows the variables and the file that are written for libfaketime. A
small program tries it, once for each Go; where the sources of a Go do not fit, nothing is patched, and it is said why.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from device_grant.errors import DeviceGrantError
from device_grant.processes import Completed, ProcessGroup, exit_words, last_lines, temporary_folder
from device_grant.targets.environments import cache_folder, digest_of, prepared, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OURS = (Path(__file__).with_name("clock.go.txt"), Path(__file__).with_name("probe.go.txt"))
_ADDED = "device_grant_clock.go"
_PATCHES = {
    "time.go": (
        ("time_runtimeNow", "return time_now()", "return suiteTimes(time_now())"),
        ("time_runtimeNano", "return nanotime()", "return suiteMono(nanotime())"),
        ("timeSleep", "now = nanotime()", "now = nanotime()\n\t\tns = suiteSpan(ns)"),
        ("newTimer", "t.modify(when, period,", "t.modify(suiteReal(when), suiteSpan(period),"),
        ("resetTimer", "t.reset(when, period)", "t.reset(suiteReal(when), suiteSpan(period))"),
    ),
    "netpoll.go": (("poll_runtime_pollSetDeadline", "d += nanotime()", "d = suiteSpan(d) + nanotime()"),),
}
"""By file of package runtime: function, what it says once, and what it is to say."""
_BUILDS = ("build", "install")
_BUILD_LIMIT = 900.0
_PROBE_LIMIT = 40.0
"""Seconds for a probe that takes one, and a hundred where nothing makes its time pass faster."""
_HONEST = 60
"""Seconds by which a program that nothing has moved yet may differ from the time here."""


@dataclass(frozen=True)
class GoClock:
    """What a build command of Go is run with so that the program's clock can be moved."""

    overlay: Path | None = None
    """For `-overlay`; None: it cannot be moved."""
    why_not: str = ""
    go: str = ""
    """The go command that takes it."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """That this command needs."""

    def applied(self, command: Sequence[str]) -> list[str]:
        """The command with the overlay; the same where there is none, or where it builds nothing in Go."""
        at = _position(command)
        if self.overlay is None or at is None:
            return list(command)
        words = [*command[:at], self.go, *command[at + 1 :]]
        # -C has to be the first flag.
        first = (words[at + 2 : at + 3] or [""])[0]
        behind = at + 2 + (2 if first == "-C" else 1 if first.startswith("-C=") else 0)
        return [*words[:behind], "-overlay", str(self.overlay), *words[behind:]]


def builds_go(command: Sequence[str]) -> bool:
    """Whether it is `go build` or `go install`, perhaps behind `env NAME=VALUE`."""
    return _position(command) is not None


def go_clock(command: Sequence[str], folder: Path, name: str) -> GoClock:
    """The clock for a command that builds Go in that folder, made and tried if need be; `name` is for the progress."""
    at = _position(command) or 0
    try:
        root, version, modules = _asked(command[: at + 1], folder)
        patched = _patched(root)
    except (OSError, ValueError, KeyError) as error:
        return GoClock(why_not=f"go env cannot be read: {error}")
    except _UnfitError as error:
        return GoClock(why_not=str(error))
    place = cache_folder() / f"go-clock-{version}-{digest_of(_OURS, str(root), *patched.values())}"
    # A Go that came as a module is no place for an overlay; a folder of links to it is.
    used = place / "goroot" if root.is_relative_to(modules) else root
    variables = {"GOROOT": str(used), "GOTOOLCHAIN": "local"} if used != root else {}
    clock = GoClock(
        place / "overlay.json", go=str(used / "bin" / "go") if variables else command[at], variables=variables
    )
    try:
        with prepared(place) as missing:
            if missing:
                say(f"{name}: trying whether the clock of programs built by {version} can be moved, once")
                _make(place, root, used, patched)
                _try([*command[:at], *clock.applied(["go", "build"])], variables)
    except (_UnfitError, OSError) as error:
        return GoClock(why_not=f"{version}: {error}")
    return clock


class _UnfitError(DeviceGrantError):
    """Why the clock of this Go cannot be moved."""


def _position(command: Sequence[str]) -> int | None:
    """Where the word `go` is."""
    at = next((n for n, word in enumerate(command) if word != "env" and not re.match(r"[A-Za-z_]\w*=", word)), None)
    if at is None or Path(command[at]).name != "go" or not set(command[at + 1 : at + 2]) & set(_BUILDS):
        return None
    return at


def _asked(go: Sequence[str], folder: Path) -> tuple[Path, str, Path]:
    """Where this Go is, its version, and where it keeps modules."""
    asked = _run([*go, "env", "-json", "GOROOT", "GOVERSION", "GOMODCACHE"], folder, {}, _BUILD_LIMIT)
    if asked.status != 0:
        raise _UnfitError(_end(asked))
    answered = json.loads(asked.output)
    return Path(answered["GOROOT"]), str(answered["GOVERSION"]), Path(answered["GOMODCACHE"])


def _patched(root: Path) -> dict[str, str]:
    """The files of package runtime as they are to be, by name; raises _UnfitError where they are written otherwise."""
    collected = {}
    for name, patches in _PATCHES.items():
        file = root / "src" / "runtime" / name
        text = file.read_text(encoding="utf-8")
        for function, said, instead in patches:
            matched = re.search(rf"(?ms)^func {function}\(.*?^}}$", text)
            if matched is None or matched.group().count(said) != 1:
                raise _UnfitError(f"{function} in {file} is written otherwise than in Go 1.26 and 1.27")
            text = text[: matched.start()] + matched.group().replace(said, instead) + text[matched.end() :]
        collected[name] = text
    return collected


def _make(place: Path, root: Path, used: Path, patched: Mapping[str, str]) -> None:
    place.mkdir(parents=True, exist_ok=True)
    if used != root:
        used.mkdir()
        for entry in root.iterdir():
            (used / entry.name).symlink_to(entry)
    shutil.copy(_OURS[0], place / _ADDED)
    for name, text in patched.items():
        (place / name).write_text(text, encoding="utf-8")
    runtime = used / "src" / "runtime"
    replaced = {str(runtime / name): str(place / name) for name in (*patched, _ADDED)}
    (place / "overlay.json").write_text(json.dumps({"Replace": replaced}, indent=1), encoding="utf-8")


def _try(build: Sequence[str], variables: Mapping[str, str]) -> None:
    """Build the probe and run it both ways; raises _UnfitError where its time does not move."""
    with temporary_folder("device-grant-go-") as folder:
        shutil.copy(_OURS[1], folder / "main.go")
        (folder / "go.mod").write_text("module probe\n\ngo 1.20\n", encoding="ascii")
        made = _run([*build, "-o", "probe", "."], folder, variables, _BUILD_LIMIT)
        if made.status != 0:
            raise _UnfitError(f"its package runtime cannot be built with our clock: {_end(made)}")
        moved = folder / "offset"
        moved.write_text("+0.000000\n", encoding="ascii")
        for given in ({"FAKETIME_TIMESTAMP_FILE": str(moved)}, {"FAKETIME": "+0 x100"}):
            now = time.time()
            tried = _run([str(folder / "probe")], folder, given, _PROBE_LIMIT)
            if tried.status != 0:
                raise _UnfitError(f"a program with our clock does not follow it: {_end(tried)}")
            if abs(int(tried.output.split()[0]) - now) > _HONEST:
                raise _UnfitError("a program with our clock does not begin at the time that it is")


def _run(command: Sequence[str], folder: Path, variables: Mapping[str, str], seconds: float) -> Completed:
    environment = {**os.environ, **variables}
    pipes = {"output": subprocess.PIPE, "errors": subprocess.PIPE}
    return ProcessGroup(command, **pipes, folder=folder, environment=environment).completed(seconds)


def _end(done: Completed) -> str:
    words = last_lines((done.output + b"\n" + done.errors).decode(errors="replace"), 2)
    if done.status is None:
        return f"it took too long; {words}"
    return words or exit_words(done.status)

"""What is made before a program can be started: a virtual environment by pip, node_modules by npm ci, kept in a cache.

An environment is keyed by what it is made from, is built once under a lock, and counts only with its stamp, so that
an interrupted build is made again.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import platformdirs
from filelock import FileLock, Timeout

from device_grant.errors import MissingToolError, TargetUnreachableError, UsageError
from device_grant.processes import completed, exit_words, last_lines
from device_grant.targets.adapter import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_STAMP = ".complete"
_LOCK_TIMEOUT = 3600.0
_INSTALL_TIMEOUT = 900.0


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/device-grant`, else that folder where the system has its caches (on Linux `~/.cache`)."""
    return platformdirs.user_cache_path("device-grant", appauthor=False)


def python_environment(requirements: Path, name: str, options: Sequence[str] = ()) -> Path:
    """The interpreter of a virtual environment with these requirements, built if need be.

    `options` are further ones of `pip install`, such as `--no-deps`. Raises UsageError or TargetUnreachableError if it
    cannot be made.
    """
    version = platform.python_version()
    folder = cache_folder() / f"venv-{name}-{digest_of([requirements], sys.executable, version, *options)}"
    python = folder / "bin" / "python"
    with prepared(folder) as missing:
        if missing:
            say(f"{name}: making a virtual environment from {requirements.name}, once")
            _run([sys.executable, "-m", "venv", str(folder)], name, "making a virtual environment", folder.parent)
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
            _run(
                [*install, *options, "-r", str(requirements)],
                name,
                f"pip install -r {requirements.name}",
                requirements.parent,
            )
    return python


def node_environment(package: Path, name: str) -> Path:
    """The folder whose node_modules are what package.json and its lock say; raises as python_environment does."""
    lock = package.with_name("package-lock.json")
    folder = cache_folder() / f"npm-{name}-{digest_of([package, lock], platform.machine())}"
    npm = shutil.which("npm")
    if npm is None:
        raise MissingToolError(f"{name} needs npm, which is not on PATH: install Node.js with npm")
    with prepared(folder) as missing:
        if missing:
            say(f"{name}: npm ci, once")
            folder.mkdir(parents=True)
            shutil.copy(package, folder / "package.json")
            shutil.copy(lock, folder / "package-lock.json")
            # Install scripts are code of whoever published a dependency: nothing here needs them.
            _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], name, "npm ci", folder)
    return folder


@contextmanager
def prepared(folder: Path, *, kept: bool = True) -> Iterator[bool]:
    """Whether the folder is still to be made; leaving without an exception stamps it, where it is to be `kept`."""
    stamp = folder / _STAMP
    if stamp.exists():
        yield False
        return
    lock = FileLock(folder.with_name(folder.name + ".lock"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _acquire(lock, folder)
    except OSError as error:
        raise UsageError(
            f"{folder.parent}: cannot hold prepared environments ({error.strerror}); set XDG_CACHE_HOME to a folder "
            "that can be written to"
        ) from error
    try:
        if stamp.exists():
            yield False
            return
        shutil.rmtree(folder, ignore_errors=True)
        yield True
        if kept:
            stamp.touch()
    finally:
        lock.release()


def _acquire(lock: FileLock, folder: Path) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"another run is preparing {folder.name}: waiting for it")
    else:
        return
    # Bounded, since a build that hangs must not hold up every later run without a word.
    try:
        lock.acquire(timeout=_LOCK_TIMEOUT, poll_interval=0.1)
    except Timeout:
        raise TargetUnreachableError(
            f"another run has been preparing {folder.name} for {_LOCK_TIMEOUT / 60:.0f} minutes: end it"
        ) from None


def _run(command: Sequence[str], name: str, what: str, cwd: Path) -> None:
    try:
        done = completed(command, folder=cwd, seconds=_INSTALL_TIMEOUT, errors=subprocess.STDOUT)
    except OSError as error:
        raise UsageError(f"{name}: {what} could not be started: {error}") from error
    if done.status is None:
        raise TargetUnreachableError(f"{name}: {what} took longer than {_INSTALL_TIMEOUT / 60:.0f} minutes")
    if done.status:
        raise TargetUnreachableError(
            f"{name}: {what} failed with {exit_words(done.status)}: "
            f"{last_lines(done.output.decode(errors='replace'), 3) or 'no output'}"
        )


def digest_of(files: Iterable[Path], *more: str) -> str:
    """A short name for the content of files and for texts; raises UsageError for a file that cannot be read."""
    digest = hashlib.sha256()
    for file in files:
        try:
            digest.update(file.read_bytes() + b"\0")
        except OSError as error:
            raise unreadable(file, error) from error
    for text in more:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:16]


def say(line: str, *, indent: bool = False) -> None:
    """Tell a person why this takes a while; what others said of it is set in."""
    print(f"{'    ' if indent else 'device-grant: '}{line}", file=sys.stderr, flush=True)  # noqa: T201 - progress of minutes, for a person

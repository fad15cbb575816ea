"""A second run beside the first one, in a process of its own, whose words come when the first has said all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from device_grant.cli.crash import crashed
from device_grant.errors import DeviceGrantError, ExitCode, SuiteError
from device_grant.processes import ended_before_us, ended_with_us

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    from rich.console import Console


_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def processors() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


class Beside:
    """Work that goes on in a fork of this process and prints to a file meanwhile; to be made before any thread is."""

    def __init__(self, work: Callable[[Console], int], console: Console) -> None:
        self._console = console
        self._said = tempfile.TemporaryFile("w+", encoding=console.encoding)  # noqa: SIM115 - closed in `result`
        context = multiprocessing.get_context("fork")
        self._answer, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_carried_out, args=(work, self._like(console), theirs))
        with _uninterrupted():
            self._process.start()
        self._pid = self._process.pid or 0
        ended_with_us(self._pid)
        theirs.close()

    def result(self) -> int:
        """Wait for its end, print what it said and return what it returned; raises DeviceGrantError as it did."""
        try:
            kind, value, code = self._answer.recv()
        except EOFError:
            kind, value, code = "error", "the process of a run ended without a word", int(ExitCode.SUITE_ERROR)
        self._joined()
        with self._said:
            self._said.seek(0)
            self._console.file.write(self._said.read())
        if kind == "error":
            error = SuiteError(value) if code == ExitCode.SUITE_ERROR else DeviceGrantError(value)
            error.exit_code = ExitCode(code)
            raise error
        return int(value)

    def stop(self) -> None:
        """End it: nobody wants to hear of it any more."""
        self._process.terminate()
        self._joined()
        self._said.close()

    def _joined(self) -> None:
        self._process.join()
        ended_before_us(self._pid)

    def _like(self, console: Console) -> Console:
        from rich.console import Console

        colours: Any = console.color_system
        return Console(
            file=self._said,
            force_terminal=console.is_terminal,
            color_system=colours,
            no_color=console.no_color,
            width=console.width,
            highlight=False,
            soft_wrap=False,
        )


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Within: an interrupt waits, also in a process that is begun here."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _carried_out(work: Callable[[Console], int], console: Console, answer: Connection) -> None:
    """What a process does that was begun where interrupts wait: before this and after it they would be tracebacks."""
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTS)
        _answer(work, console, answer)
        signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    except KeyboardInterrupt:
        # Who interrupted us, at whatever we were, has interrupted our parent too, or was our parent.
        return


def _answer(work: Callable[[Console], int], console: Console, answer: Connection) -> None:
    try:
        answer.send(("code", work(console), 0))
    except DeviceGrantError as error:
        answer.send(("error", str(error), int(error.exit_code)))
    except Exception as error:  # noqa: BLE001 - whatever breaks is handed to the process that waits
        answer.send(("error", crashed(error), int(ExitCode.SUITE_ERROR)))
    finally:
        console.file.flush()
        answer.close()

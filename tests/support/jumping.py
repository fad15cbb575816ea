"""The reference server in a process of its own, whose clock jumps: no wait takes real time, on any machine."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import msgspec

from device_grant.targets import resolve
from device_grant.targets.clocks import FaketimeClock
from device_grant.targets.transports import process
from device_grant.targets.users import ModuleUser
from support import REFERENCE_TARGET

PROGRAM = str(Path(__file__).with_name("jumping_server.py"))


class JumpingClock(FaketimeClock):
    """The clock of `jumping_server.py`."""

    @staticmethod
    def library():
        return Path(PROGRAM)

    def environment(self, inherited):
        del inherited
        return {"CLOCK_AHEAD": str(self._file)}


@contextmanager
def jumping_target(*faults):
    """The reference server over a socket, with some faults."""
    located = resolve(str(REFERENCE_TARGET), dialect=None)
    command = [word for word in located.config.serve.command if word not in {"-m", "device_grant", "serve"}]
    command[1:1] = [PROGRAM]
    command += [word for fault in faults for word in ("--fault", fault)]
    serve = msgspec.structs.replace(located.config.serve, command=tuple(command))
    clock = msgspec.structs.replace(located.config.clock, kind="faketime")
    config = msgspec.structs.replace(located.config, serve=serve, clock=clock)
    user = ModuleUser((located.folder / config.user.module).resolve())
    with (
        mock.patch.object(process, "FaketimeClock", JumpingClock),
        process.ProcessTarget(msgspec.structs.replace(located, config=config), user) as target,
    ):
        assert isinstance(target.clock, JumpingClock)
        yield target

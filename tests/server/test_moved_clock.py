"""A launched server that does not live by the clock that the suite moves is told apart before anything is judged."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from support.jumping import JumpingClock
from support.needs import needs

from device_grant.engine.running import run_check
from device_grant.engine.server_subject import ServerSubject
from device_grant.errors import UsageError
from device_grant.judging import check_of
from device_grant.server.preflight import clock
from device_grant.server.preflight.main_path import test_main_path as main_path
from device_grant.targets import open_target, resolve
from device_grant.targets.clocks import FaketimeClock, RealClock
from device_grant.targets.transports import process

PROGRAM = Path(__file__).parent.parent / "support" / "clock_server.py"
TARGET = """name = "clock"
[serve]
command = [{command}]
[endpoints]
device_authorization = "/device_authorization"
token = "/token"
[[clients]]
id = "pub"
[clock]
kind = "faketime"
"""


def walked(folder, kind):
    """What the walk of the main path says of a server whose clock is of that kind."""
    command = f'"{{python}}", "-S", "{PROGRAM}", "{{port}}", "{kind}"'
    (folder / "target.toml").write_text(TARGET.format(command=command))
    with (
        mock.patch.object(process, "FaketimeClock", JumpingClock),
        open_target(resolve(str(folder))) as target,
    ):
        return run_check(target, check_of(main_path)).trial


@pytest.mark.parametrize("kind", ["honest", "undated", "fronted"])
def test_a_server_whose_codes_end_follows(tmp_path, kind):
    trial = walked(tmp_path, kind)
    assert [cause.name for cause in trial.preflight.causes] == []
    assert [stage.went for stage in trial.preflight.stages[:3]] == ["well"] * 3


def test_a_server_whose_date_does_not_move_ends_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(clock, "_PAUSE", 0.0)
    with pytest.raises(UsageError, match=r'does not follow libfaketime: .* was not .*: write kind = "real"') as caught:
        walked(tmp_path, "still")
    assert "\n" not in str(caught.value)


def test_a_server_of_which_half_moves_ends_the_run(tmp_path):
    with pytest.raises(UsageError, match=r"only a part of the server follows .*expired as soon as it is issued"):
        walked(tmp_path, "half")


def test_a_program_that_crawls_is_told_of(tmp_path, capsys):
    """Only where libfaketime may be what slows it down."""
    took = [SimpleNamespace(elapsed=seconds) for seconds in (0.1, 0.9, 2.0)]
    trial = SimpleNamespace(transcript=SimpleNamespace(exchanges=took))
    subject = ServerSubject(None)
    said = []
    for one in (FaketimeClock(tmp_path), FaketimeClock(tmp_path, cached=True), RealClock()):
        subject._run = SimpleNamespace(target=SimpleNamespace(clock=one))
        subject._warn_of_a_crawl(trial)
        said.append(capsys.readouterr().err)
    assert "a request takes 0.9 s under libfaketime" in said[0]
    assert "cached = true" in said[0]
    assert said[1:] == ["", ""]


@pytest.mark.long
@needs("libfaketime")
def test_a_run_against_a_program_out_of_reach_is_bad_usage(tmp_path):
    """As a static program is: nothing is loaded into it before it starts."""
    serve = '"env", "-u", "LD_PRELOAD", "{python}", "-m", "device_grant", "serve", "--port", "{port}"'
    (tmp_path / "target.toml").write_text(TARGET.format(command=serve).replace('"pub"', '"device-client"'))
    command = [sys.executable, "-m", "device_grant", "run", str(tmp_path), "--report", str(tmp_path / "report")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "does not follow libfaketime" in done.stderr
    assert "The suite itself broke" not in done.stdout

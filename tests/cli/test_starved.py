"""Runs that lack what they need: a disk with room, a reader of what they print, a terminal of a sane width."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import device_grant, lines_of

from device_grant.results import read

pytestmark = pytest.mark.long

POLLING = ("embedded:rfc8628", "--check", "polling::*")
PROGRAM = (sys.executable, "-P", "-m", "device_grant")


def _limited(octets):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (octets, octets))


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_full_disk_is_one_line_and_what_was_written_can_be_read(tmp_path, workers):
    done = subprocess.run(
        [*PROGRAM, "run", *POLLING, *workers, "--report", tmp_path / "report"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=_limited(40_000),
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("device-grant: ")
    assert "results.jsonl: cannot be written (" in line
    left = read(tmp_path / "report")
    assert left.interrupted
    assert left.results
    assert (tmp_path / "report" / "results.jsonl").read_bytes().endswith(b"}\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("words", [("run", *POLLING), ("list",), ("--version",)])
def test_an_output_that_cannot_be_written_is_one_line(words):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False
        )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "cannot be written (" in line


@pytest.mark.parametrize("words", [(), ("-n", "2"), ("--json",)], ids=["alone", "workers", "json"])
def test_a_reader_who_goes_away_ends_no_run(tmp_path, words):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*PROGRAM, "run", *POLLING, *words, "--report", tmp_path / "r"],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.stderr == ""
    footer = lines_of(tmp_path / "r")[-1]
    assert footer["kind"] == "footer"
    assert done.returncode == footer["exit_code"]


@pytest.mark.parametrize("columns", ["99999999", "9" * 5000, "²", "0", "-3", "1"])
def test_any_width_is_borne(columns):
    done = device_grant("run", "embedded:rfc8628", "--check", "polling::test_pending", env={"COLUMNS": columns})
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(done.stdout) < 20_000


def test_workers_import_nothing_from_the_current_folder(tmp_path):
    for name in ("execnet", "re", "json", "xdist"):
        tmp_path.joinpath(f"{name}.py").write_text(
            f"open({str(tmp_path / 'imported')!r}, 'a').write({name!r})\nraise SystemExit(9)\n"
        )
    program = Path(sys.executable).with_name("device-grant")
    done = subprocess.run(
        [program, "run", *POLLING, "-n", "2"], cwd=tmp_path, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "imported").exists()

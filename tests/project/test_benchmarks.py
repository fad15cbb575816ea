"""The benchmarks' own arithmetic, their page, and that what they wrap and start is there."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest
from support import ROOT

import benchmarks.__main__ as command
from benchmarks import finding, parts, replaying, startup, throughput, waiting
from benchmarks.measuring import STOPPED, BenchmarkError, Goal, Section, figure, per_cent, run_process, served
from benchmarks.page import machine, page


@pytest.mark.parametrize(
    ("value", "text"), [(0.1234, "0.12"), (9.876, "9.88"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12\u202f346")]
)
def test_figures_have_three_digits(value, text):
    assert figure(value) == text


def test_shares():
    assert per_cent(1, 8) == "12.5 %"
    assert per_cent(1, 0) == "-"


@pytest.mark.parametrize(
    ("value", "least", "met"), [(5, True, True), (4.9, True, False), (5, False, True), (5.1, False, False)]
)
def test_goals(value, least, met):
    goal = Goal("speed", value, 5, least=least)
    assert goal.met is met
    assert ("at least" if least else "at most") in str(goal)


def test_processes_are_timed_and_their_output_kept():
    done = run_process([sys.executable, "-c", "print('here'); sum(range(3_000_000)); raise SystemExit(3)"], limit=30)
    assert (done.status, done.output) == (3, "here\n")
    assert 0 < done.cpu <= done.seconds * (os.cpu_count() or 1)


def test_a_process_that_takes_too_long_is_stopped_with_its_children():
    # The child would keep the pipe open for as long as it lives.
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    done = run_process([sys.executable, "-c", code], limit=0.5)
    assert done.status == STOPPED
    assert done.seconds < 20


class Ticks:
    """A clock that is moved by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_each_second_belongs_to_the_innermost_part():
    ticks = Ticks()
    meter = parts.Meter(ticks)

    def inner():
        ticks.now += 2

    def outer():
        ticks.now += 1
        meter.wrapped("inner", inner)()
        ticks.now += 4

    ticks.now += 8
    meter.wrapped("outer", outer)()
    meter.finish()
    assert meter.seconds == {parts.REST: 8, "outer": 5, "inner": 2}


def test_what_raises_is_left_too():
    ticks = Ticks()
    meter = parts.Meter(ticks)
    with pytest.raises(ZeroDivisionError):
        meter.wrapped("broken", lambda: 1 / 0)()
    ticks.now += 3
    meter.finish()
    assert meter.seconds[parts.REST] == 3


def test_an_application_is_counted_while_it_runs_not_while_it_waits():
    ticks = Ticks()
    meter = parts.Meter(ticks)

    class App:
        async def __call__(self):
            ticks.now += 1
            await asyncio.sleep(0)
            ticks.now += 2
            return "answer"

    async def other():
        ticks.now += 16

    async def both():
        return await asyncio.gather(App()(), other())

    meter.wrap_application(App, "__call__", "server")
    assert asyncio.run(both())[0] == "answer"
    meter.finish()
    assert meter.seconds["server"] == 3
    assert meter.seconds[parts.REST] == 16


def test_everything_that_is_wrapped_exists():
    # In a process of its own: nothing unwraps it.
    code = "from benchmarks.parts import *; instrument(Meter()); print('wrapped')"
    done = run_process([sys.executable, "-c", code], limit=60)
    assert done.output == "wrapped\n"


def test_the_summary_of_schemathesis_is_read():
    output = " ✅  Coverage (in 1.50s)\n\n ✅  Fuzzing (in 2.25s)\n\nTest cases:\n  119 generated, 119 passed\n"
    rate = throughput.read_summary(output)
    assert (rate.cases, rate.seconds) == (119, 3.75)
    assert rate.a_second == pytest.approx(31.73, abs=0.01)
    with pytest.raises(BenchmarkError, match="neither cases nor time"):
        throughput.read_summary("Error: no such file")


def test_cases_are_sent_judged_drawn_and_sent_again():
    with served("rfc8628") as base:
        ours, sent = throughput._ours(base, "rfc8628", 1)
        assert ours.cases == len(sent) > 20
        assert ours.seconds > 0
        assert throughput._drawing(base, "rfc8628", 1) > 0
        again = throughput._sending(sent[:5])
    assert again.cases == 5


def test_a_server_that_does_not_start_is_told():
    with (
        pytest.raises(BenchmarkError, match=r"did not start: .*no_such_fault"),
        served("rfc8628", "--fault=no_such_fault"),
    ):
        pytest.fail("it did start")


def test_answers_of_the_reference_server_are_not_held_back():
    # A listener whose protocol asyncio does not know keeps Nagle's algorithm, and each answer waits 40 ms for an ACK.
    from device_grant.reference.server.serve import listen

    listener = listen("127.0.0.1", 0)
    with listener:
        import socket

        assert listener.proto == socket.IPPROTO_TCP


def test_samples_of_faults_are_always_the_same_and_each_has_its_dialect():
    known = dict(finding.faults())
    assert finding.chosen(None) == finding.faults()
    assert finding.chosen(5) == finding.chosen(5)
    assert len(finding.chosen(5)) == 5
    assert all(known[name] == dialect for name, dialect in finding.chosen(5))


def test_what_was_found_when():
    ours = {"quick": 4.0, "slow": 30.0, "hidden": None}
    section = finding.section(ours, {"quick": None, "slow": 12.0}, of=3)
    assert section.rows == (
        ("this suite", "1 of 3", "2 of 3", "17.0"),
        ("schemathesis", "0 of 2", "1 of 2", "12.0"),
    )
    [goal] = section.goals
    assert not goal.met
    assert "hidden" in goal.what
    assert "all by this suite and a sample of 2 by schemathesis" in section.how


def test_a_fault_is_found_by_a_run_that_ends_there():
    fault = _an_early_fault()
    seconds = finding._by_us(dict(finding.faults())[fault], fault)
    assert seconds is not None
    assert 0 < seconds < finding.MOMENTS[-1]


def _an_early_fault():
    """A fault of the first check of a run, so that the run is short."""
    from device_grant.cli.requirements.coverage import coverage
    from device_grant.judging import all_checks

    coverage()
    first = min((entry for entry in all_checks() if entry.party == "server"), key=lambda entry: entry.name)
    return first.faults[0]


def test_waits_are_summed_by_check():
    waits = waiting.Waits()
    for check, seconds in (("a", 3.0), ("b", 5.0), ("a", 4.0)):
        waits.record(check, seconds)
    assert (waits.longest, waits.number, dict(waits.altogether)) == (5.0, 3, {"a": 7.0, "b": 5.0})


def test_the_target_on_the_real_clock_is_a_target(tmp_path):
    from device_grant.reference.server import user
    from device_grant.targets import resolve

    file = tmp_path / "target.toml"
    file.write_text(waiting.TARGET.format(dialect="rfc8628", lifetime=20, patience=40, user=user.__file__))
    config = resolve(str(file)).config
    assert config.clock.kind == "real"
    assert config.clock.longest_wait == 40
    assert config.serve.command[-1] == "20"


def test_the_cassettes_exist():
    assert all((replaying.CASSETTES / name / "cassette.yaml").is_file() for name in replaying.NAMES)


def test_a_command_that_fails_is_not_a_quick_start():
    with pytest.raises(BenchmarkError, match="ended with 3"):
        startup._least((sys.executable, "-c", "raise SystemExit(3)"), dict(os.environ), 1)


@pytest.mark.parametrize("words", [("--help",), ("list",)])
def test_commands_that_only_print_load_no_http_client_and_no_pytest(words):
    # Each costs about as much as everything else that they do.
    code = (
        "import sys; from device_grant.cli import cli\n"
        f"try: cli.main({list(words)!r}, standalone_mode=False)\nexcept SystemExit: pass\n"
        "print(sorted({'httpx', 'pytest', 'hypothesis', 'rich', 'time_machine', 'asyncio'} & set(sys.modules)))"
    )
    done = run_process([sys.executable, "-c", code], limit=60)
    assert done.output.splitlines()[-1] == "[]"


SECTION = Section(
    "Speed",
    "How it was measured.",
    ("what", "a second"),
    (("a|b", "10"),),
    (Goal("enough", 2, 1), Goal("more", 2, 3)),
)


def test_the_page():
    text = page([SECTION], machine(2), "python -m benchmarks")
    assert "Measured on 2 cores, Python 3." in text
    assert "| what | a second |\n| --- | --: |\n| a&#124;b | 10 |" in text
    assert "- met: enough: 2.00, wanted at least 1.00" in text
    assert "- **missed**: more" in text


def test_one_benchmark_is_run_and_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "bind_to_cores", lambda: 2)
    monkeypatch.setattr(command, "warm_up", lambda: None)
    monkeypatch.setattr(command, "os", type("os", (), {"environ": {}}))
    monkeypatch.setattr(command, "ALL", {"speed": lambda *, quick: SECTION if quick else None, "faults": None})
    out = tmp_path / "deep" / "page.md"
    assert command.main(["--quick", "--only", "speed", "--out", str(out)]) == 1
    assert "by `python -m benchmarks --quick --only speed`" in out.read_text("utf-8")
    assert "## Speed" in capsys.readouterr().out


def test_what_cannot_be_measured_is_one_line(monkeypatch, capsys, tmp_path):
    def broken(*, quick):
        raise BenchmarkError(f"no server (quick: {quick})")

    monkeypatch.setattr(command, "bind_to_cores", lambda: 2)
    monkeypatch.setattr(command, "warm_up", lambda: None)
    monkeypatch.setattr(command, "os", type("os", (), {"environ": {}}))
    monkeypatch.setattr(command, "ALL", {"speed": broken})
    assert command.main(["--only", "speed", "--out", str(tmp_path / "page.md")]) == command.FAILED
    assert capsys.readouterr().err.splitlines()[-1] == "benchmarks: speed: no server (quick: False)"
    assert not (tmp_path / "page.md").exists()


@pytest.mark.parametrize("words", [("--only", "speed,threads"), ("--faults", "0"), ("--faults", "many")])
def test_bad_options_are_refused(words, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(list(words))
    assert ended.value.code == 2
    assert words[1].partition(",")[0] in capsys.readouterr().err


def test_make_runs_them():
    assert "-m benchmarks $(ARGS)" in (ROOT / "Makefile").read_text("utf-8")

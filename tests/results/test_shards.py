"""Shards of a run: shared out the same everywhere, and merged into what one run would have said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from support import samples
from support.commands import device_grant, lines_of

from device_grant.cli.results.merge import merge as command
from device_grant.engine.shards import Share
from device_grant.errors import ExitCode, UsageError
from device_grant.report.view import View
from device_grant.results import Baseline, Known, Report, count, merge, read, save
from device_grant.results.model import Shard
from device_grant.results.settling import BEGINNING, settle
from device_grant.results.shards import merge_shards, shards_of

pytestmark = pytest.mark.long

ONE, TWO = "rfc8628-3.5-one", "rfc8628-3.5-two"


def result(requirement, verdict, check, **changes):
    return samples.result(requirement, verdict, check=check, **changes)


def known(requirement, **changes):
    return Known(requirement=requirement, **({"reason": "looked at"} | changes))


def shard(index, *results, of=2, entries=(), header=(), steps=(), **footer):
    """A shard that ran its checks and says so in its last line."""
    part = Shard(index=index, of=of, checks=4, selection="abc", known=list(entries))
    marked = [Baseline(tuple(entries)).mark(one, date(2026, 1, 1)) for one in results]
    cases = tuple(samples.case(check=name, steps=list(steps)) for name in dict.fromkeys(one.check for one in results))
    head = samples.header(**({"shard": part, "command": f"device-grant run x --shard {index}/{of}"} | dict(header)))
    report = Report(header=head, cases=cases, results=tuple(marked))
    facts = {"expired": [], "finished": "2026-03-01T09:31:00Z", "duration": 2.0, "exchanges": 3} | footer
    return replace(report, footer=settle(report, Baseline(tuple(entries)), **facts))


def merged(*shards):
    return merge_shards({f"shard-{number}": one for number, one in enumerate(shards, 1)})


def verdicts(report):
    return {(one.requirement, one.check): one.verdict for one in report.results}


def test_all_shards_are_one_report():
    one = merged(
        shard(2, result(TWO, "fail", "b"), duration=5.0, header={"started": "2026-03-01T09:29:00Z"}),
        shard(1, result(ONE, "pass", "a")),
    )
    footer = one.report.footer
    assert not one.problems
    assert [case.check for case in one.report.cases] == ["a", "b"]
    assert verdicts(one.report) == {(ONE, "a"): "pass", (TWO, "b"): "fail"}
    assert (footer.cases, footer.exchanges, footer.duration, footer.exit_code) == (2, 6, 5.0, ExitCode.FAILED)
    assert footer.counts == count(merge(one.report.results))
    assert footer.unexpected == [TWO]
    assert one.report.header.shard is msgspec.UNSET
    assert one.report.header.started == "2026-03-01T09:29:00Z"
    assert one.report.header.command == "device-grant run x"


def test_an_invariant_is_as_bad_as_its_worst_shard():
    parts = [
        shard(1, result(ONE, "fail", "invariants::i", judged=2, message="here")),
        shard(2, result(ONE, "pass", "invariants::i", judged=3)),
    ]
    for order in (parts, parts[::-1]):
        [only] = merged(*order).report.results
        assert (only.verdict, only.judged, only.message) == ("fail", 5, "here")


def test_what_only_fills_gaps_goes_where_another_shard_has_judged():
    parts = [
        shard(1, result(ONE, "untestable", "fuzz", spare=True), result(TWO, "untestable", "fuzz", spare=True)),
        shard(2, result(ONE, "pass", "a")),
    ]
    report = merged(*parts).report
    assert verdicts(report) == {(TWO, "fuzz"): "untestable", (ONE, "a"): "pass"}
    assert all(one.spare is msgspec.UNSET for one in report.results)


@pytest.mark.parametrize(
    ("elsewhere", "stale", "code"), [("fail", [], ExitCode.CONFORMANT), ("pass", [ONE], ExitCode.FAILED)]
)
def test_stale_is_what_happens_in_no_shard(elsewhere, stale, code):
    entries = (known(ONE),)
    first = shard(1, result(ONE, "pass", "a"), entries=entries)
    assert not first.footer.stale
    assert first.footer.exit_code == ExitCode.CONFORMANT
    footer = merged(first, shard(2, result(ONE, elsewhere, "b"), entries=entries)).report.footer
    assert footer.stale == stale
    assert footer.exit_code == code


def test_expired_and_withheld_are_not_lost():
    entries = (known(TWO, expires=date(2020, 1, 1)),)
    first = shard(1, result(ONE, "pass", "a"), entries=entries, expired=[TWO], withheld=1)
    footer = merged(first, shard(2, result(ONE, "pass", "b"), entries=entries, withheld=2)).report.footer
    assert (footer.expired, footer.withheld, footer.exit_code) == ([TWO], 3, ExitCode.FAILED)


def test_a_shard_may_judge_nothing_and_the_whole_may_not():
    def part(index, verdict="not-applicable"):
        return shard(index, result(ONE, verdict, f"check {index}"))

    assert part(1).footer.exit_code == ExitCode.CONFORMANT
    assert merged(part(1), part(2)).report.footer.exit_code == ExitCode.NOTHING_RAN
    assert merged(part(1), part(2, "pass")).report.footer.exit_code == ExitCode.CONFORMANT
    assert shard(1).footer.exit_code == ExitCode.NOTHING_RAN


def test_nothing_began_in_any_shard():
    footer = merged(shard(1, result(ONE, "untestable", BEGINNING)), shard(2, result(TWO, "pass", "b"))).report.footer
    assert footer.exit_code == ExitCode.NOTHING_RAN


def test_pseudonyms_of_two_shards_are_not_one_secret():
    def part(index):
        step = samples.exchange(answer='{"device_code": "<device_code 2>", "user_code": "<user_code 1>"}')
        return shard(index, result(ONE, "fail", f"check {index}", steps=[step]), steps=[step])

    report = merged(part(1), part(2)).report
    bodies = [one.steps[0].response.body for one in (*report.cases, *report.results)]
    assert bodies[0] == bodies[2] == '{"device_code": "<device_code 2>", "user_code": "<user_code 1>"}'
    assert bodies[1] == bodies[3] == '{"device_code": "<device_code 4>", "user_code": "<user_code 2>"}'


def test_machines_may_differ():
    parts = [
        shard(1, result(ONE, "pass", "a"), header={"python": "3.11.2", "seed": 1, "clock": "faketime"}),
        shard(2, result(ONE, "pass", "b"), header={"python": "3.13.1", "seed": 2, "clock": "real"}),
    ]
    header = merged(*parts).report.header
    assert (header.python, header.seed, header.clock) == ("3.11.2, 3.13.1", None, "faketime, real")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dialect": "aws-sso-oidc"}, "dialect: aws-sso-oidc and rfc8628"),
        ({"target": "another"}, "target: another and example-idp"),
        ({"target_version": "9"}, "version of the target: 9 and 3.4.0"),
        ({"suite_version": "0.2.0"}, "version of the suite: 0.2.0 and 0.1.0"),
        ({"catalogue_revision": "0"}, "catalogue$"),
        ({"profile": "deep"}, "profile: deep and fast"),
        ({"claims": {}}, "claims$"),
    ],
)
def test_other_runs_are_refused(changes, said):
    with pytest.raises(UsageError, match=said):
        merged(shard(1, result(ONE, "pass", "a")), shard(2, result(ONE, "pass", "b"), header=changes))


def test_other_selections_numbers_and_baselines_are_refused():
    first = shard(1, result(ONE, "pass", "a"))
    other = shard(2, result(ONE, "pass", "b"))
    for changes, said in (
        ({"selection": "xyz"}, "selection of checks"),
        ({"of": 3}, "number of shards: 3 and 2"),
        ({"known": [known(ONE)]}, "baseline"),
    ):
        part = msgspec.structs.replace(other.header.shard, **changes)
        foreign = replace(other, header=msgspec.structs.replace(other.header, shard=part))
        with pytest.raises(UsageError, match=said):
            merged(first, foreign)


def test_what_is_no_shard_or_was_given_twice_is_refused():
    first = shard(1, result(ONE, "pass", "a"))
    with pytest.raises(UsageError, match=r"shard-2: shard 1/2 was given already, by shard-1"):
        merged(first, first)
    with pytest.raises(UsageError, match="not a shard"):
        merged(samples.report())
    with pytest.raises(UsageError, match="made for publication"):
        merged(replace(first, header=msgspec.structs.replace(first.header, published=True)))


def test_missing_and_interrupted_shards_are_named():
    first, second = shard(1, result(ONE, "pass", "a"), of=4), shard(3, result(TWO, "pass", "b"), of=4)
    one = merged(first, replace(second, footer=None))
    assert one.report.interrupted
    assert "shard 2/4, 4/4 are missing" in one.problems[0]
    assert "shard-2: shard 3/4 was interrupted" in one.problems[1]


def test_a_shard_claims_nothing_of_the_whole():
    view = View(shard(1, result(ONE, "pass", "a")))
    assert view.conformant is None
    assert any("shard 1/2 of a run of 4 checks" in remark for remark in view.remarks)
    assert View(merged(shard(1, result(ONE, "pass", "a")), shard(2, result(TWO, "pass", "b"))).report).conformant


def write(folder, report):
    save(report, folder / "results.jsonl")
    return str(folder)


def test_two_dialects_are_merged_each_by_itself(tmp_path):
    for index in (1, 2):
        for dialect in ("rfc8628", "aws-sso-oidc"):
            verdict = "fail" if dialect == "rfc8628" and index == 2 else "pass"
            part = shard(index, result(ONE, verdict, f"c{index}"), header={"dialect": dialect})
            write(tmp_path / f"shard-{index}" / dialect, part)
    out = tmp_path / "merged"
    # One folder that holds them all, as artifacts are downloaded.
    done = CliRunner().invoke(command, [str(tmp_path), "--report", str(out)], standalone_mode=False)
    assert done.return_value == 1, done.output
    assert read(out / "rfc8628").footer.unexpected == [ONE]
    assert read(out / "aws-sso-oidc").footer.exit_code == 0
    assert (out / "rfc8628" / "index.html").exists()


def test_the_command_refuses_to_write_over_a_shard(tmp_path):
    places = [write(tmp_path / str(index), shard(index, result(ONE, "pass", f"c{index}"))) for index in (1, 2)]
    with pytest.raises(UsageError, match="would write over the shard"):
        CliRunner().invoke(command, [*places, "--report", places[0]], standalone_mode=False, catch_exceptions=False)
    assert read(Path(places[0])).header.shard.index == 1
    assert list(shards_of([Path(place) for place in places])) == [""]


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "1/0", "a/b", "1/3/5", "-1/3", "1 / 3", "²/3"])
def test_what_is_no_part_of_a_whole(text):
    with pytest.raises(UsageError, match="from 1/3 to 3/3"):
        Share.parse(text)


def test_shards_of_a_run_find_what_the_run_finds(tmp_path):
    options = ("embedded:rfc8628", "--fault", "denial_as_invalid_grant")
    checks = ("--", "-k", "user_decision")
    folders = [tmp_path / name for name in ("1", "2", "whole")]
    runs = []
    for folder, part in zip(folders, (("--shard", "1/2"), ("--shard=2/2", "-n", "2"), ()), strict=True):
        runs.append(device_grant("run", *options, *part, "--report", str(folder), *checks, timeout=120))
    codes = [done.returncode for done in runs]
    # What fails is in one of them.
    assert (sorted(codes[:2]), codes[2]) == ([0, 1], 1), "".join(done.stdout + done.stderr for done in runs)
    done = device_grant("merge", str(folders[1]), str(folders[0]), "--report", str(tmp_path / "merged"))
    assert done.returncode == 1, done.stdout + done.stderr
    whole, together = lines_of(folders[2]), lines_of(tmp_path / "merged")
    for kind, names in (("case", ["check"]), ("result", ["requirement", "check", "verdict"])):
        one, other = (
            sorted([line[name] for name in names] for line in lines if line["kind"] == kind)
            for lines in (whole, together)
        )
        assert one == other
    assert all(together[-1][name] == whole[-1][name] for name in ("counts", "unexpected", "cases", "exit_code"))
    cases = [{line["check"] for line in lines_of(folder) if line["kind"] == "case"} for folder in folders[:2]]
    assert cases[0].isdisjoint(cases[1])
    done = device_grant("merge", str(folders[0]))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "device-grant: shard 2/2 is missing: nothing is known of what it judges"

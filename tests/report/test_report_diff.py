"""Two runs compared: what newly fails is a regression, everything else is only said."""

from __future__ import annotations

import io
import json

import msgspec
import pytest
from click.testing import CliRunner
from rich.console import Console
from support import samples
from support.samples import written

from device_grant.cli.results.diff import diff as command
from device_grant.errors import UsageError
from device_grant.report.diff import as_json, compare, render
from device_grant.results import Report
from device_grant.results.reader import FILE_NAME

ONE = "rfc8628-3.5-access-denied"


def run(*results, dialect="rfc8628", complete=True, **changes):
    footer = samples.clean().footer if complete else None
    if footer is not None:
        footer = msgspec.structs.replace(footer, **changes)
    return Report(header=samples.header(dialect), results=results, footer=footer)


def kinds(before, after):
    return [(change.result.requirement, change.kind) for change in compare("x", before, after).changes]


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("pass", "fail", "newly-failing"),
        ("untestable", "fail", "newly-failing"),
        ("fail", "pass", "newly-passing"),
        ("warn", "pass", "newly-passing"),
        ("fail", "observed", "newly-passing"),
        ("pass", "warn", "changed"),
        ("fail", "warn", "changed"),
        ("untestable", "pass", "changed"),
        ("fail", "untestable", "changed"),
    ],
)
def test_a_change_of_verdict(before, after, kind):
    assert kinds(run(samples.result(ONE, before)), run(samples.result(ONE, after))) == [(ONE, kind)]


def test_gone_and_new():
    one, other = samples.result(ONE, "fail"), samples.result("rfc8628-3.2-user-code-present", "pass")
    assert kinds(run(one), run(other)) == [(other.requirement, "new"), (ONE, "gone")]


def test_a_sampled_pass_may_come_and_go():
    drawn = samples.result(ONE, "pass", sampled=True)
    assert kinds(run(drawn), run()) == []
    assert kinds(run(), run(drawn)) == []
    assert any("1 pass comes or goes" in remark for remark in compare("x", run(drawn), run()).remarks)
    # What all runs must say, and what is worse than a pass, is a change.
    assert kinds(run(samples.result(ONE, "pass")), run()) == [(ONE, "gone")]
    assert kinds(run(drawn), run(samples.result(ONE, "fail"))) == [(ONE, "newly-failing")]


def test_a_new_check_that_fails_is_a_regression():
    assert kinds(run(), run(samples.result(ONE, "fail"))) == [(ONE, "newly-failing")]


def test_checks_of_one_requirement_are_told_apart():
    before = run(samples.result(ONE, "pass", check="a::test"), samples.result(ONE, "fail", check="b::test"))
    after = run(samples.result(ONE, "fail", check="a::test"), samples.result(ONE, "fail", check="b::test"))
    [change] = compare("x", before, after).changes
    assert (change.result.check, change.kind) == ("a::test", "newly-failing")


def test_an_expectation_that_came_or_went_is_a_change():
    expected = samples.result(ONE, "fail", expected="deviation")
    difference = compare("x", run(expected), run(samples.result(ONE, "fail")))
    assert [change.words for change in difference.of("changed")] == ["fail (expected: deviation) → fail"]
    assert not difference.regressed


@pytest.mark.parametrize("kind", ["deviation", "disputed", "unread"])
def test_what_the_baseline_expects_is_known_and_no_regression(kind):
    before, after = run(samples.result(ONE, "pass")), run(samples.result(ONE, "fail", expected=kind))
    assert kinds(before, after) == [(ONE, "known")]
    assert not compare("x", before, after).regressed


def test_entries_that_no_longer_hold_are_said():
    after = run(samples.result(ONE, "pass"), stale=[f"{ONE} (x)"], expired=["rfc8628-3.2-user-code-present"])
    remarks = compare("x", run(samples.result(ONE, "pass")), after).remarks
    assert f"An entry of the baseline no longer happens: {ONE} (x)." in remarks
    assert "An entry of the baseline has expired: rfc8628-3.2-user-code-present." in remarks


def test_a_first_night_has_no_predecessor(tmp_path):
    there = written(tmp_path / "b", run(samples.result(ONE, "fail")))
    (tmp_path / "empty").mkdir()
    for absent in ("nothing", "empty"):
        done = CliRunner().invoke(command, [str(tmp_path / absent), str(there)], standalone_mode=False)
        assert done.return_value == 0
        assert "no earlier run" in done.output
    done = CliRunner().invoke(command, [str(tmp_path / "nothing"), str(there), "--json"], standalone_mode=False)
    assert json.loads(done.output) == {"regressed": False, "runs": [], "only": {}, "first": True}
    done = CliRunner().invoke(command, [str(tmp_path / "nothing"), str(tmp_path / "c")], standalone_mode=False)
    assert isinstance(done.exception, UsageError), "what is to be compared must be there"


def test_a_baseline_can_be_given_afterwards(tmp_path):
    before = written(tmp_path / "a", run(samples.result(ONE, "pass")))
    after = written(tmp_path / "b", run(samples.result(ONE, "fail")))
    known = tmp_path / "baseline.toml"
    known.write_text(f'[[known]]\nrequirement = "{ONE}"\nreason = "fixed in the next release"\n')
    arguments = [str(before), str(after)]
    assert CliRunner().invoke(command, arguments, standalone_mode=False).return_value == 1
    done = CliRunner().invoke(command, [*arguments, "--expect", str(known)], standalone_mode=False)
    assert (done.return_value, "Newly failing, as the baseline expects" in done.output) == (0, True)
    known.write_text(known.read_text() + "expires = 2020-01-31\n")
    done = CliRunner().invoke(command, [*arguments, "--expect", str(known)], standalone_mode=False)
    assert (done.return_value, "has expired" in done.output) == (1, True)
    done = CliRunner().invoke(command, [str(before), str(before), "--expect", str(known)], standalone_mode=False)
    assert (done.return_value, "no longer happens" in done.output) == (0, True)


def test_flaky_failures_come_and_go():
    after = run(samples.result(ONE, "fail", expected="flaky"))
    assert kinds(run(samples.result(ONE, "pass")), after) == [(ONE, "known")]


def test_a_changed_message_is_no_change():
    before = run(samples.result(ONE, "fail", message="a", judged=2))
    assert kinds(before, run(samples.result(ONE, "fail", message="b", judged=3))) == []


def test_dialects_are_not_mixed():
    with pytest.raises(UsageError, match="the first run speaks rfc8628, the second aws-sso-oidc"):
        compare("x", run(), run(dialect="aws-sso-oidc"))


def test_remarks_on_what_limits_the_comparison():
    before = run(complete=False)
    after = run(withheld=3, suite_errors=1)
    header = msgspec.structs.replace(after.header, target_version="3.5.0", catalogue_revision="other")
    remarks = " ".join(compare("x", before, Report(header=header, footer=after.footer)).remarks)
    for part in (
        "The first run was interrupted: what it did not reach is listed as new",
        "The second file withholds results",
        "The suite itself broke in 1 check of the second run",
        "version went from 3.4.0 to 3.5.0",
        "different catalogues",
    ):
        assert part in remarks, part


def test_it_reads_on_a_narrow_terminal_without_colour():
    before = run(samples.result(ONE, "pass"), samples.result("rfc8628-3.2-user-code-present", "warn"))
    after = run(
        samples.shown(ONE, "fail", message=samples.HOSTILE), samples.result("rfc8628-3.2-user-code-present", "pass")
    )
    out = io.StringIO()
    render(compare("idp", before, after), Console(file=out, width=48, no_color=True, highlight=False))
    text = out.getvalue()
    samples.assert_in_order(
        text, ["idp", "1 newly failing, 1 newly passing", "Newly failing (1)", "pass → fail", "Newly passing (1)"]
    )
    assert max(map(len, text.splitlines())) <= 48
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_data_says_the_same():
    difference = compare("idp", run(samples.result(ONE, "pass")), run(samples.result(ONE, "fail"), withheld=2))
    data = as_json([difference], {"other": "first"})
    assert data["regressed"] is True
    assert data["only"] == {"other": "first"}
    [one] = data["runs"]
    assert (one["dialect"], one["after"]["withheld"], one["before"]["interrupted"]) == ("rfc8628", 2, False)
    [change] = one["changes"]
    assert (change["kind"], change["requirement"]) == ("newly-failing", ONE)
    assert (change["before"], change["after"]) == (
        {"verdict": "pass", "expected": ""},
        {"verdict": "fail", "expected": ""},
    )


@pytest.mark.parametrize(("verdict", "code", "said"), [("pass", 0, "The same 1 verdict"), ("fail", 1, "Newly failing")])
def test_the_command(tmp_path, verdict, code, said):
    before = written(tmp_path / "a", run(samples.result(ONE, "pass")))
    after = written(tmp_path / "b", run(samples.result(ONE, verdict)))
    # A folder and a file are the same thing to name.
    done = CliRunner().invoke(command, [str(before), str(after / FILE_NAME)], standalone_mode=False)
    assert done.exception is None, done.exception
    assert done.return_value == code
    assert said in done.output


def test_the_command_prints_json(tmp_path):
    before = written(tmp_path / "a", run(samples.result(ONE, "pass")))
    done = CliRunner().invoke(command, [str(before), str(before), "--json"], standalone_mode=False)
    assert json.loads(done.output)["regressed"] is False


def test_folders_of_runs_are_paired_by_name(tmp_path):
    for side, verdict in (("a", "pass"), ("b", "fail")):
        written(tmp_path / side / "embedded" / "rfc8628", run(samples.result(ONE, verdict)))
        written(tmp_path / side / "embedded" / "aws-sso-oidc", run(dialect="aws-sso-oidc"))
    written(tmp_path / "a" / "nanoidp", run())
    done = CliRunner().invoke(command, [str(tmp_path / "a"), str(tmp_path / "b")], standalone_mode=False)
    assert done.return_value == 1
    text = " ".join(done.output.split())
    assert "embedded-rfc8628: example-idp" in text
    assert "nanoidp: only in" in text


def test_folders_without_a_common_run_are_refused(tmp_path):
    for side, names in (("a", ("x", "y")), ("b", ("z",))):
        for name in names:
            written(tmp_path / side / name, run())
    done = CliRunner().invoke(command, [str(tmp_path / "a"), str(tmp_path / "b")], standalone_mode=False)
    assert isinstance(done.exception, UsageError)
    assert "no run in common: x, y there, z here" in str(done.exception)


def test_a_folder_without_results_is_refused(tmp_path):
    done = CliRunner().invoke(command, [str(tmp_path), str(tmp_path)], standalone_mode=False)
    assert isinstance(done.exception, UsageError)
    assert f"no {FILE_NAME} in it" in str(done.exception)

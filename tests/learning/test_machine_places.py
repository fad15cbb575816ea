"""Learned machines and measured times beside reports: in the folder of a run, and published in the matrix."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from lxml import html
from support import samples
from support.learned import recorded_reference

from device_grant.catalogue import load
from device_grant.cli import cli
from device_grant.cli.matrix import machines
from device_grant.cli.matrix.fleet import Job
from device_grant.errors import UsageError
from device_grant.learning.machine import differences
from device_grant.learning.masking import masked
from device_grant.learning.record import encoded, publishable, published, read, withheld
from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.report.attachments import MEASURED, attachments
from device_grant.report.machines.apart import groups, placed, spoken_plainly
from device_grant.report.publication import write
from device_grant.results import Report
from device_grant.results.writer import save

ROOT = Path(__file__).resolve().parent.parent.parent


def whole(name, dialect=RFC8628):
    return published(msgspec.structs.replace(recorded_reference(dialect, "basic"), target=name))


def theirs(name, *faults):
    return withheld(msgspec.structs.replace(recorded_reference(RFC8628, "public", *faults), target=name))


@pytest.mark.parametrize("dialect", [RFC8628, AWS_SSO_OIDC])
@pytest.mark.parametrize("fault", ["", "slow_down_ends_session", "denial_ignored", "code_reusable"])
def test_a_masked_machine_is_the_one_that_is_learned_to_be_published(dialect, fault):
    faults = [fault] if fault else []
    learned, full = (recorded_reference(dialect, name, *faults) for name in ("public", "basic"))
    assert not differences(masked(full), learned.machine)
    assert masked(learned) == learned.machine


def test_what_sets_a_machine_apart_is_a_sentence():
    gone = theirs("gone", "denial_then_token", "token_before_approval")
    made = placed(
        {
            "own": whole("own"),
            "same": theirs("same"),
            "deaf": theirs("deaf", "denial_ignored"),
            "gone": gone,
        },
        ["own"],
    )
    assert made["own"].remark == "The machine that the others are compared with."
    assert made["same"].remark == "Nothing sets it apart from the reference server."
    assert made["gone"].remark == "No machine of it is published."
    assert made["same"].same == ("own",)
    assert made["deaf"].sentences[0] == (
        "After a denial, a poll at the interval is answered pending; the reference server answers denied. "
        "The texts do not allow that: rfc8628-3.5-access-denied."
    )
    assert [group.names for group in groups(made)] == [("own", "same"), ("deaf",)]


def test_a_word_is_a_sentence():
    assert spoken_plainly(["poll_now"], ["slow_down"]) == "A poll at once is answered slow_down"
    assert spoken_plainly(["poll_now", "deny", "poll_polite"], ["pending", "ok", "denied"]) == (
        "After a poll at once (pending), then a denial, a poll at the interval is answered denied"
    )


@pytest.fixture
def folder(tmp_path):
    """Published reports on the reference server, and on two servers of which what is about security is withheld."""
    reports = {
        "embedded-rfc8628": Report(header=samples.header(spec="embedded:rfc8628"), results=samples.clean().results),
        "theirs": Report(header=samples.header(), results=samples.clean().results),
        "silent": Report(header=samples.header(), results=samples.clean().results),
    }
    write(reports, tmp_path, load(), lambda report: report.header.spec != "embedded:rfc8628")
    (tmp_path / "embedded-rfc8628" / "machine.json").write_text(encoded(whole("embedded")))
    (tmp_path / "theirs" / "machine.json").write_text(encoded(theirs("theirs", "denial_ignored")))
    return tmp_path


def withholds(report):
    return report.header.spec != "embedded:rfc8628"


def test_the_matrix_and_each_page_show_the_machines(folder):
    write({}, folder, load(), withholds)
    page = html.parse(folder / "index.html")
    [section] = page.xpath("//section[@aria-labelledby='part-machines']")
    assert [one.text_content() for one in section.xpath(".//h3")] == ["embedded-rfc8628", "theirs"]
    assert len(section.xpath(".//svg")) == 2
    assert "No machine is published of silent." in section.text_content()
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    for target in section.xpath(".//figure//a/@href"):
        assert section.xpath(f".//tr[@id='{target[1:]}']")
    own = html.parse(folder / "theirs" / "index.html").xpath("//section[@aria-labelledby='part-machine']")[0]
    assert "The texts do not allow that: rfc8628-3.5-access-denied." in own.text_content()
    assert own.xpath(".//svg")
    silent = html.parse(folder / "silent" / "index.html").xpath("//section[@aria-labelledby='part-machine']")[0]
    assert "No machine of it is published." in silent.text_content()


def test_the_same_machines_make_the_same_pages(folder):
    write({}, folder, load(), withholds)
    before = {file: file.read_bytes() for file in folder.rglob("*.html")}
    write({}, folder, load(), withholds)
    assert {file: file.read_bytes() for file in folder.rglob("*.html")} == before


def test_a_machine_that_tells_what_is_withheld_is_not_published(folder):
    (folder / "theirs" / "machine.json").write_text(encoded(whole("theirs")))
    with pytest.raises(UsageError, match="tells what is withheld of theirs"):
        write({}, folder, load(), withholds)


def test_what_learns_a_server_and_where_it_is_kept(tmp_path):
    embedded = machines.learning([Job("embedded", ("run", "embedded"))])
    assert [job.name for job in embedded] == [
        "machine-embedded-rfc8628",
        "times-embedded-rfc8628",
        "machine-embedded-aws-sso-oidc",
        "times-embedded-aws-sso-oidc",
    ]
    other, times = machines.learning([Job("dex", ("run", "dex"), folder=tmp_path)])
    assert times.arguments == ("measure", "dex", "--pace")
    assert other.arguments[:4] == ("learn", "dex", "--inputs", "public")
    assert other.output == "--out"
    with pytest.raises(UsageError, match="only servers have a machine"):
        machines.learning([Job("client-boto3", ("client", "boto3"))])


def test_the_command_learns_and_publishes(tmp_path):
    words = ["matrix", "--learn", "embedded", "--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
    result = CliRunner().invoke(cli, words, standalone_mode=False)
    assert result.exception is None
    assert "embedded-rfc8628: 6 states" in result.output
    record = json.loads((tmp_path / "out" / "embedded-rfc8628" / "machine.json").read_text())
    assert (record["complete"], record["requests"], record["set"]) == (True, 0, "basic")
    times = json.loads((tmp_path / "out" / "embedded-rfc8628" / MEASURED).read_text())["times"]
    assert [row["name"] for row in times] == ["interval", "slow_down", "life of a code", "life once approved"]
    both = CliRunner().invoke(cli, [*words, "--run"], standalone_mode=False)
    assert isinstance(both.exception, UsageError)


def test_a_machine_that_may_not_be_told_leaves_no_file(tmp_path):
    for record in (theirs("x", "token_before_approval"), whole("x")):
        (tmp_path / "machine.json").write_text("{}")
        assert machines._kept(record, tmp_path, own=False) == "no machine is published"
        assert not (tmp_path / "machine.json").exists()
    assert machines._kept(whole("x"), tmp_path, own=True).startswith("6 states")


def invoke(*words):
    result = CliRunner().invoke(cli, words, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


def test_a_report_shows_what_was_learned_and_measured_in_its_folder(tmp_path):
    save(Report(header=samples.header(target="embedded"), results=samples.clean().results), tmp_path / "results.jsonl")
    invoke("learn", "embedded", "--inputs", "poll_polite,approve", "--out", str(tmp_path))
    invoke("measure", "embedded", "--out", str(tmp_path))
    page = html.parse(tmp_path / "index.html")
    assert page.xpath("//section[@aria-labelledby='part-machine']//svg")
    [table] = page.xpath("//table[@class='times']")
    assert [row.xpath("string(./th)") for row in table.xpath(".//tbody/tr")] == [
        "interval",
        "slow_down",
        "life of a code",
        "life once approved",
    ]
    assert [cell.text_content() for cell in table.xpath(".//tbody/tr[3]/td")] == ["600\N{NO-BREAK SPACE}s"] * 2
    assert json.loads((tmp_path / MEASURED).read_text())["data"]["code"]["said"] == 600


def test_what_is_about_another_target_or_broken_costs_only_itself(tmp_path):
    report = Report(header=samples.header(target="shop"), results=samples.clean().results)
    (tmp_path / "machine-basic.json").write_text(encoded(whole("other")))
    (tmp_path / "machine-time.json").write_text("{")
    (tmp_path / MEASURED).write_text("[]")
    made = attachments(tmp_path, report)
    assert (made.parts, made.measured, len(made.remarks)) == ((), None, 3)
    assert "machine-basic.json is about other" in " ".join(made.remarks)
    assert made.times == []


def test_every_machine_of_the_published_reports_may_be_known():
    files = sorted((ROOT / "reports").glob("*/machine.json"))
    assert len(files) > 15
    for file in files:
        record = read(file)
        assert record.complete
        assert publishable(record) or file.parent.name.startswith("embedded-"), file
        assert encoded(published(record)) == file.read_text("utf-8")

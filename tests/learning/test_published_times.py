"""Times that are published beside a report tell nothing of requirements on security."""

import msgspec
import pytest
from lxml import html
from support import samples
from support.learned import SECURITY
from support.proof import faults

from device_grant.catalogue import load
from device_grant.cli.matrix import machines
from device_grant.cli.measure import _record
from device_grant.errors import UsageError
from device_grant.judging import StopCheck
from device_grant.protocol import RFC8628
from device_grant.reference.embedded import embedded
from device_grant.report.attachments import (
    MEASURED,
    MeasuredRecord,
    TimeRow,
    publishable_times,
    published_times,
    withheld_times,
)
from device_grant.report.publication import write
from device_grant.results import Report
from device_grant.server.measuring.case import case_of
from device_grant.server.measuring.enforced import Measuring
from device_grant.server.session.run import new_run


def measured(*names):
    """What is measured of the reference server's pace; None where nothing can be."""
    with embedded(RFC8628, names) as target, target.clock:
        run = new_run(target, RFC8628, load())
        try:
            case = case_of(run)
            record = _record(run, Measuring(case, case.device).measure(lives=False))
            return msgspec.structs.replace(record, target="shop")
        except StopCheck:
            return None
        finally:
            run.close()


def written(*names):
    """What would be published of it if it were somebody else's; empty: nothing."""
    record = measured(*names)
    if record is None:
        return b""
    record = withheld_times(record)
    return msgspec.json.encode(published_times(record)) if publishable_times(record) else b""


def test_the_pace_is_published():
    record = withheld_times(measured())
    assert publishable_times(record)
    assert [row.name for row in record.times] == ["interval", "slow_down"]
    assert published_times(record).times[1].enforced == "adds 5 s and 5 s: then 9 s, 14 s"


@pytest.mark.parametrize("fault", [one for one in SECURITY if RFC8628 in faults()[one]])
def test_no_fault_of_security_is_in_the_times(fault):
    assert written(fault) in {written(), b""}


@pytest.mark.parametrize(
    ("fault", "said"), [("slow_down_adds_a_minute", "adds 60 s and 60 s"), ("slow_down_doubles", "adds 5 s and 10 s")]
)
def test_other_faults_are_in_the_times(fault, said):
    assert said in written(fault).decode()


def times(*rows, **members):
    said = MeasuredRecord(target="shop", dialect=RFC8628, clock="faketime", times=list(rows), **members)
    return withheld_times(said)


def test_why_a_pace_was_not_measured_is_not_written():
    record = times(left_out={"interval": "a code came to its end before its pace was measured: ok"})
    assert "ok" not in msgspec.json.encode(record.left_out).decode().replace("token", "")
    assert not publishable_times(record)
    life = TimeRow("life of a code", "600 s", "900 s")
    record = times(TimeRow("interval", "5 s", "4.6 s"), TimeRow("slow_down", "", "adds 5 s"), life, data={"code": 900})
    assert publishable_times(record)
    assert b"900" not in msgspec.json.encode(record)
    assert not publishable_times(msgspec.structs.replace(record, times=[*record.times, life]))
    assert not publishable_times(msgspec.structs.replace(record, left_out={}))


def test_tenths_are_told_below_two_seconds_alone():
    record = published_times(
        times(TimeRow("interval", "1 s", "0.5 s"), TimeRow("slow_down", "", "adds 5 s: then 5.6 s"))
    )
    assert [row.enforced for row in record.times] == ["0.5 s", "adds 5 s: then 6 s"]


def test_the_page_shows_them_and_refuses_what_is_withheld(tmp_path):
    report = Report(header=samples.header(target="shop"), results=samples.clean().results)
    folder, work = tmp_path / "out", tmp_path / "work"
    write({"shop": report}, folder, load(), lambda _: True)
    work.mkdir()
    rows = TimeRow("interval", "5 s", "4.6 s"), TimeRow("slow_down", "", "adds 5 s: then 9.6 s")
    (work / MEASURED).write_bytes(msgspec.json.encode(times(*rows)))
    assert machines._times_kept(work, folder / "shop", own=False).startswith("interval, slow_down, ")
    write({}, folder, load(), lambda _: True)
    [table] = html.parse(folder / "shop" / "index.html").xpath("//table[@class='times']")
    assert [cell.text_content() for cell in table.xpath(".//tbody/tr[1]/td")] == ["5\N{NO-BREAK SPACE}s"] * 2
    whole = MeasuredRecord(
        target="shop", dialect=RFC8628, clock="x", times=[*rows, TimeRow("life of a code", "", "9 s")]
    )
    (folder / "shop" / MEASURED).write_bytes(msgspec.json.encode(whole))
    with pytest.raises(UsageError, match="tells what is withheld of shop"):
        write({}, folder, load(), lambda _: True)
    (work / MEASURED).write_bytes(msgspec.json.encode(whole))
    assert machines._times_kept(work, folder / "shop", own=False) == "no times are published"
    assert not (folder / "shop" / MEASURED).exists()

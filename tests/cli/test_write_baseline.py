"""A first baseline that a run writes, and a person reads."""

from __future__ import annotations

import re
import tomllib

from support.commands import device_grant, one_line

QUICK = ("--only", "rfc8628-3.5-access-denied", "--only", "rfc8628-3.5-device-code-single-use")
BROKEN = ("run", "embedded:rfc8628", *QUICK, "--fault", "denial_as_invalid_grant")


def test_first_baseline_is_expected_and_counted_as_unread(tmp_path):
    first = device_grant(*BROKEN, "--write-baseline", "known.toml", cwd=tmp_path)
    assert first.returncode == 1, first.stdout + first.stderr
    assert re.search(r"Baseline: known.toml \(1 entry added", first.stdout)
    known = tomllib.loads((tmp_path / "known.toml").read_text("utf-8"))["known"]
    assert {entry["requirement"] for entry in known} == {"rfc8628-3.5-access-denied"}
    assert {entry["kind"] for entry in known} == {"unread"}

    second = device_grant(*BROKEN, "--expect", "known.toml", cwd=tmp_path)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "nobody has given a reason" in second.stdout
    assert "rfc8628-3.5-access-denied (unread)" in second.stdout


def test_what_the_file_holds_stays(tmp_path):
    file = tmp_path / "known.toml"
    kept = '# ours\n[[known]]\nrequirement = "rfc8628-3.5-access-denied"\nreason = "the page has no refusal yet"\n'
    file.write_text(kept, "utf-8")
    arguments = ("--expect", "known.toml", "--write-baseline", "known.toml")
    assert device_grant(*BROKEN, *arguments, cwd=tmp_path).returncode == 0
    assert file.read_text("utf-8") == kept
    device_grant(*BROKEN, "--fault", "code_reusable", *arguments, cwd=tmp_path)
    text = file.read_text("utf-8")
    assert text.startswith(kept)
    known = tomllib.loads(text)["known"]
    assert len(known) > 1
    assert len({(entry["requirement"], entry.get("check")) for entry in known}) == len(known)


def test_client_too(tmp_path):
    words = ("client", "honest:rfc8628", "--only", "rfc8628-3.4-grant-type-value", "--fault", "grant_type_short")
    assert device_grant(*words, "--write-baseline", "known.toml", cwd=tmp_path).returncode == 1
    assert device_grant(*words, "--expect", "known.toml", cwd=tmp_path).returncode == 0


def test_nothing_failed(tmp_path):
    done = device_grant(*BROKEN[:-2], "--write-baseline", "known.toml", cwd=tmp_path)
    assert done.returncode == 0
    assert "nothing to add" in done.stdout
    assert not (tmp_path / "known.toml").exists()


def test_file_that_cannot_be_written(tmp_path):
    done = device_grant(*BROKEN, "--write-baseline", "/dev/null/known.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot be written" in one_line(done)


def test_only_unread_entries_do_without_a_reason(tmp_path):
    (tmp_path / "known.toml").write_text('[[known]]\nrequirement = "rfc8628-3.5-access-denied"\nreason = ""\n', "utf-8")
    done = device_grant(*BROKEN, "--expect", "known.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "reason" in one_line(done)

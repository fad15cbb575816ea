"""The generated pages of docs/ say what the catalogue, the checks and the faults say now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli.coverage import coverage
from conformance.cli.docs import NOTICE, PAGES, main
from conformance.reference.faults import Faults
from conformance.requirements import load

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("page", PAGES)
def test_generated_page_is_not_stale(page):
    written = (DOCS / page).read_text("utf-8")
    assert NOTICE in written
    # A plain comparison would print the whole page.
    assert (written == PAGES[page](coverage())) is True, f"docs/{page} is stale: run `make docs`"


def test_coverage_has_a_row_for_each_requirement():
    rows = re.findall(r"^\| `([^`]+)` \|", PAGES["reference/coverage.md"](coverage()), re.MULTILINE)
    assert rows == [entry.id for entry in load().requirements]


def test_every_caveat_is_in_the_register():
    entries = re.findall(r"^### `([^`]+)`", PAGES["explanation/ambiguities.md"](coverage()), re.MULTILINE)
    assert entries == [entry.id for entry in load().requirements if entry.caveat]


def test_every_fault_is_listed_with_what_catches_it():
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", PAGES["reference/faults.md"](coverage()), re.MULTILINE)
    assert [name for name, _ in rows] == [name for name, _, _ in Faults.catalogue()]


def test_tables_are_tables():
    for render in PAGES.values():
        lines = render(coverage()).splitlines()
        for number, line in enumerate(lines):
            if re.fullmatch(r"\|(-+:?\|)+", line):
                columns = len(_cells(line))
                body = lines[number - 1 : number + 1] + lines[number + 1 : _end(lines, number)]
                assert {len(_cells(row)) for row in body} == {columns}


def _cells(row):
    return re.split(r"(?<!\\)\|", row)[1:-1]


def _end(lines, start):
    return next((number for number in range(start, len(lines)) if not lines[number].startswith("|")), len(lines))


def test_stale_pages_are_named_then_written(tmp_path):
    runner = CliRunner()
    stale = runner.invoke(main, ["--check", str(tmp_path)])
    assert stale.exit_code == 1
    assert "stale: reference/faults.md" in stale.output
    assert not list(tmp_path.iterdir())
    written = runner.invoke(main, [str(tmp_path)])
    assert written.exit_code == 0
    assert (tmp_path / "reference" / "faults.md").read_text("utf-8").startswith("# Faults\n")
    fresh = runner.invoke(main, ["--check", str(tmp_path)])
    assert (fresh.exit_code, fresh.output) == (0, "")


def test_missing_folder_is_one_line(tmp_path):
    done = CliRunner().invoke(main, [str(tmp_path / "nowhere")])
    assert done.exit_code != 0
    assert "name the docs folder" in done.output

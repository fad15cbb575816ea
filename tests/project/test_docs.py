"""The generated pages of docs/ say what the catalogue, the checks and the faults say now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import ROOT

import device_grant
from device_grant.catalogue import load
from device_grant.cli import COMMANDS
from device_grant.cli.requirements.coverage import coverage
from device_grant.errors import ExitCode
from device_grant.reference.server.faults import Faults
from device_grant.results.schema import schema
from tools.docs import NOTICE, PAGES, main

DOCS = ROOT / "docs"


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


def test_every_public_report_is_listed():
    listed = re.findall(
        r"^\| \[[^]]+\]\((\S+)\) \| `([^`]+)`", PAGES["explanation/field-bugs.md"](coverage()), re.MULTILINE
    )
    assert len(listed) > 1
    assert sorted(listed) == sorted((one, entry.id) for entry in load().requirements for one in entry.seen_in)


def test_every_fault_is_listed_with_what_catches_it():
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", PAGES["reference/faults.md"](coverage()), re.MULTILINE)
    assert [name for name, _ in rows] == [name for name, _, _ in Faults.catalogue()]


def test_every_command_and_exit_code_has_its_place():
    page = PAGES["reference/cli.md"](coverage())
    assert re.findall(r"^## device-grant (\w+)$", page, re.MULTILINE) == list(COMMANDS)
    assert re.findall(r"^\| (\d) \| (?=\w)", page, re.MULTILINE) == [str(int(code)) for code in ExitCode]
    run = page.split("## device-grant run\n")[1].split("\n## ")[0]
    assert "| `--only ID-OR-GLOB` | Judge only these requirements; may be repeated. |" in run
    assert "| `--user FILE\\|prompt` |" in run


def test_every_member_of_the_results_is_listed_with_what_it_means():
    page = PAGES["reference/results.md"](coverage())
    for name, definition in schema()["$defs"].items():
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        kind = definition["properties"].get("kind", {}).get("enum", [])
        members = set(definition["properties"]) - ({"kind"} if len(kind) == 1 else set())
        assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == members
    assert "| `elapsed` | number | `0.0` | Real seconds until the response was complete. |" in page
    assert "| `request` | [HttpRequest](#httprequest) or null | `null` |" in page


def test_every_variable_that_is_read_is_listed():
    page = (DOCS / "reference" / "environment.md").read_text("utf-8")
    folder = Path(device_grant.__file__).parent
    code = "".join(file.read_text("utf-8") for file in folder.rglob("*.py") if "_implementations" not in file.parts)
    read = set(re.findall(r'(?:environ(?:\.get\(|\[)|envvar=|VARIABLE = )"([A-Z_]+)"', code))
    assert {"DEVICE_GRANT_CHROMIUM", "NO_COLOR"} <= read
    # platformdirs reads this one for us.
    read.add("XDG_CACHE_HOME")
    # What the reference client is told, like any client, is in client-toml.md.
    assert {name for name in read - {"HOME", "SSL_CERT_FILE", "BROWSER"} if f"`{name}`" not in page} == set()


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

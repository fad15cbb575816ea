"""What README.md and docs/ show is done here for real: commands, files in Python and TOML, workflows, links."""

from __future__ import annotations

import ast
import os
import re
import shlex
import sys
from functools import cache
from pathlib import Path

import click
import pytest
import yaml
from support import ROOT, documented
from support.documented import EXCUSES, NARROW, NARROW_CLIENT, World
from support.needs import needs
from support.pages import ALL, LANGUAGES, PAGES, assert_printed, patched, steps_of

from device_grant.catalogue import load as catalogue
from device_grant.cli import COMMANDS, cli
from device_grant.client.drivers.load import read_client
from device_grant.results.baseline import load as read_baseline
from device_grant.targets.load import read_target
from device_grant.targets.users import ModuleUser

# What a page shows works where nothing special is installed, unless `documented.NEEDS` says what its commands need.
pytestmark = [needs(), pytest.mark.long]
EXTENDING = "docs/explanation/extending.md"
STORIES = {"docs/tutorial/first-run.md": "first-run", EXTENDING: "extending"}
"""Pages whose blocks are done in order in one folder, each with its name."""
SHELL = [block for block in ALL if block.language == "sh" and block.page not in STORIES]


def of(language):
    # In CONTRIBUTING.md Python is a piece of the suite itself.
    elsewhere = {*STORIES, "CONTRIBUTING.md"}
    collected = [block for block in ALL if block.language == language and block.page not in elsewhere]
    return pytest.mark.parametrize("block", collected, ids=[block.place for block in collected])


@pytest.fixture(scope="session")
def server():
    """Launches a reference server of a dialect when it is first asked for."""
    running = {}

    def base(dialect):
        if dialect not in running:
            words = ["serve", "--dialect", dialect, "--port", "0", "--interval", "1"]
            running[dialect] = documented.launch(words, ROOT)
        return re.search(r"http://\S+", running[dialect][1])[0]

    yield base
    for process, _ in running.values():
        documented.end(process)


@pytest.fixture
def world(tmp_path, server, monkeypatch):
    monkeypatch.setenv(
        "PATH", f"{tmp_path / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("DEVICE_GRANT_DATABASE", raising=False)
    made = World(tmp_path, server)
    yield made
    made.close()


@pytest.mark.parametrize(
    "block", [pytest.param(block, id=block.place, marks=needs(*documented.needed(block))) for block in SHELL]
)
def test_commands(block, world):
    world.furnish()
    world.borrow_cassettes(block.text)
    world.run(block)
    shown = ALL[ALL.index(block) + 1 :][:1]
    if shown and (shown[0].page, shown[0].language) == (block.page, "text"):
        assert_printed(shown[0], world.said)


@pytest.mark.parametrize("page", STORIES)
def test_story(page, world):
    world.story = STORIES[page]
    if page == EXTENDING:
        world.check_out()
    for block in (block for block in ALL if block.page == page):
        match block.language:
            case "sh":
                world.run(block)
            case "text":
                assert_printed(block, world.said)
            case "diff":
                file = world.cwd / block.title
                file.write_text(patched(file.read_text("utf-8"), block), "utf-8")
                # Python compares times in seconds before it compiles a file again.
                os.utime(file, (later := file.stat().st_mtime + 10 * block.line, later))
            case _:
                file = world.cwd / block.title
                file.parent.mkdir(exist_ok=True)
                file.write_text(block.text, "utf-8")


@of("python")
def test_python(block, world):
    world.furnish()
    file = world.folder / (block.title or "shown.py")
    file.write_text(world.substituted(block.text), "utf-8")
    if block.title == "user.py":
        names = {node.name for node in ast.parse(block.text).body if isinstance(node, ast.FunctionDef)}
        # Pages may show a part of the module.
        missing = sorted({"approve", "deny"} - names)
        file.write_text(block.text + "".join(f"\n\ndef {name}(http, grant): ...\n" for name in missing), "utf-8")
        user = ModuleUser(file)
        assert names & {"approve", "deny"} or [name for name in names if getattr(user.pages, name, None)]
        return
    world.borrow_cassettes(block.text)
    tested = block.title.startswith("test_")
    code, said = world.pytest([file.name]) if tested else world.program([sys.executable, file.name])
    assert code == 0, said


@of("toml")
def test_toml(block, world, monkeypatch):
    world.furnish()
    for variable in re.findall(r'_env = "(\w+)"', block.text):
        monkeypatch.setenv(variable, "the-secret-of-an-example")
    file = world.folder / block.title
    named = block.text if re.search(r"^name = ", block.text, re.MULTILINE) else f'name = "part"\n{block.text}'
    match block.title:
        case "target.toml":
            file.write_text(named, "utf-8")
            assert read_target(file).config.name
        case "client.toml":
            file.write_text(named, "utf-8")
            assert read_client(file).config.run.command
        case "baseline.toml":
            file.write_text(block.text, "utf-8")
            assert read_baseline(file, [entry.id for entry in catalogue().requirements]).known
        case _:
            pytest.fail(f"{block.place}: give the block the title of its file")


@of("yaml")
def test_workflows(block):
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    steps = steps_of(block.text)
    used = [step for step in steps if "device-grant" in step.get("uses", "")]
    commands = [step["run"] for step in steps if step.get("run", "").startswith("device-grant ")]
    assert used or commands
    for step in used:
        assert set(step["with"]) <= set(action["inputs"])
        assert {name for name, one in action["inputs"].items() if one.get("required")} <= set(step["with"])
        outputs = set(re.findall(rf"steps\.{step['id']}\.outputs\.([\w-]+)", block.text))
        assert outputs <= set(action["outputs"])
    for command in commands:
        documented.parse(shlex.split(re.sub(r"\$\{\{.*?\}\}", "1", command))[1:])


def test_every_block_says_what_it_is():
    assert [block.place for block in ALL if block.language not in LANGUAGES] == []
    assert [block.place for block in ALL if block.language == "diff" and block.page not in STORIES] == []


def test_every_excuse_is_needed():
    lines = [line for block in ALL if block.language == "sh" for line in block.commands()]
    excuses = [documented.excused(line) for line in lines]
    assert [one.pattern for one in EXCUSES if one not in excuses] == []


def test_every_need_is_of_a_command():
    needed = {thing for block in SHELL for thing in documented.needed(block)}
    assert needed == {thing for _, thing in documented.NEEDS}


@pytest.mark.parametrize("word", documented.EXIT_CODES)
def test_every_noted_exit_code_is_of_a_command(word):
    lines = [line for block in ALL if block.language == "sh" for line in block.commands()]
    assert any(" ".join(shlex.split(line, comments=True)) == word for line in lines)


def test_what_is_asked_for_instead_of_everything_exists():
    assert {NARROW, NARROW_CLIENT} <= {entry.id for entry in catalogue().requirements}


SPOKEN = sorted([*PAGES, *(ROOT / name for name in ("ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md"))])


@pytest.mark.parametrize("page", SPOKEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_options_in_the_text_exist(page):
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for spoken in re.findall(r"`device-grant ([^`]+)`", prose):
        name, *words = spoken.split()
        if name.startswith("-") or name == "COMMAND":
            continue
        assert name in COMMANDS, spoken
        context = click.Context(cli, info_name="device-grant")
        command = cli.get_command(context, name)
        known = {option for one in command.params for option in getattr(one, "opts", ())} | {"--help", "-h"}
        assert set(documented.options(words)) <= known, spoken


@cache
def anchors(page):
    if page.suffix == ".html":
        return set(re.findall(r'\bid="([^"]+)"', page.read_text("utf-8")))
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page):
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [link for link in re.findall(r"\]\(([^()\s]+)\)", text) if "://" not in link]


@pytest.mark.parametrize("page", SPOKEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page):
    for link in links(page):
        name, _, anchor = link.partition("#")
        to = (page.parent / name).resolve() if name else page
        assert to.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in anchors(to), f"{page.name}: {link}"


def test_the_index_lists_every_page():
    listed = {(ROOT / "docs" / link).resolve() for link in links(ROOT / "docs" / "index.md")}
    assert {page for page in (ROOT / "docs").rglob("*.md") if page.name != "index.md"} - listed == set()


def test_pictures_are_described():
    pictures = [entry for page in PAGES for entry in re.findall(r"(?<!`)!\[(.*?)\]\(", page.read_text("utf-8"))]
    assert pictures
    assert all(len(text) > 40 for text in pictures)

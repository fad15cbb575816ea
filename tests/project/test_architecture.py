"""The shape of the tree: who may import whom, how long a module may be, and what no file may say."""

import ast
import io
import os
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from support import ROOT

from device_grant.targets.config import TargetConfig

LONGEST_MODULE = 450
CODE = ("conformance", "strategies", "implementations", "tests", "benchmarks", "tools")
NOT_OURS = frozenset(
    {
        ".git",
        ".hypothesis",
        ".import_linter_cache",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".tox",
        ".venv",
        "__pycache__",
        "build",
        "dist",
        "node_modules",
    }
)
# As regular expressions these do not match themselves, so this file may be searched like the others.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root|home/\w+)/")
REGISTRY_HOSTS = re.compile(r"pypi\.(?:python\.)?org|pythonhosted\.org|registry\.(?:npmjs\.org|yarnpkg\.com)")
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
REASONED_NOQA = re.compile(r"#\s*noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*\s+-\s+\S")


def files_of_the_tree() -> Iterator[Path]:
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(set(subfolders) - NOT_OURS)
        # In a working tree beside the first one, .git is a file.
        yield from (Path(folder, name) for name in sorted(set(names) - NOT_OURS))


def modules(*rooms: str) -> list[Path]:
    return [path for path in files_of_the_tree() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in rooms]


def nodes(paths: list[Path], needed: re.Pattern[str]) -> Iterator[tuple[Path, ast.AST]]:
    """Syntax of the modules in whose text the pattern occurs; to parse all the others takes several times as long."""
    for path in paths:
        text = path.read_text("utf-8")
        if needed.search(text):
            yield from ((path, node) for node in ast.walk(ast.parse(text)))


def imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(module=str(module)):
            return [module, *(f"{module}.{alias.name}" for alias in node.names)]
        case _:
            return []


def noqa_comments(source: str) -> list[tuple[int, str]]:
    if "noqa" not in source:
        return []
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [
        (token.start[0], token.string)
        for token in tokens
        if token.type == tokenize.COMMENT and re.search(r"#\s*(?:ruff:\s*)?noqa\b", token.string)
    ]


def lines_matching(pattern: re.Pattern[str]) -> list[str]:
    collected = []
    for path in files_of_the_tree():
        text = path.read_text("utf-8", errors="replace")
        for number, line in enumerate(text.splitlines() if pattern.search(text) else (), 1):
            if match := pattern.search(line):
                collected.append(f"{path.relative_to(ROOT)}:{number}: {match[0]}")
    return collected


def test_rooms_import_downwards_only():
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as c; c()",
            "--no-logo",
            "--no-cache",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 broken" in run.stdout


def test_every_room_is_in_the_layers_contract():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layers = {name.strip() for row in settings["contracts"][0]["layers"] for name in re.split(r"[|:]", row)}
    rooms = {
        f"device_grant.{entry.name.removesuffix('.py')}"
        for entry in (ROOT / "conformance" / "device_grant").iterdir()
        if entry.name != "__init__.py" and (entry.suffix == ".py" or (entry / "__init__.py").is_file())
    }
    assert rooms <= layers, "add the room to the layers in pyproject.toml and to ARCHITECTURE.md"


def test_tests_share_by_way_of_support_only():
    """What two test modules need stands in tests/support; importing a test module would run its fixtures twice."""
    folder = ROOT / "tests"
    # The peers in these two are no helpers but what is tested with: only their test modules are meant.
    peers = [*(folder / "peers").glob("*.py"), *(folder / "hostile").glob("*.py")]
    shared = {path for path in peers if not path.name.startswith("test_")}
    names = {path.stem for path in {*folder.rglob("*.py")} - shared if path.parent.name != "support"}
    collected = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
        for path in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in imported(node)
        if name.split(".")[-1] in names and not name.startswith("device_grant")
    ]
    assert collected == [], "move it to tests/support"


def test_tests_have_one_conftest():
    assert [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("conftest.py")] == [
        "tests/conftest.py"
    ]


def test_tests_stand_in_the_rooms_of_what_they_test():
    rooms = {entry.name for entry in (ROOT / "conformance" / "device_grant").iterdir()}
    collected = {entry.name for entry in (ROOT / "tests").iterdir() if entry.is_dir() and entry.name != "__pycache__"}
    assert collected - rooms - {"hostile", "peers", "project", "strategies", "support"} == set()


def test_modules_stay_short():
    long = {
        f"{path.relative_to(ROOT)}: {count} lines"
        for path in modules("conformance", "strategies")
        if (count := len(path.read_text("utf-8").splitlines())) > LONGEST_MODULE
    }
    assert not long, "split by subject"


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, REGISTRY_HOSTS], ids=["machine-paths", "registry-hosts"])
def test_no_file_names(pattern):
    assert lines_matching(pattern) == []


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        (MACHINE_PATHS, "see /" + "work/main/x", True),
        (MACHINE_PATHS, '"/' + 'root/.cache"', True),
        (MACHINE_PATHS, "https://example.com/" + "work/x", False),
        (REGISTRY_HOSTS, "https://files.pythonhosted." + "org/x", True),
        (REGISTRY_HOSTS, '"resolved": "https://registry.npmjs.' + 'org/x"', True),
        (REGISTRY_HOSTS, "https://www.rfc-editor.org/rfc/rfc8628", False),
    ],
)
def test_the_needles_find_what_they_should(pattern, line, expected):
    assert bool(pattern.search(line)) is expected


def test_every_noqa_has_its_reason():
    bare = [
        f"{path.relative_to(ROOT)}:{line}: {comment}"
        for path in modules(*CODE)
        for line, comment in noqa_comments(path.read_text("utf-8"))
        if not REASONED_NOQA.search(comment)
    ]
    assert bare == [], "write it as: noqa: CODE - the reason"


@pytest.mark.parametrize(
    ("source", "reasoned"),
    [
        ("x = 1  # noqa: S105 - the name of an endpoint\n", True),
        ("x = 1  # noqa: S105, S106 - two of a kind\n", True),
        ("x = 1  # noqa: S105\n", False),
        ("x = 1  # noqa\n", False),
        ("# ruff: noqa\n", False),
    ],
)
def test_a_bare_noqa_is_seen(source, reasoned):
    [(_, comment)] = noqa_comments(source)
    assert bool(REASONED_NOQA.search(comment)) is reasoned


def test_every_ruff_ignore_has_its_reason():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    section = text.split("[tool.ruff.lint]")[1].split("[tool.importlinter]")[0]
    ignored = [line for line in section.splitlines() if re.match(r'\s*"[A-Z]+\d*",?', line)]
    ignored += [line for line in section.splitlines() if re.match(r'"[^"]+" = \["', line) and "INP001" not in line]
    assert ignored
    assert [line for line in ignored if "#" not in line] == []


def _sections(struct: type) -> Iterator[tuple[str, type]]:
    for field in msgspec.structs.fields(struct):
        yield field.encode_name, struct
        for nested in (field.type, *getattr(field.type, "__args__", ())):
            if isinstance(nested, type) and issubclass(nested, msgspec.Struct):
                yield from _sections(nested)


def test_the_reference_of_target_toml_names_every_key():
    page = (ROOT / "docs/reference/target-toml.md").read_text("utf-8")
    keys = {name for name, _ in _sections(TargetConfig)}
    assert {"name", "ready_timeout", "start_url", "grants", "prompt"} <= keys
    assert {key for key in keys if f"`{key}`" not in page and f"[{key}]" not in page} == set()


def test_no_class_name_stands_twice():
    # Whoever searches for a noun finds one thing. Private classes of one module are its own matter.
    places: dict[str, list[str]] = {}
    for path, node in nodes(modules("conformance", "strategies"), re.compile(r"\bclass [^\W_]")):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            places.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_modules_of_checks_do_not_import_each_other():
    # What two of them need belongs to a room below, or to a module beside them that holds no checks.
    collected = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
        for path, node in nodes(modules("conformance"), re.compile(r"\btest_"))
        if isinstance(node, ast.ImportFrom)
        for name in [node.module or ""]
        if name.startswith("device_grant.") and name.split(".")[-1].startswith("test_")
    ]
    assert collected == []


PRIVATE_WORDS = frozenset({"found", "told", "heed", "reel", "lesser", "abreast", "crew", "telling", "tellings"})


def test_no_name_is_private_vocabulary():
    # Such names say nothing to whoever meets them for the first time; what a value is, is a better name for it.
    private = []
    words = re.compile(rf"\b_*(?:{'|'.join(PRIVATE_WORDS)})_*\b", re.IGNORECASE)
    for path, node in nodes(modules(*CODE), words):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                pass
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                pass
            case _:
                continue
        if name.strip("_").lower() in PRIVATE_WORDS:
            private.append(f"{path.relative_to(ROOT)}:{node.lineno}: {name}")
    assert private == []

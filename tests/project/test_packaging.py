"""The wheel: everything that a run needs is inside, and nothing of the workshop."""

import fnmatch
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import HeaderParser

import pytest
from support import ROOT

INGREDIENTS = ("conformance", "strategies", "implementations", "tests", "LICENSE", "README.md", "pyproject.toml")
IMPLEMENTATIONS = "device_grant/_implementations/"
LEFTOVERS = (
    "implementations/servers/planted/node_modules/left-over/index.js",
    "implementations/servers/planted/.venv/pyvenv.cfg",
    "implementations/servers/planted/__pycache__/serve.cpython-311.pyc",
    "implementations/servers/planted/server.log",
    "device_grant/__pycache__/planted.cpython-311.pyc",
)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel of a copy of the tree into which the leftovers of a busy checkout were planted."""
    folder = tmp_path_factory.mktemp("packaging")
    tree = folder / "tree"
    tree.mkdir()
    for name in INGREDIENTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("node_modules", ".venv", "__pycache__"))
        else:
            shutil.copy2(source, tree / name)
    for name in LEFTOVERS:
        planted = tree / name
        planted.parent.mkdir(parents=True, exist_ok=True)
        planted.write_text("left over")
    build = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist"), str(tree)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert build.returncode == 0, build.stdout + build.stderr
    [path] = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.fixture(scope="session")
def names(wheel):
    return wheel.namelist()


@pytest.mark.parametrize(
    "pattern",
    [
        "device_grant/py.typed",
        "device_grant_strategies/py.typed",
        "device_grant/cli/__init__.py",
        "device_grant/pytest_plugin/__init__.py",
        "device_grant/pytest.ini",
        "device_grant/_implementations/servers/*/baseline.toml",
        "device_grant/catalogue/*.yaml",
        "device_grant/report/templates/*",
        "device_grant/reference/server/templates/*",
        "device_grant/results/schema.json",
        "device_grant/server/checks/*/test_*.py",
        "device_grant/_implementations/servers/*/target.toml",
        "device_grant/_implementations/servers/*/user.py",
        "*.dist-info/licenses/LICENSE",
    ],
)
def test_the_wheel_holds(names, pattern):
    assert fnmatch.filter(names, pattern)


def test_every_file_of_the_implementations_is_in_the_wheel(names):
    folder = ROOT / "implementations"
    ours = {
        IMPLEMENTATIONS + path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not {"node_modules", ".venv", "__pycache__"}.intersection(path.parts)
    }
    assert ours
    assert ours <= set(names)


def test_nothing_of_the_workshop_is_in_the_wheel(names):
    rooms = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert rooms == {"device_grant", "device_grant_strategies"}
    parts = {part for name in names for part in name.split("/")}
    assert parts.isdisjoint({"node_modules", ".venv", "__pycache__", "planted", "server.log"})


def test_metadata_and_entry_points(wheel, names):
    [metadata_name] = fnmatch.filter(names, "*.dist-info/METADATA")
    metadata = HeaderParser().parsestr(wheel.read(metadata_name).decode())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert metadata["Name"] == project["name"]
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"
    [entry_points_name] = fnmatch.filter(names, "*.dist-info/entry_points.txt")
    entry_points = wheel.read(entry_points_name).decode()
    assert "device-grant = device_grant.cli:main" in entry_points
    assert "device-grant = device_grant.pytest_plugin" in entry_points

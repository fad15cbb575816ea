"""The wheel: what a run needs is inside, nothing of the workshop, and nothing that other people's code meets."""

import fnmatch
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
from support import ROOT

pytestmark = pytest.mark.long

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
def file(tmp_path_factory):
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
    return path


@pytest.fixture(scope="session")
def wheel(file):
    with zipfile.ZipFile(file) as archive:
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


OWN = {
    "conformance/__init__.py": "NAME = 'theirs'\n",
    "strategies/__init__.py": "NAME = 'theirs'\n",
    "implementations/__init__.py": "NAME = 'theirs'\n",
    "tests/__init__.py": "NAME = 'theirs'\n",
    "tests/test_own.py": """\
import conformance, implementations, strategies, tests


def test_names(pytestconfig):
    assert {one.NAME for one in (conformance, implementations, strategies, tests)} == {"theirs"}
    assert (pytestconfig.getoption("--target"), pytestconfig.getoption("--client")) == ("staging", "me")
""",
    "conftest.py": """\
def pytest_addoption(parser):
    parser.addoption("--target")
    parser.addoption("--client")
""",
    "app.py": """\
import strategies
from device_grant.reference.server.app import create_app

assert strategies.NAME == "theirs"
app = create_app()
""",
    "user.py": "from device_grant.reference.server import user\n\napprove, deny = user.approve, user.deny\n",
}
"""Somebody's project, whose packages have the names of our folders."""


@pytest.fixture(scope="session")
def installed(file, tmp_path_factory):
    """The programs of an environment with the wheel; what it depends on comes from the environment of these tests."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    words = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    done = subprocess.run([*words, str(file)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [packages] = (folder / "venv" / "lib").glob("python*/site-packages")
    # A path that a .pth file names is searched, but its own .pth files, as that of our checkout, are not read.
    (packages / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return python.parent


@pytest.fixture
def project(tmp_path):
    for name, text in OWN.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(program, *words, cwd):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST_"))}
    done = subprocess.run(
        [str(program), *words], cwd=cwd, env=clean, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_is_what_is_imported(installed, project):
    code = "import device_grant, device_grant_strategies as s; print(device_grant.__file__, s.__file__)"
    ours, strategies = run(installed / "python", "-I", "-c", code, cwd=project).split()
    assert {Path(one).parents[1] for one in (ours, strategies)} == {
        Path(entry) for entry in installed.parent.glob("lib/python*/site-packages")
    }


def test_other_peoples_tests_go_on_as_before(installed, project):
    said = run(installed / "python", "-m", "pytest", "-q", "--target", "staging", "--client", "me", cwd=project)
    assert "1 passed" in said


def test_an_application_may_have_packages_of_our_folders_names(installed, project):
    words = ("asgi:app:app", "--user", "user.py", "--only", "rfc8628-3.5-access-denied", "--report", "report")
    assert "Conformant" in run(installed / "device-grant", "run", *words, cwd=project)
    assert (project / "report" / "index.html").is_file()


def test_checks_by_pytest_beside_other_peoples_options(installed, project):
    words = ("--pyargs", "device_grant.server.checks", "--grant-target", "asgi:app:app", "--grant-user", "user.py")
    said = run(installed / "python", "-m", "pytest", "-q", *words, "-k", "test_denial_is_final", cwd=project)
    assert "1 passed" in said


def test_the_container_is_made_of_what_there_is_and_is_not_root():
    text = (ROOT / "Containerfile").read_text("utf-8")
    lines = [line.split() for line in text.splitlines()]
    assert [words[1] for words in lines if words[:1] == ["USER"]] == ["tester"]
    assert text.index("useradd") < text.index("USER tester") < text.index("ENTRYPOINT")
    assert 'ENTRYPOINT ["device-grant"]' in text
    assert "chromium libfaketime" in text
    kept = [line[1:] for line in (ROOT / ".containerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    assert all((ROOT / name).exists() for name in kept), "what the image is made of is there"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    included = {name.split("/")[1] for name in project["tool"]["hatch"]["build"]["targets"]["wheel"]["include"]}
    assert included | {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]} <= set(
        kept
    )

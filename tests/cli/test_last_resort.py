"""Whatever breaks in the command is one line, a file, and exit code 3; an address that is none is exit code 2."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from device_grant import cli
from device_grant.errors import ExitCode
from device_grant.protocol import Secrets
from device_grant.pytest_plugin.session import SessionPlugin

NO_ADDRESSES = (
    "http://[::1/token",
    "http://a:99999999/",
    "https://[v1.x]/",
    "http://a..b/",
    f"http://{'a' * 70}.test/",
    "http://xn--/",
    "http://\udc80",
)


def ended(arguments, capsys):
    """Exit code, and what was said on standard error."""
    with pytest.raises(SystemExit) as ending:
        cli.main(arguments)
    return ending.value.code, capsys.readouterr().err


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)


def crash_file(said):
    assert len(said.splitlines()) == 1
    assert said.startswith("device-grant: the suite itself broke: ")
    return Path(re.search(r"\((\S+) says where", said)[1])


def test_what_breaks_is_one_line_and_a_file(monkeypatch, capsys):
    secrets = Secrets()
    secrets.register("device_code", "device-code-of-this-run")

    def broken(**_):
        raise ValueError("no number: device-code-of-this-run\nand a second line \udc80")

    monkeypatch.setattr(cli.cli, "get_command", lambda *_: click.Command("list", callback=broken))
    code, said = ended(["list"], capsys)
    assert code == ExitCode.SUITE_ERROR
    story = crash_file(said).read_text()
    assert "Traceback (most recent call last)" in story
    assert "in broken" in story
    assert "device-code-of-this-run" not in story + said
    assert "<device_code 1>" in said


@pytest.mark.parametrize("error", [RecursionError("deep"), MemoryError(), ExceptionGroup("two", [ValueError("one")])])
def test_so_is_what_is_no_ordinary_error(monkeypatch, capsys, error):
    def broken(**_):
        raise error

    monkeypatch.setattr(cli.cli, "get_command", lambda *_: click.Command("list", callback=broken))
    code, said = ended(["list"], capsys)
    assert code == ExitCode.SUITE_ERROR
    assert type(error).__name__ in crash_file(said).read_text()


def test_so_is_what_breaks_within_pytest(monkeypatch, capsys):
    def broken(*_):
        raise RuntimeError("the plugin itself")

    monkeypatch.setattr(SessionPlugin, "pytest_runtest_logstart", broken)
    code, said = ended(["run", "embedded:rfc8628", "--check", "http::test_date", "-q"], capsys)
    assert code == ExitCode.SUITE_ERROR
    assert "the plugin itself" in said
    assert "in broken" in crash_file(said).read_text()


@pytest.mark.parametrize("address", NO_ADDRESSES)
@pytest.mark.parametrize("command", ["run", "doctor", "init"])
def test_an_address_that_is_none_is_refused_in_one_line(command, address, capsys):
    code, said = ended([command, address], capsys)
    assert code == ExitCode.USAGE
    assert len(said.splitlines()) == 1
    assert "not a URL" in said


@pytest.mark.parametrize("key", ["base", "token", "metadata"])
@pytest.mark.parametrize("address", NO_ADDRESSES[:-1])
def test_so_is_one_in_target_toml(key, address, tmp_path, capsys):
    base = "" if key == "base" else 'base = "http://127.0.0.1:9"\n'
    file = tmp_path / "target.toml"
    file.write_text(f'name = "x"\n[endpoints]\n{base}{key} = "{address}"\n')
    code, said = ended(["run", str(file)], capsys)
    assert code == ExitCode.USAGE
    assert len(said.splitlines()) == 1
    assert f"endpoints.{key}: " in said

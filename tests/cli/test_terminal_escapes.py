"""What a server or a client has written reaches a terminal escaped and cut, also as the reason why a command ended."""

import pytest

from device_grant import cli
from device_grant.errors import TargetUnreachableError
from device_grant.visible import visible

HOSTILE = "\x1b]0;owned\x07 \x9b31m \u202egpj.exe \U000e0041 [/red] " + "x" * 300_000


def test_the_line_that_ends_a_command_is_escaped_and_short(monkeypatch, capsys):
    def ended(*_arguments, **_options):
        raise TargetUnreachableError(f"t: the process ended before it was ready; {HOSTILE}")

    monkeypatch.setattr(cli.cli, "main", ended)
    with pytest.raises(SystemExit) as exit_:
        cli.main([])
    said = capsys.readouterr().err
    assert exit_.value.code == 4
    assert len(said) < 2_100
    assert said.count("\n") == 1
    assert not set(said) & set("\x1b\x07\x9b\u202e\U000e0041")
    assert r"\x1b]0;owned\x07 \x9b31m \u202egpj.exe \U000e0041" in said


def test_tags_that_nothing_shows_are_escaped():
    assert visible("a\U000e0062\u180eb") == r"a\U000e0062\u180eb"

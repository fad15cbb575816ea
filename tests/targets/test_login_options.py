"""The account in target.toml and on the command line, where its password comes from, and that it is written nowhere."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from device_grant.cli import cli
from device_grant.engine.options import Options, open_target_spec
from device_grant.errors import UsageError
from device_grant.targets import open_target, read_target
from device_grant.targets.config import PASSWORD_VARIABLE, PageSelectors, UserSection
from device_grant.targets.ports import UserError
from device_grant.targets.supplied import Supplied
from device_grant.targets.users import login_user, passwords_of
from device_grant.targets.users.login import account_of

LIVE = 'name = "x"\n[endpoints]\nbase = "http://127.0.0.1:1"\n'


@pytest.fixture(autouse=True)
def _no_password(monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "kept")  # so that what a test sets is taken back
    monkeypatch.delenv(PASSWORD_VARIABLE)


def nobody(name):
    raise AssertionError(f"the password of {name} is asked for")


def test_a_password_comes_from_the_file_the_named_variable_or_the_usual_one(monkeypatch):
    assert account_of("alice", password="open", ask=nobody).password == "open"
    monkeypatch.setenv("ALICE", "sesame")
    assert account_of("alice", variable="ALICE", ask=nobody).password == "sesame"
    monkeypatch.setenv(PASSWORD_VARIABLE, "usual")
    assert account_of("alice", ask=nobody).password == "usual"
    assert account_of("alice", variable="ALICE", ask=nobody).password == "sesame"


def test_a_typed_password_is_asked_for_once():
    assert account_of("alice", ask=lambda name: f"of {name}").password == "of alice"
    assert account_of("alice", ask=nobody).password == "of alice"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [({"variable": "NO_SUCH"}, "no variable NO_SUCH, or it is empty"), ({"ask": lambda _: ""}, "nothing was typed")],
)
def test_a_password_that_is_nowhere_is_one_line(options, complaint):
    with pytest.raises(UsageError, match=complaint):
        account_of("alice", **options)


ASKING = """
import os
os.open(os.ttyname(0), os.O_RDWR)  # the first terminal that the leader of a session opens is its own
from device_grant.targets.users.login import account_of
print("typed", len(account_of("alice").password))
"""


def test_a_terminal_is_asked_without_echo():
    terminal, other = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ASKING], stdin=other, stdout=other, stderr=other, start_new_session=True
    ) as child:
        os.close(other)
        shown = b""
        while b"Password of alice: " not in shown:
            shown += os.read(terminal, 1024)
        os.write(terminal, b"sesame\n")
        while b"typed 6" not in shown:
            shown += os.read(terminal, 1024)
        child.wait(30)
    os.close(terminal)
    assert b"sesame" not in shown


def test_a_second_person_has_an_account_at_the_same_pages(tmp_path, monkeypatch):
    monkeypatch.setenv("BOB", "builder")
    file = tmp_path / "target.toml"
    account = 'login = "alice"\npassword = "x"\nsecond = { login = "bob", password_env = "BOB" }\n'
    file.write_text('name = "a"\n[endpoints]\nbase = "https://a.example"\n[user]\n' + account)
    target = open_target(read_target(file))
    assert (passwords_of(target.user), passwords_of(target.second)) == (("x",), ("builder",))


def test_the_second_account_is_locked_by_commands(tmp_path):
    file = tmp_path / "target.toml"
    touch = '["{python}", "-c", "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()", "{dir}/locked"]'
    fail = '["{python}", "-c", "import sys; sys.exit(\'no such account\')"]'
    second = f'[user.second]\nlogin = "bob"\npassword = "x"\nlock = {touch}\nunlock = {fail}\n'
    file.write_text(LIVE + '[user]\nlogin = "alice"\npassword = "x"\n' + second)
    target = open_target(read_target(file))
    target.lock_second("lock")
    assert (tmp_path / "locked").exists()
    with pytest.raises(UserError, match="no such account"):
        target.lock_second("unlock")


def test_a_client_is_disabled_by_commands(tmp_path):
    file = tmp_path / "target.toml"
    touch = '["{python}", "-c", "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()", "{dir}/disabled"]'
    fail = '["{python}", "-c", "import sys; sys.exit(\'no such client\')"]'
    clients = f'[[clients]]\nid = "a"\n[[clients]]\nid = "b"\ndisable = {touch}\n'
    file.write_text(LIVE + clients + f"enable = {fail}\n")
    target = open_target(read_target(file))
    target.switch_client("b", "disable")
    assert (tmp_path / "disabled").exists()
    with pytest.raises(UserError, match="no such client"):
        target.switch_client("b", "enable")
    file.write_text(LIVE + clients)
    with pytest.raises(UsageError, match=r"clients\[1\]: has one of disable and enable"):
        read_target(file)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ('login = "a"\nprompt = true', "prompt and login; the user is one of module, command, prompt and login"),
        ('password = "x"', "user: has a password and no account"),
        ('login = "a"\nsecond = { module = "b.py", lock = ["l"] }', "user.second: has one of lock and unlock"),
        ('login = "a"\nsecond = { login = "b" }', "user.second: has an account and no password"),
        ('login = "a"\nsecond = { password = "b" }', "user.second: has a password and no account"),
        ('login = "a"\nsecond = { module = "b.py", login = "b", password = "c" }', "user.second: has module and login"),
        ('login = "a"\npassword = "x"\npassword_env = "Y"', "has password and password_env"),
        ('login = "a"\norigins = ["login.example"]', "user.origins: 'login.example' is not an origin"),
        ('login = "a"\npages = { deny = "a[" }', r"user\.pages\.deny: 'a\[' is not a CSS selector"),
        ('login = "a"\npages = { refuse = "a" }', r"user\.pages\.refuse: unknown key"),
    ],
)
def test_what_a_target_toml_must_not_say(tmp_path, lines, complaint):
    file = tmp_path / "target.toml"
    file.write_text(f"{LIVE}[user]\n{lines}\n")
    with pytest.raises(UsageError, match=complaint):
        read_target(file)


def test_options_stand_in_for_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("BOB", "builder")
    section = UserSection(login="alice", password="x", pages=PageSelectors(deny=".no"))
    assert Supplied(scope="a").user(section) is section
    assert Supplied(login="alice").user(section) == section
    other = Supplied(login="bob", password_env="BOB").user(section)
    assert (other.login, other.password, other.password_env) == ("bob", "", "BOB")
    assert other.pages == section.pages
    assert Supplied(login="bob").user(UserSection(module="user.py")) == UserSection(login="bob")
    assert passwords_of(login_user(other)) == ("builder",)
    with pytest.raises(UsageError, match="--password-env holds the password of an account: name it with --login"):
        Supplied(password_env="BOB").user(UserSection())
    file = tmp_path / "target.toml"
    file.write_text(LIVE + '[user]\nmodule = "user.py"\n')
    Path(tmp_path / "user.py").write_text("def approve(http, grant): ...\ndef deny(http, grant): ...\n")
    supplied = Supplied(login="bob", password_env="BOB")
    target = open_target_spec(Options(str(file), supplied=supplied))
    assert passwords_of(target.user) == ("builder",)
    assert supplied.words() == ("--login", "bob", "--password-env", "BOB")
    with pytest.raises(UsageError, match="the user is one of them"):
        open_target_spec(Options(str(file), supplied=supplied, user="prompt"))


def test_an_account_at_the_embedded_server(tmp_path, monkeypatch):
    monkeypatch.setenv("ALICE", "wonderland")
    words = ["run", "embedded:rfc8628", "--login", "alice", "--password-env", "ALICE", "--report", str(tmp_path)]
    result = CliRunner().invoke(cli, [*words, "--", "-k", "user_decision or verification_page"], standalone_mode=False)
    assert result.return_value == 0, result.output
    written = "".join(file.read_text() for file in tmp_path.iterdir())
    assert '"verdict":"pass"' in written
    assert '"verdict":"untestable"' not in written
    assert "wonderland" not in written

"""What three new users do, from an empty folder: how many commands, files and prompts until there is a verdict."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from support import shop
from support.commands import lines_of

from device_grant.targets import GrantView, UserError
from device_grant.targets.users.browser import Browser
from device_grant.targets.users.login import Account, LoginUser

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.long

COMMAND = Path(sys.executable).with_name("device-grant")
PASSWORD = shop.PEOPLE["alice"]


ONLY = ("--check", "user_decision::*", "--check", "one_time_use::*")
"""What a login is about, where everything would take minutes on a real clock."""


@dataclass
class Newcomer:
    """Somebody with a folder of their own, who is counted."""

    folder: Path
    commands: list[list[str]] = field(default_factory=list)
    prompts: int = 0

    @property
    def environment(self) -> dict[str, str]:
        home = {name: str(self.folder / "home") for name in ("HOME", "XDG_CACHE_HOME")}
        return {"PATH": os.environ["PATH"], "TERM": "xterm", "DEVICE_GRANT_PASSWORD": PASSWORD, **home}

    def does(self, *words: str) -> subprocess.CompletedProcess[str]:
        self.commands.append(list(words))
        return subprocess.run(
            [COMMAND, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def written(self) -> list[str]:
        """Files of theirs beside the application: neither the report nor what the suite keeps for itself."""
        own = ("home", "report", "__pycache__", "shop.py")
        return sorted(path.name for path in self.folder.iterdir() if path.name not in own)


@pytest.fixture
def newcomer(tmp_path):
    return Newcomer(tmp_path)


@contextmanager
def live(*times: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, shop.__file__, str(port), *times])
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def judged(folder: Path) -> dict[str, set[str]]:
    """Verdicts by requirement."""
    collected: dict[str, set[str]] = {}
    for line in lines_of(folder):
        if line["kind"] == "result":
            collected.setdefault(line["requirement"], set()).add(line["verdict"])
    return collected


def test_an_author_of_an_application_needs_two_commands_and_no_python(newcomer):
    shutil.copy(shop.__file__, newcomer.folder / "shop.py")
    knows = ("asgi:shop:app", "--client-id", "tv", "--login", "alice")
    looked = newcomer.does("doctor", *knows)
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert "All 6 steps went well." in looked.stdout
    ran = newcomer.does("run", *knows, "--report", "report", "-q")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Conformant: no failing requirement" in ran.stdout
    verdicts = judged(newcomer.folder / "report")
    assert len(verdicts) > 200
    assert "pass" in verdicts["rfc8628-3.5-success-after-approval"]
    assert (len(newcomer.commands), newcomer.prompts, newcomer.written()) == (2, 0, [])


def test_a_mistake_of_that_author_is_seen_by_the_same_two_commands(newcomer):
    source = Path(shop.__file__).read_text("utf-8")
    assert "        login.spent = True\n" in source
    (newcomer.folder / "shop.py").write_text(source.replace("        login.spent = True\n", ""))
    knows = ("asgi:shop:app", "--client-id", "tv", "--login", "alice")
    assert newcomer.does("doctor", *knows).returncode == 0
    ran = newcomer.does("run", *knows, "--only", "rfc8628-3.5-device-code-single-use", "-q")
    assert ran.returncode == 1
    assert "rfc8628-3.5-device-code-single-use" in ran.stdout


def test_who_runs_a_provider_needs_two_commands_and_no_python(newcomer):
    with live("30", "1") as url:
        knows = (url, "--client-id", "tv", "--login", "alice")
        looked = newcomer.does("doctor", *knows)
        assert looked.returncode == 0, looked.stdout + looked.stderr
        ran = newcomer.does("run", *knows, *ONLY, "--report", "report", "-q")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    verdicts = judged(newcomer.folder / "report")
    for name in ("success-after-approval", "access-denied", "device-code-single-use"):
        assert verdicts[f"rfc8628-3.5-{name}"] == {"pass"}, name
    assert (len(newcomer.commands), newcomer.prompts, newcomer.written()) == (2, 0, [])


def test_a_provider_without_a_client_id_says_what_to_add(newcomer):
    with live() as url:
        looked = newcomer.does("doctor", url)
    assert looked.returncode != 0
    assert "[[clients]]" in looked.stdout


def test_who_decides_by_hand_has_a_first_verdict_after_five_prompts(newcomer):
    with live("60", "1") as url:
        shown = by_hand(newcomer, "run", url, "--client-id", "tv", "--user", "prompt", *ONLY, "--report", "report")
    assert newcomer.prompts <= 5, shown[-3_000:]
    assert "Exit code 0" in shown, shown[-3_000:]
    verdicts = judged(newcomer.folder / "report")
    for name in ("success-after-approval", "access-denied", "device-code-single-use"):
        assert "pass" in verdicts[f"rfc8628-3.5-{name}"], (name, verdicts)
        assert "fail" not in verdicts[f"rfc8628-3.5-{name}"]
    assert (len(newcomer.commands), newcomer.written()) == (1, [])


def by_hand(newcomer: Newcomer, *words: str) -> str:
    """Run the command at a terminal whose person does what it asks for, and skips from the fifth prompt on."""
    newcomer.commands.append(list(words))
    child, terminal = pty.fork()
    if not child:
        os.chdir(newcomer.folder)
        os.execve(COMMAND, [str(COMMAND), *words], newcomer.environment)
    shown, answered, until = "", 0, time.monotonic() + 90
    user = LoginUser(Account("alice", PASSWORD))
    try:
        while time.monotonic() < until:
            if not select.select([terminal], [], [], 0.2)[0]:
                continue
            try:
                shown += os.read(terminal, 65_536).decode(errors="replace")
            except OSError:
                break  # the last one at the terminal has gone
            if shown.count("skip the rest >") > answered:
                answered += 1
                os.write(terminal, answer(user, shown.rpartition("Decision ")[2]) if answered < 5 else b"s\n")
    finally:
        os.close(terminal)
        os.waitpid(child, 0)
    newcomer.prompts = answered
    return shown


def answer(user: LoginUser, question: str) -> bytes:
    code = re.search(r"^  code  (\S+)", question, re.MULTILINE)
    place = re.search(r"^  open  (\S+)", question, re.MULTILINE)
    assert code
    assert place
    with Browser(httpx.Client(base_url=place[1]), base=place[1], timeout=10.0) as http:
        try:
            (user.approve if "ALLOW" in question else user.deny)(http, GrantView(code[1], place[1]))
        except UserError:
            return b"n\n"
    return b"\n"

"""What a shell completes: commands, options, and values that are those of the suite, and quickly."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from support.commands import device_grant

from device_grant.catalogue import load
from device_grant.cli import completion
from device_grant.client.drivers.config import Claims
from device_grant.engine.running import named_check
from device_grant.implementations import described
from device_grant.reference.client.faults import ClientFaults
from device_grant.reference.server.faults import Faults


def completed(*words: str) -> list[str]:
    """What is offered for the last word."""
    done = device_grant(
        env={
            "_DEVICE_GRANT_COMPLETE": "bash_complete",
            "COMP_WORDS": "\n".join(["device-grant", *words]),
            "COMP_CWORD": str(len(words)),
        }
    )
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line.startswith("plain,")]


def test_values_are_those_of_the_suite():
    assert sorted(completion.requirements()) == sorted(entry.id for entry in load().requirements)
    assert sorted(completion.faults("server")) == sorted(name for name, _, _ in Faults.catalogue())
    assert sorted(completion.faults("client")) == sorted(name for name, _, _ in ClientFaults.catalogue())
    named = set(completion.claims())
    assert {"confidential", "refresh", "revocation", "resource"} < named < set(Claims.__struct_fields__)
    for party in ("server", "client"):
        names = completion.checks(party)
        assert len(names) > 40
        assert all(named_check(name).party == party for name in names)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("ru",), ["run"]),
        (("run", "embed"), ["embedded"]),
        (("run", "embedded", "--only", "rfc8628-3.5-access-denied"), None),
        (("run", "embedded", "--check", "user_decision::test_denial_is"), ["user_decision::test_denial_is_final"]),
        (("run", "embedded", "--profile", "st"), ["standard"]),
        (("run", "--dialect", "aws"), ["aws-sso-oidc"]),
        (("run", "--client-auth", "client_secret_p"), ["client_secret_post"]),
        (("serve", "--fault", "code_reus"), ["code_reusable"]),
        (("client", "--claim", "met"), ["metadata"]),
        (("explain", "rfc8628-3.5-access-denied-"), ["rfc8628-3.5-access-denied-terminal"]),
        (("completion", "f"), ["fish"]),
    ],
)
def test_a_word_is_completed(words, offered):
    got = completed(*words)
    assert got == offered if offered is not None else len(got) >= 2


def test_known_servers_and_files_are_targets():
    assert set(completed("run", "")) == {"embedded", *described("servers")}
    assert set(completed("client", "")) == {"honest", *described("clients")}


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_each_shell_can_read_its_script(shell):
    done = device_grant("completion", shell)
    assert done.returncode == 0
    assert "_DEVICE_GRANT_COMPLETE" in done.stdout
    if shutil.which(shell):
        read = subprocess.run([shell, "-n"], input=done.stdout, text=True, capture_output=True, check=False)
        assert read.returncode == 0, read.stderr


def test_bash_completes_by_its_script(tmp_path):
    program = tmp_path / "device-grant"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m device_grant "$@"\n')
    program.chmod(0o755)
    script = device_grant("completion", "bash").stdout
    asked = (
        f"{script}\nCOMP_WORDS=(device-grant serve --fault code_reus); COMP_CWORD=3\n"
        '_device_grant_completion device-grant\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", asked],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["code_reusable"], done.stderr


@pytest.mark.parametrize("words", ["run embedded --check a", "client x --only a", "serve --fault a", "run e"])
def test_completing_imports_no_http_client_and_no_check(words):
    program = (
        "import sys\nfrom device_grant.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'httpx', 'hypothesis', 'pytest', 'lxml', 'botocore', 'starlette'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "_DEVICE_GRANT_COMPLETE": "bash_complete",
            "COMP_WORDS": "\n".join(["device-grant", *words.split()]),
            "COMP_CWORD": str(len(words.split())),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")

"""`device-grant serve` answers by its own names: a page that has its name resolved to this machine reads nothing."""

import asyncio
import re
import socket
import subprocess
import sys

import httpx
import pytest

from device_grant.reference.server.app import create_app
from device_grant.reference.server.hosts import OwnHosts

OWN = (
    "127.0.0.1", "127.0.0.1:8628", "localhost:8628", "LOCALHOST", "localhost.", "idp.localhost:1", "[::1]:8628",
    "[::1]", "192.168.1.7:80", "[fe80::1]",
    "[::ffff:127.0.0.1]:80", "0.0.0.0:8628", "idp", "IDP:8628", "idp.", "idp.example:443",
)  # fmt: skip
FOREIGN = (
    "attacker.example", "attacker.example:8628", "localhost.attacker.example", "127.0.0.1.attacker.example",
    "127.0.0.1.nip.io", "idp.attacker.example", "xlocalhost", "", "[::1", "[attacker.example]", "a@b:c@localhost",
    "localhost attacker.example", "2130706433", "0x7f.1", "attacker.example/localhost", "[::1].attacker.example",
    "localhost\\.attacker.example", "attacker.example#@localhost", "\x1b[2J",
)  # fmt: skip


def takes(host, *names):
    return OwnHosts(create_app(), names).takes(host)


@pytest.mark.parametrize("host", OWN)
def test_own_names(host):
    assert takes(host, "idp", "idp.example", "127.0.0.1")


@pytest.mark.parametrize("host", FOREIGN)
def test_names_of_others(host):
    assert not takes(host, "idp", "127.0.0.1")
    assert takes(host, "*")


def test_the_name_of_the_machine():
    assert takes(f"{socket.gethostname()}:8628")


def asked(method, *hosts, path="/device_authorization"):
    async def ask():
        app = OwnHosts(create_app(), ("idp",))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a.test") as http:
            request = http.build_request(method, path, data={"client_id": "device-grant-public"})
            fields = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
            request.headers = httpx.Headers([*fields, *((b"Host", host.encode()) for host in hosts)])
            return await http.send(request)

    return asyncio.run(ask())


def test_others_are_told_what_to_do_and_nothing_else():
    refused = asked("POST", "attacker.example")
    assert refused.status_code == 421
    assert "--allow-host" in refused.text
    assert "attacker.example" not in refused.text
    assert "access-control-allow-origin" not in refused.headers
    assert asked("HEAD", "attacker.example").content == b""
    assert asked("GET", "attacker.example", path="/device").status_code == 421
    assert asked("POST", "idp", "attacker.example").status_code == 421


def test_own_names_and_none_are_answered():
    assert asked("POST", "idp:8628").status_code != 421
    assert asked("POST").status_code != 421


@pytest.mark.parametrize("options", [[], ["--allow-host", "idp.test"], ["--host", "localhost"]], ids=str)
def test_the_command_that_serves(options):
    command = [sys.executable, "-m", "device_grant", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        port = int(re.search(r":(\d+) ", process.stdout.readline())[1])

        def status(host):
            return httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": host}, trust_env=False).status_code

        assert status(f"127.0.0.1:{port}") == status(f"localhost:{port}") == status(f"[::1]:{port}") == 200
        assert status("attacker.example") == 421
        assert status("idp.test") == (200 if "idp.test" in options else 421)
    finally:
        process.terminate()
        process.communicate(timeout=20)

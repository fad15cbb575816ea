"""A configured secret goes to the host that the user named, whatever the metadata of that host say."""

import base64

import pytest

from hostile.honest import Honest
from hostile.modes import member
from hostile.running import run
from hostile.server_room import USER
from hostile.wire import HostileServer

SECRET = "correct-horse-battery-staple"
BASIC = base64.b64encode(f"known:{SECRET}".encode()).decode()
BASE, ELSEWHERE = "http://id.target.example", "elsewhere.example"
RUN = ["run", "--check", "user_decision::test_approval"]


def met(folder, method, endpoint, command, trust=""):
    """What was sent to the host that metadata alone named, and how the command ended; both are behind one proxy."""
    sent = []
    path = "device_authorization" if endpoint.startswith("device") else "token"
    lie = member("metadata", endpoint, f"http://{ELSEWHERE}/{path}")

    def proxy(exchange):
        request = exchange.request
        if ELSEWHERE in request.target:
            sent.append(" ".join([request.target, *request.headers.values(), request.body.decode()]))
        return lie(exchange)

    with HostileServer("rfc8628", proxy) as server:
        server.honest = Honest("rfc8628", BASE)
        lines = [
            'name = "hostile"',
            f'[endpoints]\nbase = "{BASE}"\n{trust}',
            f'[[clients]]\nid = "known"\nsecret = "{SECRET}"\nauthentication = "{method}"',
            '[user]\nmodule = "user.py"',
            "[clock]\nlongest_wait = 2",
        ]
        (folder / "target.toml").write_text("\n".join(lines))
        (folder / "user.py").write_text(USER)
        ended = run([*command, "target.toml"], folder, 60, more={"HTTP_PROXY": server.base, "http_proxy": server.base})
    assert ended.problems() == []
    assert SECRET not in ended.output
    return sent, ended


@pytest.mark.hostile
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("endpoint", ["device_authorization_endpoint", "token_endpoint"])
@pytest.mark.parametrize("command", [RUN, ["doctor"]], ids=lambda command: command[0])
def test_a_secret_stays_where_the_user_sent_it(tmp_path, method, endpoint, command):
    sent, ended = met(tmp_path, method, endpoint, command)
    assert sent == []
    assert ended.code == 2
    assert ELSEWHERE in ended.output


@pytest.mark.hostile
def test_a_host_that_is_trusted_is_asked(tmp_path):
    sent, ended = met(tmp_path, "client_secret_basic", "token_endpoint", RUN, f'trust = ["{ELSEWHERE}"]')
    assert any(BASIC in text for text in sent), ended.output
    assert ended.code == 0

"""What a person is told who gives almost the right thing: one line that says what to write."""

from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme

from device_grant.errors import TargetUnreachableError, UsageError
from device_grant.targets import open_target, resolve
from device_grant.targets.spec import parse_target


class Nothing(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        return


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        return


class Complains(Nothing):
    """As nginx and Go answer plain HTTP at a port for TLS."""

    def do_GET(self):
        self.send_error(400, explain="The plain HTTP request was sent to HTTPS port")


class Either(Quiet):
    """A port that speaks TLS, and answers 400 to whoever does not."""

    def __init__(self, context):
        super().__init__(("127.0.0.1", 0), Nothing)
        self.context = context

    def finish_request(self, request, client_address):
        if request.recv(1, 2) == b"\x16":  # MSG_PEEK: a handshake begins with it
            with self.context.wrap_socket(request, server_side=True) as spoken:
                Nothing(spoken, client_address, self)
        else:
            Complains(request, client_address, self)


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def context(authority):
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(result)
    return result


def said(url):
    with pytest.raises(TargetUnreachableError) as caught, open_target(resolve(url)):
        pass
    return str(caught.value)


def tls(context):
    server = Quiet(("127.0.0.1", 0), Nothing)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


def test_https_at_a_port_for_http():
    with serving(Quiet(("127.0.0.1", 0), Nothing)) as place:
        assert said(f"https://{place}/base").endswith(f"and http://{place}/base does: write that")


def test_http_at_a_port_for_https(context):
    with serving(tls(context)) as place:
        assert said(f"http://{place}").endswith(f"and https://{place} does: write that")
    with serving(Either(context)) as place:
        assert said(f"http://{place}").endswith(f"and https://{place} does: write that")


def test_a_server_that_answers_400_to_all_is_tested_all_the_same():
    with serving(Quiet(("127.0.0.1", 0), Complains)) as place, open_target(resolve(f"http://{place}")) as target:
        assert target.base == f"http://{place}"


def test_a_certificate_of_ones_own(context, authority, tmp_path, monkeypatch):
    with serving(tls(context)) as place:
        assert "set SSL_CERT_FILE to the file of its authority" in said(f"https://{place}")
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with open_target(resolve(f"https://{place}")) as target, target.http() as http:
            assert http.get("/").status_code == 404


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("id.example.com", "https://id.example.com"),
        ("id.example.com/realms/x", "https://id.example.com/realms/x"),
        ("localhost:8080", "http://localhost:8080"),
        ("localhost", "http://localhost"),
        ("127.0.0.1:8080/oauth", "http://127.0.0.1:8080/oauth"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("keycloak:8080", "https://keycloak:8080"),
    ],
)
def test_an_address_without_a_scheme(text, meant):
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert str(caught.value).endswith(f"write {meant}")


@pytest.mark.parametrize("text", ["nanoidpp", "path/to/folder", "./id.example.com", "my.target.toml", "../x.y"])
def test_what_is_no_address_is_not_taken_for_one(text):
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert "://" not in str(caught.value)


ASGI = """
async def application(scope, receive, send): ...
class App:
    async def __call__(self, scope, receive, send): ...
instance = App()
def wsgi(environ, start_response):
    start_response("404 Not Found", [])
    return [b""]
"""


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("wsgi:hinted:application", "write asgi:hinted:application"),
        ("wsgi:hinted:instance", "write asgi:hinted:instance"),
        ("asgi:hinted:wsgi", "a WSGI one is wsgi:module:app"),
    ],
)
def test_an_application_of_the_other_kind(spec, meant, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hinted.py").write_text(ASGI)
    with pytest.raises((UsageError, TargetUnreachableError), match=meant), open_target(resolve(spec)):
        pass


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ("serve --fault code_reusabl", "did you mean code_reusable"),
        ("serve --dialect aws-oidc", "did you mean aws-sso-oidc?"),
        ("run embedded:rfc8628 --profile fst", "did you mean fast?"),
        ("run embedded --dialect rfc862", "did you mean rfc8628?"),
        ("run embedded:rfc8628 --fault code_reusabl", "did you mean code_reusable"),
        ("run http://127.0.0.1:1 --client-id x --client-auth basic", "did you mean client_secret_basic?"),
        ("client --claim metdata -- x", "did you mean metadata?"),
        ("schema targt", "Did you mean target?"),
        ("list --party servr", "Did you mean server?"),
        ("explain rfc8628-3.5-acess-denied", "did you mean rfc8628-3.5-access-denied"),
        ("rum embedded", "did you mean 'run'?"),
        ("run embedded --profil fast", "(Did you mean one of: '--polite', '--profile'?)"),
    ],
)
def test_a_value_that_is_almost_right(arguments, meant, capsys):
    from device_grant.cli import main

    with pytest.raises(SystemExit) as ended:
        main(arguments.split())
    line = capsys.readouterr().err
    assert ended.value.code == 2
    assert meant in line
    assert line.count("\n") == 1

"""Launched servers that offer mutual TLS: `{tls}` gives them a certificate that the suite believes."""

from __future__ import annotations

import textwrap

import httpx
import pytest
from cryptography import x509

from device_grant.targets import open_target, resolve
from device_grant.targets.certificates import issued, self_signed, write_for_server

SERVER = """
import ssl, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

folder = sys.argv[2]

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/secure":
            body = str(secure.server_address[1]).encode()
        else:
            shown = getattr(self.connection, "getpeercert", dict)() or {}
            body = str(dict(one[0] for one in shown.get("subject", ())).get("commonName")).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        return None

secure = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{folder}/certificate.pem", f"{folder}/key.pem")
context.load_verify_locations(f"{folder}/authority.pem")
context.verify_mode = ssl.CERT_OPTIONAL
secure.socket = context.wrap_socket(secure.socket, server_side=True)
threading.Thread(target=secure.serve_forever, daemon=True).start()
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def launched(folder, tls="{tls}"):
    (folder / "serve.py").write_text(textwrap.dedent(SERVER))
    command = f'["{{python}}", "serve.py", "{{port}}", "{tls}"]'
    (folder / "target.toml").write_text(
        f'name = "secure"\n[serve]\ncommand = {command}\nready = "/secure"\nenv = {{ GIVEN = "{{port}}" }}\n'
    )
    return open_target(resolve(str(folder)))


def address(http):
    return f"https://127.0.0.1:{http.get('/secure').text}/"


def test_its_second_port_is_believed_with_and_without_a_certificate_of_the_client(tmp_path):
    with launched(tmp_path) as target:
        with target.http() as http:
            url = address(http)
            assert http.get(url).text == "None"
            assert http.get(url.replace("127.0.0.1", "localhost")).text == "None"
        with target.http(certificate=issued("lamp")) as http:
            assert http.get(url).text == "lamp"
        # Its own authority is all that the server knows.
        with target.http(certificate=self_signed("lamp")) as http, pytest.raises(httpx.HTTPError):
            http.get(url)
        work = target._work
        assert (work / "tls").stat().st_mode & 0o077 == 0
    assert not work.exists()


def test_nobody_else_is_believed_at_a_target_of_plain_http(tmp_path):
    """Neither where no certificate was asked for, nor one of another authority where it was."""
    write_for_server(tmp_path / "mine")
    with launched(tmp_path, str(tmp_path / "mine")) as target, target.http() as http:
        url = address(http)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            http.get(url)


def test_it_is_for_this_machine_alone(tmp_path):
    write_for_server(tmp_path / "tls")
    made = x509.load_pem_x509_certificate((tmp_path / "tls" / "certificate.pem").read_bytes())
    places = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert places.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(one) for one in places.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]

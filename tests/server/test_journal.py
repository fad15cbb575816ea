"""Beside an answer 5xx stands what the server wrote of it: a traceback, or the lines of its log."""

from __future__ import annotations

import re

import pytest
from support.commands import device_grant, lines_of

from device_grant.results.publish import publish
from device_grant.results.reader import read

STARLETTE = """
from starlette.applications import Starlette
from starlette.routing import Route

async def start(request):
    raise KeyError("device_code_is_missing_here")

app = Starlette(routes=[Route("/device_authorization", start, methods=["POST"])])
"""
WSGI = """
import logging

def app(environ, start_response):
    try:
        raise KeyError("device_code_is_missing_here")
    except KeyError:
        logging.getLogger("a.framework").exception("while answering")
    start_response("500 Oops", [("Content-Type", "text/plain")])
    return [b"oops"]
"""
PROCESS = """
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        print("KeyError: 'device_code_is_missing_here'", file=sys.stderr, flush=True)
        self.send_error(500)

    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
ENDPOINTS = '[endpoints]\ndevice_authorization = "/device_authorization"\ntoken = "/token"\n[[clients]]\nid = "tv"\n'


def target(folder, name, code, serve):
    (folder / f"{name}.py").write_text(code, "utf-8")
    (folder / "target.toml").write_text(f'name = "broken"\n[serve]\n{serve}\n{ENDPOINTS}', "utf-8")


@pytest.mark.parametrize(
    ("code", "serve"),
    [
        (STARLETTE, 'app = "asgi:mine:app"'),
        (WSGI, 'app = "wsgi:mine:app"'),
        (PROCESS, 'command = ["{python}", "mine.py", "{port}"]'),
    ],
    ids=["raised", "logged", "written"],
)
def test_what_the_server_wrote(tmp_path, code, serve):
    target(tmp_path, "mine", code, serve)
    only = ("--only", "rfc9110-15.6-no-5xx-on-client-error", "--only", "rfc8628-3.2-expires-in-present")
    done = device_grant("run", *only, "--check", "*::test_start_without_client", "--report", "out", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"wrote:.*device_code_is_missing_here", done.stdout, re.DOTALL)
    assert "device_code_is_missing_here" in (tmp_path / "out" / "index.html").read_text("utf-8")
    broken = [step for line in lines_of(tmp_path / "out") for step in line.get("steps", []) if step.get("journal")]
    assert broken
    assert all(step["response"]["status"] == 500 for step in broken)


def test_the_doctor_tells_it_beside_what_is_wrong(tmp_path):
    target(tmp_path, "mine", STARLETTE, 'app = "asgi:mine:app"')
    done = device_grant("doctor", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"wrote:.*KeyError: 'device_code_is_missing_here'", done.stdout, re.DOTALL)


def test_published_reports_name_nothing_of_the_machine(tmp_path):
    target(tmp_path, "mine", STARLETTE, 'app = "asgi:mine:app"')
    device_grant("run", "--report", "out", "--", "-k", "test_start_without_client", cwd=tmp_path)
    published = publish(read(tmp_path / "out"))
    assert "device_code_is_missing_here" not in repr((published.results, published.cases))


def test_answers_that_are_no_trouble_have_none(tmp_path):
    done = device_grant("run", "embedded:rfc8628", "--report", str(tmp_path), "--", "-k", "test_denial_is_final")
    assert done.returncode == 0
    assert not any(step.get("journal") for line in lines_of(tmp_path) for step in line.get("steps", []))

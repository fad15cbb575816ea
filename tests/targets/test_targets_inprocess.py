"""In-process targets: ASGI and WSGI applications of the tests' own."""

import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from device_grant.errors import TargetUnreachableError, UsageError
from device_grant.targets import AsgiTarget, open_target, resolve
from device_grant.targets.dispatch import together

ASGI = """
import asyncio, os, time

events = []
meeting = None
FLAG = os.environ.get("FLAG", "")
OWN = "{own}"

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        events.append("startup")
        scope["state"]["started"] = "yes"
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        events.append("shutdown")
        await send({{"type": "lifespan.shutdown.complete"}})
        return
    path = scope["path"]
    message = await receive()
    body, headers = b"", []
    if path == "/time":
        body = repr(time.time()).encode()
    elif path == "/loop":
        body = repr(asyncio.get_running_loop().time()).encode()
    elif path == "/echo":
        body = scope["query_string"] + b"|" + message["body"] + b"|" + dict(scope["headers"])[b"x-test"]
    elif path == "/cookie":
        body = dict(scope["headers"]).get(b"cookie", b"none")
        headers = [(b"set-cookie", b"who=me"), (b"set-cookie", b"b=c")]
    elif path == "/state":
        body = (scope["state"]["started"] + FLAG + OWN).encode()
    elif path == "/raise":
        raise KeyError("broken on purpose")
    elif path == "/half":
        await send({{"type": "http.response.start", "status": 200, "headers": []}})
        raise KeyError("broken half way")
    elif path == "/nothing":
        return
    elif path == "/hang":
        await asyncio.sleep(3600)
    elif path == "/soon":
        await asyncio.sleep(0.05)
    elif path == "/meet":
        global meeting
        meeting = meeting or asyncio.Barrier(3)
        await meeting.wait()
    await send({{"type": "http.response.start", "status": 200, "headers": headers}})
    await send({{"type": "http.response.body", "body": body}})

def make():
    return app

NOT_CALLABLE = 7
"""

WSGI = """
import threading, time

home = threading.get_ident()
meeting = threading.Barrier(3)

def app(environ, start_response):
    path = environ["PATH_INFO"]
    body = b""
    if path == "/time":
        body = repr(time.time()).encode()
    elif path == "/echo":
        read = environ["wsgi.input"].read().decode()
        body = "|".join((environ["QUERY_STRING"], read, environ["HTTP_X_TEST"], environ["CONTENT_TYPE"])).encode()
    elif path == "/thread":
        body = str(threading.get_ident() == home).encode()
    elif path == "/raise":
        raise KeyError("broken on purpose")
    elif path == "/hang":
        time.sleep(1.0)
    elif path == "/meet":
        meeting.wait(5)
    start_response("200 OK", [("X-A", "1"), ("X-A", "2")])
    return [body]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def located(folder, source, app, extra="", name="app"):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(textwrap.dedent(source))
    kind = "travel" if "[clock]" not in extra else ""
    clock = f'[clock]\nkind = "{kind}"\n' if kind else ""
    (folder / "target.toml").write_text(f'name = "t"\n[serve]\napp = "{app}"\n{extra}{clock}')
    return resolve(str(folder))


def asgi(folder, app="asgi:app:app", extra="", own=""):
    return open_target(located(folder, ASGI.format(own=own), app, extra))


def wsgi(folder):
    return open_target(located(folder, WSGI, "wsgi:app:app"))


def test_asgi_requests_arrive_and_answers_come_back(folder):
    with asgi(folder) as target, target.http() as http:
        assert target.base == "http://target.test"
        assert target.in_process
        answer = http.post("/echo?a=b%20c", content=b"body", headers={"X-Test": "value"})
        assert (answer.status_code, answer.content) == (200, b"a=b%20c|body|value")
        # Nothing is added that the application did not send.
        assert answer.headers.raw == []


def test_asgi_lifespan_runs_around_the_requests(folder):
    with asgi(folder, extra='env = { FLAG = "!" }\n') as target, target.http() as http:
        app = sys.modules["app"]
        assert app.events == ["startup"]
        assert http.get("/state").text == "yes!"
    assert app.events == ["startup", "shutdown"]
    assert "app" not in sys.modules
    assert str(folder) not in sys.path


def test_two_folders_may_call_their_module_the_same(tmp_path):
    for name in ("one", "two"):
        with asgi(tmp_path / name, own=name) as target, target.http() as http:
            assert http.get("/state").text == f"yes{name}"


@pytest.mark.parametrize("make", [asgi, wsgi])
def test_the_application_lives_on_the_travelled_clock(folder, make):
    with make(folder) as target, target.http() as http:
        with target.clock:
            before = float(http.get("/time").text)
            target.clock.wait(600)
            assert float(http.get("/time").text) - before == 600
            jumped = time.time()
        assert jumped - time.time() > 500


def test_timers_of_the_applications_loop_jump_too(folder):
    with asgi(folder) as target, target.http() as http, target.clock:
        before = float(http.get("/loop").text)
        target.clock.wait(600)
        assert 600 <= float(http.get("/loop").text) - before < 610


def test_cookies_belong_to_one_client(folder):
    with asgi(folder) as target, target.http() as mine, target.http() as other:
        assert mine.get("/cookie").text == "none"
        assert mine.get("/cookie").text == "who=me; b=c"
        assert other.get("/cookie").text == "none"


@pytest.mark.parametrize("make", [asgi, wsgi])
def test_an_exception_is_a_500_and_is_remembered(folder, make):
    with make(folder) as target, target.http() as http:
        assert http.get("/raise").status_code == 500
        assert "broken on purpose" in target.app_errors[-1]
        assert http.get("/other").status_code == 200


def test_an_asgi_application_that_breaks_off(folder):
    with asgi(folder) as target, target.http() as http:
        with pytest.raises(httpx.RemoteProtocolError, match="KeyError"):
            http.get("/half")
        assert http.get("/nothing").status_code == 500
        assert "without completing" in target.app_errors[-1]


def test_a_hanging_asgi_request_ends_although_time_is_frozen(folder):
    with asgi(folder) as target, target.http(timeout=0.05) as http, target.clock:
        began = time.perf_counter()
        with pytest.raises(httpx.ReadTimeout, match=r"within 0\.05 s"):
            http.get("/hang")
        assert time.perf_counter() - began < 2
        assert http.get("/other").status_code == 200


def test_a_hanging_wsgi_request_ends_although_time_is_frozen(folder):
    with wsgi(folder) as target, target.http(timeout=0.05) as http, target.clock:
        with pytest.raises(httpx.ReadTimeout):
            http.get("/hang")
        assert http.get("/other", timeout=5).status_code == 200


@pytest.mark.parametrize("make", [asgi, wsgi])
def test_requests_together_are_under_way_at_the_same_time(folder, make):
    with make(folder) as target, target.http() as http:
        answers = together(target.overlap, [http.build_request("GET", "/meet") for _ in range(3)])
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        mixed = together(target.overlap, [http.build_request("GET", path) for path in ("/raise", "/time")])
        assert [answer.status_code for answer in mixed] == [500, 200]
        assert float(mixed[1].text) > 0
        assert together(target.overlap, []) == []


@pytest.mark.parametrize("make", [asgi, wsgi])
def test_checks_in_several_threads_may_ask_at_the_same_time(folder, make):
    with make(folder, extra='[clock]\nkind = "real"\n') if make is asgi else make(folder) as target:

        def ask(_):
            with target.http() as http:
                return http.get("/soon" if make is asgi else "/time").status_code

        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(ask, range(12))) == [200] * 12


def test_wsgi_requests_arrive_and_answers_come_back(folder):
    with wsgi(folder) as target, target.http() as http:
        answer = http.post("/echo?a=b", content=b"body", headers={"X-Test": "v", "Content-Type": "text/x"})
        assert answer.text == "a=b|body|v|text/x"
        assert answer.headers.get_list("x-a") == ["1", "2"]
        assert http.get("/thread").text == "True"


def test_an_application_without_lifespan_is_fine(folder):
    silent = """
        async def app(scope, receive, send):
            if scope["type"] != "http":
                return
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})

        async def strict(scope, receive, send):
            assert scope["type"] == "http"
            await app(scope, receive, send)
    """
    for name in ("app", "strict"):
        with open_target(located(folder, silent, f"asgi:app:{name}")) as target, target.http() as http:
            assert http.get("/").status_code == 204


@pytest.mark.parametrize(
    ("app", "error", "part"),
    [
        ("asgi:missing:app", UsageError, "no module 'missing'"),
        ("asgi:app:nothing", UsageError, "no 'nothing'"),
        ("asgi:app:NOT_CALLABLE", UsageError, "cannot be called"),
        ("asgi:broken:app", TargetUnreachableError, "RuntimeError: at import"),
        ("wsgi:broken:app", TargetUnreachableError, "RuntimeError: at import"),
        ("asgi:failing:app", TargetUnreachableError, "no database"),
        ("asgi:failing:reports", TargetUnreachableError, "said so"),
        ("asgi:failing:wsgi", UsageError, "no ASGI application"),
        ("asgi:failing:factory()", TargetUnreachableError, "ZeroDivisionError"),
    ],
)
def test_an_application_that_does_not_start_is_one_line(folder, app, error, part):
    (folder / "broken.py").write_text("raise RuntimeError('at import')\n")
    (folder / "failing.py").write_text(
        textwrap.dedent("""
            async def app(scope, receive, send):
                await receive()
                raise RuntimeError("no database")

            async def reports(scope, receive, send):
                await receive()
                await send({"type": "lifespan.startup.failed", "message": "it said so"})

            def wsgi(environ, start_response):
                return []

            def factory():
                return 1 / 0
        """)
    )
    target = open_target(located(folder, ASGI.format(own=""), app))
    with pytest.raises(error) as caught, target:
        pass
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(folder) not in sys.path


def test_a_factory_is_called(folder):
    with asgi(folder, app="asgi:app:make()") as target, target.http() as http:
        assert http.get("/other").status_code == 200


def test_an_application_object_is_taken_as_it_is(folder):
    async def app(scope, receive, send):
        await receive()
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 201, "headers": []})
            await send({"type": "http.response.body"})

    with AsgiTarget(located(folder, "", "asgi:unused:app"), app=app) as target, target.http() as http:
        assert http.get("/").status_code == 201
        assert str(folder) not in sys.path
    with pytest.raises(RuntimeError, match="not started"):
        target.http()

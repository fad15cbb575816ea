"""What a hostile server can cost: octets of an answer, seconds of an exchange, and seconds of silence."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from typing import TYPE_CHECKING

import httpx
import pytest
from support.raw_hostile import MANNERS, bomb, hostile

if TYPE_CHECKING:
    from peer_wire import Answer

from device_grant.targets import dispatch
from device_grant.targets.config import LimitsSection, Located, Serve, TargetConfig
from device_grant.targets.transports.in_process import AsgiTarget, WsgiTarget
from device_grant.targets.transports.limits import Mute, TooLarge
from device_grant.targets.transports.network import Network

SHORT = LimitsSection(exchange=0.7, silence=1.0)
DRIPPING = ("dripping-body", "dripping-head", "continue", "flood-of-continue", "silence")
LARGE = ("endless-chunks", "endless-body", "large-body")
MOST = 60_000_000
"""Octets of memory that an answer may cost while it is read: a decoder's output for one block, and the block."""


@pytest.mark.parametrize("manner", LARGE)
def test_no_more_is_read_of_an_answer_than_its_limit(manner):
    with hostile(manner=MANNERS[manner]) as server, Network(server.base, LimitsSection()).client() as client:
        tracemalloc.start()
        with pytest.raises(TooLarge, match=r"answer 200 goes on after 1048576 octets.*\[limits\] answer"):
            client.get("/token")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MOST


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_limit_is_one_of_decoded_octets(layers):
    with hostile(manner=bomb(layers)) as server, Network(server.base, LimitsSection()).client() as client:
        tracemalloc.start()
        with pytest.raises(TooLarge):
            client.get("/token")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MOST


def test_a_coded_answer_within_the_limit_is_read_as_it_always_was():
    def coded(answer: Answer) -> Answer:
        answer.body = gzip.compress(b'{"a": 1}')
        return answer.with_header("Content-Encoding", "gzip")

    with hostile(change=coded) as server, Network(server.base, LimitsSection()).client() as client:
        assert client.get("/token").json() == {"a": 1}


def test_codings_on_top_of_each_other_come_to_an_end():
    def coded(answer: Answer) -> Answer:
        return answer.with_header("Content-Encoding", ", ".join(["gzip"] * 5000))

    with (
        hostile(change=coded) as server,
        Network(server.base, LimitsSection()).client() as client,
        pytest.raises(httpx.DecodingError, match="5000 content codings"),
    ):
        client.get("/token")


@pytest.mark.parametrize("manner", DRIPPING)
def test_an_exchange_ends_however_its_octets_come(manner):
    with hostile(manner=MANNERS[manner]) as server, Network(server.base, SHORT).client() as client:
        began = time.perf_counter()
        with pytest.raises(httpx.TimeoutException, match=r"no complete answer within 0\.7 s"):
            client.get("/token")
        assert time.perf_counter() - began < 5


def test_a_head_without_end_is_no_answer():
    with (
        hostile(manner=MANNERS["endless-head"]) as server,
        Network(server.base, SHORT).client() as client,
        pytest.raises(httpx.HTTPError),
    ):
        client.get("/token")


def test_a_server_that_reads_nothing_is_not_written_to_without_end():
    with (
        hostile(manner=MANNERS["silence"]) as server,
        Network(server.base, SHORT).client() as client,
        pytest.raises(httpx.TimeoutException),
    ):
        client.post("/token", content=b"x" * 50_000_000)


def test_silence_costs_its_time_once():
    """A place that stays silent is asked no more when the budget is spent; another one is, and one that answers."""
    with hostile(manner=MANNERS["silence"], places=("token",)) as server:
        network = Network(server.base, SHORT)
        with network.client() as client, network.client() as other:
            for _ in range(2):
                with pytest.raises(httpx.TimeoutException, match="no complete answer"):
                    client.get("/token")
            began = time.perf_counter()
            for one in (client, other, client, other):
                with pytest.raises(
                    Mute, match=r"not sent, for GET .*/token has not answered before.*\[limits\] silence"
                ):
                    one.get("/token?with=a+query")
            assert time.perf_counter() - began < 0.5
            assert client.get("/elsewhere").status_code == 404
            assert server.asked.count("GET /token") == 2


def test_a_place_that_answers_in_between_stays_asked():
    with hostile() as server:
        network = Network(server.base, LimitsSection(exchange=0.3, silence=0))
        with network.client() as client:
            for _ in range(3):
                server.manner = MANNERS["silence"]
                with pytest.raises(httpx.ReadTimeout):
                    client.get("/token")
                server.manner = None
                assert client.get("/token").status_code == 405


def test_a_silent_host_is_not_asked_path_by_path():
    with hostile(manner=MANNERS["silence"]) as server, Network(server.base, SHORT).client() as client:
        for number in range(3):
            with pytest.raises(httpx.ReadTimeout):
                client.get(f"/{number}")
        with pytest.raises(Mute):
            client.get("/4")


@pytest.mark.parametrize("name", ["a..b", "a" * 70 + ".test"])
def test_a_name_that_no_host_can_have_is_an_error_of_the_connection(name):
    with Network("http://127.0.0.1", SHORT).client() as client, pytest.raises(httpx.ConnectError):
        client.get(f"http://{name}/token")


# Applications called in process.


async def asgi(scope, _receive, send):
    if scope["type"] == "lifespan":
        return
    path = scope["path"]
    headers = [(b"content-encoding", b"gzip")] if path == "/bomb" else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if path == "/bomb":
        await send({"type": "http.response.body", "body": BOMB})
    while path != "/bomb":
        await send({"type": "http.response.body", "body": BLOCKS[path], "more_body": True})


def wsgi(environ, start_response):
    path = environ["PATH_INFO"]
    start_response("200 OK", [("Content-Encoding", "gzip")] if path == "/bomb" else [])
    if path == "/bomb":
        return [BOMB]
    return iter(lambda: BLOCKS[path], None)


BOMB = gzip.compress(bytes(100_000_000))
BLOCKS = {"/endless": b"x" * 65_536, "/empty": b""}


APPLICATIONS = {"asgi": (AsgiTarget, asgi), "wsgi": (WsgiTarget, wsgi)}


@pytest.fixture(params=APPLICATIONS)
def target(request, tmp_path):
    config = TargetConfig(name="hostile", serve=Serve(app=f"{request.param}:nowhere:app"))
    kind, app = APPLICATIONS[request.param]
    with kind(Located(config=config, folder=tmp_path, spec="hostile"), app=app) as target:
        yield target


@pytest.mark.parametrize("together", [False, True], ids=["alone", "together"])
@pytest.mark.parametrize("path", ["/endless", "/bomb", "/empty"])
def test_an_application_is_bounded_as_a_server_is(target, together, path, monkeypatch):
    # Of what never ends little can be seen in a short time; what is too large is seen at once, on a quiet machine.
    timeout = 0.5 if path == "/empty" else 30.0
    monkeypatch.setattr("device_grant.targets.transports.in_process._TOGETHER_TIMEOUT", timeout)
    with target.http(timeout=timeout) as client:
        tracemalloc.start()
        if together:
            answers = dispatch.together(target.overlap, [client.build_request("GET", path)] * 2)
        else:
            with pytest.raises(httpx.HTTPError) as caught:
                client.get(path)
            answers = [caught.value]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    wanted = httpx.ReadTimeout if path == "/empty" else TooLarge
    assert [type(answer) for answer in answers] == [wanted] * len(answers)
    assert peak < MOST

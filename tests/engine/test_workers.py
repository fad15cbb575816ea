"""Several processes for one run: one report, progress and errors as in one process, all waits in one worker."""

from __future__ import annotations

import textwrap
from types import SimpleNamespace

import pytest
from support import REFERENCE_TARGET
from support.commands import device_grant, lines_of, one_line, run_pytest

from device_grant.errors import SuiteError
from device_grant.pytest_plugin.items import GROUP, plain
from device_grant.pytest_plugin.workers import WorkerPlugin, group, grouped

pytestmark = pytest.mark.long

REFERENCE = str(REFERENCE_TARGET)

ENDS = """\
import os
from device_grant.reference.server.app import create_app

served = create_app()
left = [3]


async def app(scope, receive, send):
    if scope["type"] == "http" and scope["path"] == "/device_authorization":
        left[0] -= 1
        if not left[0]:
            os._exit(9)
    await served(scope, receive, send)
"""
"""An application that ends its process at the second device authorization."""


def test_progress_and_one_report(tmp_path):
    done = device_grant("run", "embedded:rfc8628", "-n", "2", "--report", str(tmp_path), "--", "-k", "user_decision")
    assert done.returncode == 0, done.stdout + done.stderr
    cases = [line for line in lines_of(tmp_path) if line["kind"] == "case"]
    assert len(cases) > 1
    for number in range(1, len(cases) + 1):
        assert f"[{number}/{len(cases)}] " in done.stdout
    assert [line["kind"] for line in lines_of(tmp_path)].count("header") == 1


def test_a_target_that_is_not_there():
    done = device_grant("run", "http://127.0.0.1:1", "-n", "2")
    assert done.returncode == 4
    assert "does not answer" in one_line(done)
    assert not done.stdout


def test_pytest_by_itself_says_so_too(tmp_path):
    done = run_pytest(
        "--pyargs", "device_grant.server.checks", "--grant-target", "http://127.0.0.1:1", "-n", "1", cwd=tmp_path
    )
    assert done.returncode == 4
    assert "http://127.0.0.1:1 does not answer" in done.stdout


def test_a_target_that_ends_while_it_is_tested(tmp_path):
    serve = 'import sys, uvicorn\nuvicorn.run(app, port=int(sys.argv[1]), log_level="error")\n'
    (tmp_path / "ends.py").write_text(ENDS + serve)
    (tmp_path / "target.toml").write_text(
        textwrap.dedent("""
            name = "ends"
            dialect = "rfc8628"
            [serve]
            command = ["{python}", "ends.py", "{port}"]
            ready = "/.well-known/oauth-authorization-server"
            [endpoints]
            base = "http://127.0.0.1:{port}"
        """)
    )
    report = tmp_path / "report"
    done = device_grant(
        "run", "target.toml", "-n", "1", "--report", str(report), "--", "-k", "authorization", cwd=tmp_path
    )
    assert done.returncode == 4, done.stdout + done.stderr
    assert "ended" in one_line(done)
    assert "interrupted" in done.stdout
    assert lines_of(report)[-1]["kind"] != "footer"


@pytest.mark.parametrize("more", [(), ("--dist", "worksteal", "--max-worker-restart", "1")], ids=["plain", "restarted"])
def test_a_worker_that_crashes_passes_for_no_verdict(tmp_path, more):
    (tmp_path / "mine.py").write_text(ENDS)
    options = ("--dialect", "rfc8628", "-n", "1", "--report", "report", "--", "-k", "user_decision", *more)
    done = device_grant("run", "asgi:mine:app", *options, cwd=tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "a worker process crashed in server/checks/grant/test_user_decision.py::" in one_line(done)
    # Where nothing came back before the crash, there is no header to write either.
    left = tmp_path / "report" / "results.jsonl"
    assert not left.exists() or lines_of(tmp_path / "report")[-1]["kind"] != "footer"


def lost(*, given, back, interrupted=False):
    cases = [SimpleNamespace(nodeid=nodeid) for nodeid in back]
    running = SimpleNamespace(
        error=None,
        interrupted=interrupted,
        stopped=False,
        announce=lambda _names: None,
        collector=SimpleNamespace(cases=cases),
    )
    one = WorkerPlugin(running)
    one.pytest_xdist_node_collection_finished([*given, "test_invariants.py::test[rule]"])
    session = SimpleNamespace(config=SimpleNamespace(), exitstatus=0)
    one.pytest_sessionfinish(session)
    return running.error, session.exitstatus


def test_a_check_that_never_came_back_is_an_error():
    error, status = lost(given=["a.py::one", f"a.py::two@{GROUP}", "a.py::three"], back=["a.py::one"])
    assert "a.py::two and 1 more" in str(error)
    assert status == 3
    assert lost(given=["a.py::one", f"a.py::two@{GROUP}"], back=["a.py::two", "a.py::one"]) == (None, 0)
    assert lost(given=["a.py::one"], back=[], interrupted=True) == (None, 0)


def test_a_worker_that_ends_without_a_word_is_an_error_but_for_ctrl_c():
    for reason, expected in (("Not properly terminated", SuiteError), ("keyboard-interrupt", type(None))):
        running = SimpleNamespace(error=None, narrowed="")
        WorkerPlugin(running).pytest_testnodedown(SimpleNamespace(), reason)
        assert isinstance(running.error, expected)


def test_an_empty_shard_is_a_wrong_argument_in_workers_too():
    quick = ("--only", "rfc8628-3.5-access-denied", "--", "-k", "user_decision")
    done = device_grant("run", "embedded:rfc8628", "-n", "2", "--shard", "2/2", *quick)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "only 1 check is selected" in one_line(done)


def test_waits_go_on_in_one_worker_and_once(tmp_path):
    """Two checks that wait for seconds, and a quick one."""
    quick = ("--", "-k", "test_pending or test_denial_is_final or test_get_starts_nothing")
    done = device_grant("run", REFERENCE, "-n", "2", "--report", str(tmp_path), *quick)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = lines_of(tmp_path)
    cases = {line["check"]: line for line in lines if line["kind"] == "case"}
    assert len(cases) == 3
    assert not any(GROUP in case["nodeid"] for case in cases.values())
    # Nothing was sent but by the cases that are told of: no other worker had begun them as well. Besides, each worker
    # walks the main path, for which it registers a client.
    description = sum("request" in step for case in cases.values() for step in case["steps"])
    assert lines[-1]["exchanges"] <= description + 2 * 7


def config(*, worker, loadgroup=False):
    given = SimpleNamespace(option=SimpleNamespace(loadgroup=loadgroup))
    if worker:
        given.workerinput = {}
    return given


def groups(*, worker):
    marks = []
    group(config(worker=worker), [SimpleNamespace(add_marker=marks.append)])
    return [mark.args[0] for mark in marks]


def test_one_worker_is_given_all_that_wait():
    assert groups(worker=True) == [GROUP]
    assert groups(worker=False) == []


def test_where_any_worker_may_get_them_none_begins_before_it_is_asked_for():
    assert grouped(config(worker=True, loadgroup=True))
    assert not grouped(config(worker=True))


@pytest.mark.parametrize(("nodeid", "shown"), [(f"a.py::test@{GROUP}", "a.py::test"), ("a@b.py::test", "a@b.py::test")])
def test_groups_do_not_show(nodeid, shown):
    assert plain(nodeid) == shown

"""What folding leaves of the faults where others still ask for them, and whether the whole server works without."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from support import ROOT

from benchmarks.mutation.__main__ import MODULES, MUTATED, _environment, _prepare
from benchmarks.mutation.honest import fold
from benchmarks.mutation.outcome import mutable_lines
from device_grant.reference.server.binding.resources import in_tokens, kept_terms
from device_grant.reference.server.cross_device.reentry import from_a_page_of_before
from device_grant.reference.server.ends.desk import INTROSPECTION_PATH, REVOCATION_PATH, served_by_get
from device_grant.reference.server.faults import Faults
from device_grant.reference.server.http import Call
from device_grant.reference.server.issued.identity import offline_forgotten
from device_grant.reference.server.issued.terms import Terms
from device_grant.reference.server.settings import Settings
from device_grant.reference.server.store import IssuedGrant, RegisteredClient, State

if TYPE_CHECKING:
    from pathlib import Path

ELSEWHERE = """
    from device_grant.reference.server.elsewhere import spoil
    from device_grant.reference.server import rooms
"""
SUITE = (
    "registration::test_register_a_client-",
    "user_decision::test_approval-",
    "user_decision::test_loading_the_page_decides_nothing-",
    "refresh::test_refresh-",
    "introspection::test_introspected_access_token-",
    "presented_tokens::test_userinfo_by_dpop-",
)
"""Registration, approval, a page, refresh; and rooms that are not folded."""


def folded(text: str, *more: str, others: tuple[str, ...] = ()) -> str:
    """The first of the sources without its faults, on one line, without what is appended."""
    sources = {f"module{number}": dedent(one) for number, one in enumerate((text, *more))}
    whole = fold(sources, {"lazy", "rude"}, others=[dedent(one) for one in others])["module0"]
    return " ".join(whole.partition("from device_grant.reference.server.faults ")[0].split())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = spoil(1, faults)", "x = spoil(1, *_NO_FAULTS_PLACED)"),
        ("x = rooms.spoil(self.store.faults, 1)", "x = rooms.spoil(*_NO_FAULTS_PLACED, 1)"),
        ("x = spoil(1, faults=self.faults)", "x = spoil(1, **_NO_FAULTS_AS_faults)"),
        ("x = spoil(1, switches=self.faults)", "x = spoil(1, **_NO_FAULTS_AS_switches)"),
        ("x = self.room.spoil(1, faults)", "x = self.room.spoil(1, *_NO_FAULTS_PLACED)"),
        ("x = rooms.Room(faults)", "x = rooms.Room(*_NO_FAULTS_PLACED)"),
        ("x = partial(spoil, faults)", "x = partial(spoil, *_NO_FAULTS_PLACED)"),
        ("x = lambda: spoil(faults)", "x = lambda: spoil(*_NO_FAULTS_PLACED)"),
        ("x = self.store.faults", "x = _NO_FAULTS"),
        ("x = (1, store.faults)", "x = (1, _NO_FAULTS)"),
        ("x = faults.honest", "x = _NO_FAULTS.honest"),
        ("x = 1 if (faults := store.faults).lazy else 2", "x = 2"),
        ("faults, x = store.faults, 1", "x = 1"),
    ],
)
def test_what_is_not_folded_gets_an_object_without_faults(before, after):
    head = " ".join(ELSEWHERE.split())
    assert folded(ELSEWHERE + "    " + before) == f"{head} {after}"


@pytest.mark.parametrize(
    ("function", "call", "after"),
    [
        ("def f(a, faults):", "f(1, faults)", "def f(a, ): return a x = f(1, )"),
        ("def f(faults, a):", "f(faults, 1)", "def f(a): return a x = f(1)"),
        ("def f(a, *, faults):", "f(1, faults=faults)", "def f(a, ): return a x = f(1, )"),
        ("async def f(a, faults):", "f(1, faults)", "async def f(a, ): return a x = f(1, )"),
    ],
)
def test_what_is_folded_loses_the_parameter(function, call, after):
    body = "    if faults.lazy:\n        return 0\n    return a"
    # One more statement, lest the function itself be folded away.
    result = folded(f"{function}\n    go(a)\n{body}\nx = {call}")
    assert result == after.replace("return a", "go(a) return a")


def test_methods_and_constructors_that_are_folded_lose_it_too():
    text = """
        class Room:
            def __init__(self, faults, name):
                self.faults = faults
                self.name = name
            def _spoilt(self, value, faults):
                go(value)
                return 0 if faults.lazy else value
            def answer(self, value):
                return self._spoilt(value, self.faults)
        room = Room(faults, "a")
    """
    result = folded(text)
    assert "def __init__(self, name):" in result
    assert "return self._spoilt(value, )" in result
    assert 'room = Room("a")' in result


def test_members_that_others_may_look_at_stay():
    text = """
        class Room:
            def __init__(self, store):
                self.faults = store.faults
                self.name = store.name
    """
    namespace: dict[str, type] = {}
    exec(fold({"module0": dedent(text)}, ["lazy"])["module0"], namespace)
    assert namespace["Room"].faults == Faults()


@pytest.mark.parametrize(
    "other",
    [
        "from device_grant.reference.server.module0 import f\nf(1, faults)",
        "from device_grant.reference.server import module0\nmodule0.f(1, faults)",
    ],
)
def test_functions_that_others_call_keep_their_parameters(other):
    text = "def f(a, faults):\n    go(a)\n    return 0 if faults.lazy else a\nx = f(1, faults)"
    assert "def f(a, faults):" in folded(text, others=(other,))
    assert "x = f(1, *_NO_FAULTS_PLACED)" in folded(text, others=(other,))
    assert "def f(a, ):" in folded(text)


def test_functions_that_are_handed_on_keep_their_parameters():
    text = """
        def f(a, faults):
            go(a)
            return 0 if faults.lazy else a
        g = partial(f, 1)
        x = f(1, faults)
    """
    assert "def f(a, faults):" in folded(text)


def test_switches_of_methods_that_are_handed_on_stay():
    text = """
        class Room:
            def answer(self, call):
                return Desk(self._client), self._client(call, skip=self.faults.lazy)
            def _client(self, call, *, skip):
                go(call)
                return None if skip else call
    """
    assert "return None if skip else call" in folded(text)


def test_switches_that_are_set_inside_stay():
    text = """
        class Room:
            def answer(self, call):
                return self._client(call, skip=self.faults.lazy)
            def _client(self, call, *, skip):
                skip = skip or go(call)
                return None if skip else call
    """
    assert "skip = skip or go(call) return None if skip else call" in folded(text)


def test_functions_of_the_same_name_are_told_apart():
    first = "from device_grant.reference.server.elsewhere import f\ny = f(2)"
    second = "def f(x):\n    return faults.lazy\ny = f(2)"
    assert folded(first, second).endswith("y = f(2)")
    assert folded("from device_grant.reference.server.module1 import f\ny = f(2)", second).endswith("y = False")


def test_a_coroutine_that_always_answers_the_same_is_still_awaited():
    text = "async def _f():\n    return faults.lazy\nasync def g():\n    go()\n    return await _f()"
    assert folded(text).endswith("return await _f()")


def test_what_others_do_only_for_faults_goes():
    text = "if room.never(call, faults):\n    go()\nx = self.room.same(call, faults)"
    result = fold({"module0": text}, ["lazy"], identities=["same"], never=["never"])["module0"]
    assert result.strip() == "x = call"


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("approve", [True, False])
def test_pages_of_before_decide_nothing_without_faults(state, approve):
    grant = IssuedGrant("d", "u", RegisteredClient(id="c"), (), expires=0, interval=5, created=0, state=state)
    assert not from_a_page_of_before(grant, Faults(), approve=approve)


def test_what_is_folded_as_doing_nothing_does_nothing_without_faults():
    def scope(path):
        return {"method": "GET", "path": path, "query_string": b"token=a", "headers": [], "client": None}

    terms = Terms(subject="a", audience=("b", "c"))
    assert kept_terms(terms, ("b",), Faults()) == terms
    assert in_tokens(("b",), Settings(), Faults()) == ("b",)
    assert not offline_forgotten(("offline_access",), Faults())
    for path in ("/token", INTROSPECTION_PATH, REVOCATION_PATH):
        assert not served_by_get(Call(scope(path), b"", too_large=False), Faults())


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """The folder that a mutation run works in, its server folded."""
    folder = tmp_path_factory.mktemp("mutation") / "work"
    _prepare(folder)
    return folder


@pytest.mark.long
def test_the_server_without_its_faults_works(prepared):
    kept = prepared / "verdicts.jsonl"
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "suite/test_suite.py")
    environment = _environment(prepared) | {"MUTATION_RECORD": str(kept), "PYTHONPATH": str(prepared)}
    subprocess.run((*command, "-k", " or ".join(SUITE)), cwd=prepared, env=environment, check=True, timeout=300)
    verdicts = {case: result for line in kept.read_text().splitlines() for case, result in json.loads(line).items()}
    cases = {case.partition(" ")[0] for case in verdicts}
    assert cases == {name.removesuffix("-") for name in SUITE}
    assert {case.partition(" ")[2] for case in verdicts} >= {"rfc8628", "aws-sso-oidc"}
    worse = {(case, judged): verdict for case, result in verdicts.items() for judged, verdict in result.items()}
    assert {key: verdict for key, verdict in worse.items() if verdict != "pass"} == {}


@pytest.mark.long
def test_the_server_has_no_trace_of_its_faults(prepared):
    names = [name for name, _, _ in Faults.catalogue()]
    for module in MODULES:
        text = (prepared / MUTATED / f"{module}.py").read_text()
        assert [fault for fault in names if f"faults.{fault}" in text.lower()] == [], module


@pytest.mark.long
def test_every_reason_is_of_a_line_that_exists(prepared):
    dead = []
    for reason in tomllib.loads((ROOT / "benchmarks/mutation/survivors.toml").read_text())["survivor"]:
        file = prepared / MUTATED / reason["file"]
        assert reason["file"].removesuffix(".py") in MODULES, reason
        if not any(reason["was"] in line for line in mutable_lines(file, reason.get("function"))):
            dead.append(reason)
    assert not dead, "in benchmarks/mutation/survivors.toml, of a function or line that is gone: " + json.dumps(dead)

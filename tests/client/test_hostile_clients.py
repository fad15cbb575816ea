"""Whatever a client sends, no scenario ends with an error of the suite, and every report can be written."""

import os
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from support.hostile_client import Mutation, mutations, run_client

LONG = "DEVICE_GRANT_HOSTILE_CLIENTS"
"""How many clients are drawn, at random; not set: a few, always the same ones, in a part of the scenarios each."""
TARGETS = ("honest:rfc8628", "honest:aws-sso-oidc", "honest:rfc8628:operations", "honest:aws-sso-oidc:operations")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("value", [b'["a"]', b'{"a": 1}', b'"\\ud800"', b"null", b"1e999"])
def test_parameters_that_are_no_text(tmp_path, target, value):
    names = ("asking::", "registering::test_software_id", "refreshing::test_refresh")
    assert run_client(target, Mutation("json", value=value), tmp_path, lambda name: name.startswith(names)) == []


@pytest.mark.parametrize("value", [b"http://[::1$T", b"@[", b"*", b"$T?%ff=%00"])
def test_request_targets_that_are_no_paths(tmp_path, value):
    mutation = Mutation("target", value=value)
    assert run_client(TARGETS[0], mutation, tmp_path, lambda name: name.startswith("asking::")) == []


def judge(target, mutation, keep=lambda _: True):
    with TemporaryDirectory() as folder:
        assert run_client(target, mutation, Path(folder), keep) == [], (target, mutation)


FEW = {"deadline": None, "database": None, "phases": [Phase.generate], "suppress_health_check": list(HealthCheck)}


@settings(max_examples=8, derandomize=True, **FEW)
@given(target=st.sampled_from(TARGETS), mutation=mutations())
def test_drawn_clients(target, mutation):
    judge(target, mutation, lambda name: zlib.crc32(name.encode()) % 4 == 0)


@pytest.mark.skipif(not os.environ.get(LONG), reason=f"takes a second or more a client: {LONG}=200 draws as many")
def test_many_drawn_clients():
    @seed(int.from_bytes(os.urandom(4), "big"))
    @settings(max_examples=int(os.environ.get(LONG, "1")), **FEW)
    @given(target=st.sampled_from(TARGETS), mutation=mutations())
    def drawn(target, mutation):
        judge(target, mutation)

    drawn()

"""Mutants of every kind of file that comes from elsewhere: read, or refused in one line that names the file."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
import yaml
from support import captured
from support.mutants import as_json, as_yaml, meet, of_data, of_octets

from device_grant.recordings.formats import read_capture
from device_grant.recordings.judge import find

EACH = 1100
"""Mutants of octets, and as many of data; of each kind of file."""


@pytest.fixture
def folder():
    """In memory where there is such a place: a disk takes longer for a file than a reader."""
    place = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=place if place.is_dir() and os.access(place, os.W_OK) else None) as name:
        yield Path(name)


def judged(path):
    find(read_capture(path))


@pytest.mark.parametrize("how", ["octets", "data"])
def test_har(folder, how):
    file = folder / "traffic.har"
    text = captured.har(captured.rfc(gaps=(5.2, 5.2), errors=("slow_down",)))
    mutants = of_octets(text.encode(), EACH, 1) if how == "octets" else map(as_json, of_data(json.loads(text), EACH, 2))
    counted = meet(lambda: judged(file), file, mutants)
    assert min(counted.values()) > EACH // 20, counted


@pytest.mark.parametrize("how", ["octets", "data"])
@pytest.mark.parametrize("layout", ["vcrpy", "betamax"])
def test_vcr(folder, how, layout):
    file = folder / "traffic.yaml"
    text = captured.vcr(captured.rfc(gaps=(5.2, 5.2), errors=("slow_down",)), layout=layout)
    data = yaml.safe_load(text)
    mutants = of_octets(text.encode(), EACH, 3) if how == "octets" else map(as_yaml, of_data(data, EACH, 4))
    counted = meet(lambda: judged(file), file, mutants)
    assert min(counted.values()) > EACH // 20, counted

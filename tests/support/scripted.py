"""A scripted authorization server as the tests of it build one."""

from __future__ import annotations

from device_grant.client.drivers.config import ClientConfig, RunSection
from device_grant.client.scripted.authority import Authority
from device_grant.client.scripted.steps import Script
from device_grant.protocol import Secrets, dialect


def authority_of(dialect_name="rfc8628", forever=(), steps=None, **sections):
    config = ClientConfig(name="x", dialect=dialect_name, run=RunSection(command=("x",)), **sections)
    script = Script(steps or {}, frozenset(forever))
    return Authority(dialect(dialect_name), config, Secrets(), script, "http://127.0.0.1:1")

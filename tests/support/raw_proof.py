"""Runs the checks that need a socket against servers whose HTTP layer misbehaves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from device_grant.engine import BROKEN, run_check
from device_grant.reference.server import user
from device_grant.server.session.run import new_run
from device_grant.targets.config import EndpointsSection, Located, TargetConfig, UserSection
from device_grant.targets.transports.live import LiveTarget
from device_grant.targets.users import ModuleUser
from support.proof import catalogue, judges
from support.raw_server import TLS, RawServer

if TYPE_CHECKING:
    from device_grant.catalogue import Verdict

_FAULTS = {
    "http::test_date": ("date_missing",),
    "http::test_tls_versions": ("old_tls",),
    "raw_http::test_field_names_in_any_case": ("names_case_sensitive",),
    "raw_http::test_oversized_fields": ("long_field_500",),
    "raw_http::test_control_characters_in_fields": ("control_characters_500", "control_characters_split"),
    "raw_http::test_content_length": ("huge_length_hangs", "bad_length_ignored"),
    "raw_http::test_chunked_body": ("chunks_unread",),
    "raw_http::test_two_framings": ("two_framings_kept",),
    "raw_http::test_host": ("host_optional",),
    "raw_http::test_head": ("head_with_content",),
    "raw_http::test_broken_connections": ("pipelined_500", "half_body_forgets"),
}


def raw_faults() -> dict[str, tuple[str, ...]]:
    """Misbehaviours of the HTTP layer (`raw_server.MISBEHAVIOURS`) by the check that notices each of them."""
    return dict(_FAULTS)


def raw_broken(check: str, misbehaviour: str, folder: Path, dialect: str = "rfc8628") -> frozenset[str]:
    """Requirements that the check finds broken; `""` and `new_tls` are honest. `folder` is for a certificate."""
    return frozenset(
        name for name, verdict in raw_verdicts(check, misbehaviour, folder, dialect).items() if verdict in BROKEN
    )


def raw_verdicts(check: str, misbehaviour: str, folder: Path, dialect: str = "rfc8628") -> dict[str, Verdict]:
    """The verdicts of one check on one server; the server is stopped afterwards."""
    if misbehaviour not in TLS:
        # A server that hangs is given up sooner than in a run: nothing here takes longer than milliseconds.
        with RawServer(dialect, misbehaviour) as server, mock.patch("device_grant.server.sockets.raw.DEADLINE", 1.0):
            return verdicts_at(server.base, check, dialect)
    with RawServer(dialect) as server, RawServer(dialect, misbehaviour, folder) as secure:
        # Nothing but a handshake goes to the second one: no certificate of it is ever trusted.
        return verdicts_at(server.base, check, dialect, start=f"{secure.base}/device_authorization")


def verdicts_at(base: str, check: str, dialect: str, start: str = "/device_authorization") -> dict[str, Verdict]:
    """The verdicts of one check on the reference application at a URL; `start` is its device authorization endpoint."""
    checks, _ = judges()
    metadata = "/.well-known/oauth-authorization-server" if dialect == "rfc8628" else ""
    endpoints = EndpointsSection(base=base, metadata=metadata, device_authorization=start)
    config = TargetConfig(name="raw", dialect=dialect, endpoints=endpoints, user=UserSection(module="user.py"))
    module = Path(user.__file__)
    located = Located(config=config, folder=module.parent, spec=base)
    with LiveTarget(located, ModuleUser(module)) as target:
        run = new_run(target, dialect, catalogue())
        said = run_check(run, checks[check])
        run.close()
    return said.verdicts

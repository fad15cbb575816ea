"""Logins at the small servers of the dialects of the field, as traffic that somebody captured."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from device_grant.judging import all_checks
from device_grant.judging.loading import import_checks
from device_grant.reference.server import user
from device_grant.server.session.run import new_run
from device_grant.targets.load import read_target
from device_grant.targets.transports.in_process import AsgiTarget
from device_grant.targets.users import ModuleUser
from support.captured import Sent, Traffic
from support.field_server import FieldServer, target_toml
from support.proof import catalogue

if TYPE_CHECKING:
    from device_grant.server.session.run import Run

USER = Path(user.__file__)
BASE = "http://target.test"
HOMES = {
    "auth0": "https://example.eu.auth0.com",
    "authentik": "https://sso.example.com",
    "bmw-cardata": "https://customer.bmwgroup.com",
    "entra": "https://login.microsoftonline.com",
    "entra-v1": "https://login.microsoftonline.com",
    "facebook": "https://graph.facebook.com",
    "github": "https://github.com",
    "gitlab": "https://gitlab.com",
    "google": "https://oauth2.googleapis.com",
    "google-legacy": "https://accounts.google.com",
    "huawei-identity-center": "https://identitycenter.cn-north-4.myhuaweicloud.com",
    "keycloak": "https://sso.example.com",
    "okta": "https://example.okta.com",
    "oracle-idcs": "https://idcs-1.identity.oraclecloud.com",
    "pingam": "https://am.example.com",
    "trakt": "https://api.trakt.tv",
    "twitch": "https://id.twitch.tv",
}
"""Where each provider's servers are."""


def opened(kind: type[FieldServer], folder: Path, broken: str = "", **changes: object) -> AsgiTarget:
    """The server as a target, to be entered; target.toml is written to the folder."""
    file = folder / "target.toml"
    file.write_text(target_toml(kind, USER))
    app = kind(broken)
    for name, value in changes.items():
        setattr(app, name, value)
    return AsgiTarget(read_target(file), ModuleUser(USER), app=app)


def traffic_of(run: Run, *, home: str, deny: bool = False, again: bool = False) -> Traffic:
    """One login: a start, two polls while nobody has decided, the decision, a poll, and another one if `again`."""
    import_checks("server")
    case = run.trial(next(entry for entry in all_checks() if entry.name == "user_decision::test_denial_is_final"))
    with run.target.clock, run.target.scope():
        case.begin()
        client = case.device.client
        del client
        grant = case.device.start()
        grant.poll()
        grant.poll()
        (case.device.user.deny if deny else case.device.user.approve)(grant)
        grant.poll()
        if again:
            grant.poll()
    sent = []
    for one in case.transcript.exchanges:
        answer = one.came or one.response
        sent.append(
            Sent(
                one.started,
                one.request.url.replace(BASE, home),
                one.request.content.replace(BASE.encode(), home.encode()),
                answer.status,
                answer.text.replace(BASE, home).replace("http%3A%2F%2Ftarget.test", home),
                one.request.headers,
                answer.headers,
            )
        )
    return Traffic(sent)


@cache
def login(kind: type[FieldServer], folder: Path, home: str = "", *, broken: str = "", **how: bool) -> Traffic:
    """A login at that server, as if it stood at `home`; by default the provider's own."""
    with opened(kind, folder, broken) as target:
        run = new_run(target, kind.dialect, catalogue())
        try:
            return traffic_of(run, home=home or HOMES[kind.dialect], **how)
        finally:
            run.close()

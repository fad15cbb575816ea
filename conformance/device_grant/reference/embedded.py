"""The embedded target: the reference server in process, on a travelled clock, with its own user."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from device_grant.protocol import dialect
from device_grant.reference.server.faults import Faults
from device_grant.reference.server.settings import Settings
from device_grant.reference.server.usual import USUAL
from device_grant.targets.config import (
    ClockSection,
    EndpointsSection,
    IntrospectionSection,
    Lifetimes,
    Located,
    RequestDefaults,
    SecondUser,
    Serve,
    SigningKeys,
    TargetConfig,
    UserSection,
)
from device_grant.targets.transports.in_process import AsgiTarget
from device_grant.targets.users import ModuleUser, assertions_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.targets.ports import User

DIALECTS = tuple(USUAL)
"""Through which a run of `embedded` goes one after the other."""

_UNANNOUNCED = ("jwt_access_tokens", "device_pkce", "dpop_device_code", "resource")
"""What the RFC dialect has, and no metadata can say."""


def embedded(
    dialect_name: str, faults: Iterable[str] = (), *, settings: Settings | None = None, user: User | None = None
) -> AsgiTarget:
    """The reference server as a target, honest but for the named faults; raises UsageError for unknown names."""
    from device_grant.reference.server.app import create_app

    spoken = dialect(dialect_name)
    named = tuple(faults)
    settings = settings or Settings(dialect=dialect_name)
    app = create_app(settings, Faults.named(*named))
    spec = f"embedded:{dialect_name}"
    config = TargetConfig(
        name="embedded" if not named else f"embedded with {', '.join(named)}",
        version=_version(),
        dialect=dialect_name,
        serve=Serve(app=f"asgi:device_grant.reference.server.app:{settings.usual.application}"),
        endpoints=_endpoints(app.state.store.settings),
        user=UserSection(module="user.py", second=SecondUser(module="second_user.py")),
        clock=ClockSection(kind="travel"),
        lifetimes=Lifetimes(device_code=float(settings.expires_in), interval=float(settings.polling_interval)),
        claims={
            "slow_down": True,
            "refresh_token": True,
            "registration": True,
            "metadata": spoken.has_metadata,
        }
        | (dict.fromkeys(_UNANNOUNCED, True) if spoken.has_metadata else {"authorization_code": True}),
        introspection=_introspecting(settings) if spoken.has_metadata else IntrospectionSection(),
        request=_requests(settings) if spoken.has_metadata else RequestDefaults(),
        iam=SigningKeys() if spoken.has_metadata else _signing(settings),
    )
    folder = Path(__file__).parent / "server"
    located = Located(config=config, folder=folder, spec=spec)
    target = AsgiTarget(located, user or ModuleUser(folder / "user.py"), app=app)
    target.assertion = assertions_of(located)
    target.second = ModuleUser(folder / "second_user.py")
    target.lock_second = app.state.store.lock_account
    target.switch_client = app.state.store.switch_client
    return target


def _endpoints(settings: Settings) -> EndpointsSection:
    """Stated, not discovered: a server whose metadata is faulty must still be reached to be judged."""
    return msgspec.convert({"base": settings.base, **settings.usual.paths}, EndpointsSection)


def _requests(settings: Settings) -> RequestDefaults:
    """The first two resources that are known, and a client that has to use PKCE."""
    return RequestDefaults(
        resources=tuple(one.uri for one in settings.protected_resources[:2]),
        pkce_client=next(iter(settings.pkce_clients), ""),
    )


def _introspecting(settings: Settings) -> IntrospectionSection:
    """The first two resource servers that are known."""
    asking = [
        {"client_id": one.id, "secret": one.secret, "resource": one.resource} for one in settings.resource_servers[:2]
    ]
    first, other = [*asking, {}, {}][:2]
    return msgspec.convert({**first, "other": other}, IntrospectionSection)


def _signing(settings: Settings) -> SigningKeys:
    signed = settings.signed
    return SigningKeys(
        access_key=signed.access_key,
        secret_key=signed.secret_key,
        session_token=signed.session_token,
        region=signed.region,
        application=signed.application,
        module="iam.py",
    )


def _version() -> str:
    from device_grant import __version__

    return __version__

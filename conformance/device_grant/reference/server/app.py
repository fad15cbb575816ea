"""The Starlette application: one dialect's endpoints and the verification page.

`app` (RFC dialect) and `aws_app` are ready to be named as `asgi:device_grant.reference.server.app:app`; they are built
when first asked for.
"""

from __future__ import annotations

import time
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route

from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.reference.server.faults import Faults
from device_grant.reference.server.http import Endpoint
from device_grant.reference.server.pages import VerificationPages
from device_grant.reference.server.settings import PUBLIC_ISSUER, Settings
from device_grant.reference.server.store import Store
from device_grant.reference.server.wire import faulty

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from device_grant.reference.server.aws import AwsEndpoints
    from device_grant.reference.server.rfc8628 import Rfc8628Endpoints

    app: Starlette
    aws_app: Starlette


def _rfc8628() -> type[Rfc8628Endpoints]:
    from device_grant.reference.server.rfc8628 import Rfc8628Endpoints

    return Rfc8628Endpoints


def _aws() -> type[AwsEndpoints]:
    from device_grant.reference.server.aws import AwsEndpoints

    return AwsEndpoints


# Only what is asked for is imported: AWS's read the service model of botocore, which is a tenth of the start of a run.
ENDPOINTS: Mapping[str, Callable[[], type[AwsEndpoints | Rfc8628Endpoints]]] = MappingProxyType(
    {RFC8628: _rfc8628, AWS_SSO_OIDC: _aws}
)
"""By the names of the dialects that the server speaks."""


def create_app(
    settings: Settings | None = None,
    faults: Faults | None = None,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """An authorization server with a memory of its own; `app.state.store` is that memory.

    `clock` tells seconds since the epoch. Raises UsageError for a fault that the dialect does not have.
    """
    settings = settings or Settings()
    faults = faults or Faults()
    faults.require_dialect(settings.dialect)
    if faults.public_http:
        settings = replace(settings, issuer=PUBLIC_ISSUER)
    store = Store(settings, faults, clock)
    endpoints = ENDPOINTS[settings.dialect]()(store)
    pages = VerificationPages(store)
    handlers = endpoints.handlers() | pages.handlers() | endpoints.pages_of_browsers(pages)
    # As ASGI applications, not functions: the endpoints answer every method themselves, 405 included.
    routes = [Route(path, Endpoint(faulty(handler, faults))) for path, handler in handlers.items()]
    application = Starlette(routes=routes)
    application.router.redirect_slashes = False
    application.router.default = Endpoint(faulty(endpoints.not_found, faults))
    application.state.store = store
    return application


def __getattr__(name: str) -> Starlette:
    match name:
        case "app":
            built = create_app()
        case "aws_app":
            built = create_app(Settings(dialect=AWS_SSO_OIDC))
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = built
    return built

"""Where the endpoints of the scripted server are, and what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.protocol import Operation, Purpose, any_dialect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.client.drivers.config import ClientConfig
    from device_grant.client.scripted.steps import Channel
    from device_grant.protocol import Dialect

OPERATIONS: Mapping[Channel, Operation] = {
    "start": Operation.DEVICE_AUTHORIZATION,
    "token": Operation.TOKEN,
    "refresh": Operation.TOKEN,
    "registration": Operation.REGISTRATION,
    "redeem": Operation.TOKEN,
}
"""Operations by channel."""
PURPOSES: Mapping[Channel, Purpose] = {
    "start": Purpose.START,
    "token": Purpose.POLL,
    "refresh": Purpose.REFRESH,
    "registration": Purpose.REGISTRATION,
    "metadata": Purpose.METADATA,
    "authorize": Purpose.AUTHORIZATION,
    "redeem": Purpose.TOKEN_REQUEST,
    "revocation": Purpose.REVOCATION,
}
"""Purposes by channel."""


def usual_paths(config: ClientConfig, dialect: Dialect) -> dict[str, str]:
    """Path of each endpoint, by channel: as client.toml has it, else as the dialect does.

    A client keeps the paths of the dialect that it speaks, whatever it is judged by.
    """
    endpoints = config.endpoints
    own = any_dialect(config.speaks.dialect).paths if config.speaks.dialect else dialect.paths
    return {
        "start": endpoints.device_authorization or own.get(Operation.DEVICE_AUTHORIZATION, "/device_authorization"),
        "token": endpoints.token or own.get(Operation.TOKEN, "/token"),
        "registration": endpoints.registration or own.get(Operation.REGISTRATION, "/register"),
        "revocation": "/revoke",
    }

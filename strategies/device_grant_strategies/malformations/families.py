"""Families of dialects: how a request is looked at, drawn and judged, by the catalogue's own dialects.

A dialect that is registered from outside belongs to the family whose requirements bind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from device_grant.protocol import AWS_SSO_OIDC, DEVICE_CODE_GRANT, RFC8628
from device_grant.protocol.exchange import Operation
from device_grant_strategies import aws, oauth
from device_grant_strategies.malformations.context import Context, modelled, parametrised

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hypothesis.strategies import SearchStrategy

    from device_grant.protocol import Dialect
    from device_grant_strategies.fixing import Members


@dataclass(frozen=True)
class Family:
    """What the dialects of one family have in common."""

    look: Callable[..., Context]
    """Takes the dialect, the operation, the members of a valid request, and whether the target knows its values."""
    valid: Callable[[Operation], SearchStrategy[Members]]
    """Draws the members of a valid request."""


def family(dialect: Dialect) -> Family:
    """The family of a dialect."""
    return _FAMILIES[dialect.entries]


# Registrations without the members that no malformation is about: they would only cost time.


def _of_oauth(operation: Operation) -> SearchStrategy[Members]:
    return {
        Operation.REGISTRATION: oauth.client_registration_requests(
            logo_uri=None, tos_uri=None, policy_uri=None, contacts=None, software_version=None, application_type=None
        ),
        Operation.DEVICE_AUTHORIZATION: oauth.device_authorization_requests(),
    }.get(operation, oauth.token_requests(DEVICE_CODE_GRANT))


def _of_aws(operation: Operation) -> SearchStrategy[Members]:
    return {
        Operation.REGISTRATION: aws.register_client_requests(entitledApplicationArn=None, grantTypes=None),
        Operation.DEVICE_AUTHORIZATION: aws.start_device_authorization_requests(),
    }.get(operation, aws.create_token_requests(DEVICE_CODE_GRANT))


_FAMILIES: Mapping[str, Family] = MappingProxyType(
    {RFC8628: Family(parametrised, _of_oauth), AWS_SSO_OIDC: Family(modelled, _of_aws)}
)

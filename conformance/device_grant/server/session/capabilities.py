"""What a server can do besides the grant itself: what its metadata announces, it claims.

A check names the capabilities that it is about (`needs=`). `[claims]` of target.toml has the first word, the metadata
the second; of a capability that neither can tell, checks find out by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from device_grant.judging import NotApplicable, Untestable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from device_grant.server.session.run import Run
    from device_grant.targets.discovery import Endpoints


@dataclass(frozen=True)
class Capability:
    """One that is optional, and how a server is known to have it."""

    announced: Callable[[Endpoints], bool]
    """Whether target.toml or the metadata say so."""
    lacking: str
    """What they do not say then: the reason for not-applicable, the same for all checks."""
    endpoint: str = ""
    """Our name of the endpoint that it cannot do without; empty: it has none of its own."""


def _listed(document: Mapping[str, Any], member: str, *wanted: str) -> bool:
    """Whether a metadata member is an array that has one of the wanted texts, or anything where none is wanted."""
    listed = document.get(member)
    return isinstance(listed, list) and (any(one in listed for one in wanted) if wanted else bool(listed))


def _openid(endpoints: Endpoints) -> bool:
    document = endpoints.document
    return _listed(document, "scopes_supported", "openid") or _listed(document, "id_token_signing_alg_values_supported")


def _mutual_tls(endpoints: Endpoints) -> bool:
    document = endpoints.document
    return (
        document.get("tls_client_certificate_bound_access_tokens") is True
        or isinstance(document.get("mtls_endpoint_aliases"), dict)
        or _listed(document, "token_endpoint_auth_methods_supported", "tls_client_auth", "self_signed_tls_client_auth")
    )


def _unannounced(_endpoints: Endpoints) -> bool:
    return False


CAPABILITIES: Mapping[str, Capability] = MappingProxyType(
    {
        "revocation": Capability(
            lambda endpoints: bool(endpoints.revocation), "the metadata has no revocation_endpoint", "revocation"
        ),
        "introspection": Capability(
            lambda endpoints: bool(endpoints.introspection),
            "the metadata has no introspection_endpoint",
            "introspection",
        ),
        "userinfo": Capability(
            lambda endpoints: bool(endpoints.userinfo), "the metadata has no userinfo_endpoint", "userinfo"
        ),
        "openid": Capability(
            _openid, "the metadata has neither openid among scopes_supported nor algorithms of ID tokens"
        ),
        "dpop": Capability(
            lambda endpoints: "dpop_signing_alg_values_supported" in endpoints.document,
            "the metadata has no dpop_signing_alg_values_supported",
        ),
        "dpop_device_code": Capability(
            _unannounced, "target.toml does not claim dpop_device_code, which no metadata announces"
        ),
        "mtls": Capability(_mutual_tls, "the metadata has nothing of mutual TLS"),
        "resource": Capability(_unannounced, "target.toml does not claim resource, which no metadata announces"),
        "device_pkce": Capability(_unannounced, "target.toml does not claim device_pkce, which no metadata announces"),
    }
)
"""By the names that checks and `[claims]` have for them."""


def require(run: Run, name: str) -> None:
    """Raise NotApplicable if the target lacks a capability.

    Raises Untestable where its endpoint is missing, or is where the secrets of target.toml may not go.
    """
    claimed, capability = run.claims(name), CAPABILITIES.get(name)
    if claimed is False:
        raise NotApplicable(f"the target does not claim {name}")
    if name == "registration" and run.endpoints.document and not run.endpoints.registration:
        raise NotApplicable("the metadata names no registration endpoint: clients are configured")
    if capability is None:
        return
    if claimed is None and not capability.announced(run.endpoints):
        raise NotApplicable(capability.lacking)
    if not capability.endpoint:
        return
    url = getattr(run.endpoints, capability.endpoint)
    if not url:
        raise Untestable(f"{name} is claimed, and nothing says where: write {capability.endpoint} under [endpoints]")
    if not run.trust.allows(url):
        raise Untestable(
            f"{capability.endpoint} is at {url}, which is another host: give --trust to let secrets go there"
        )

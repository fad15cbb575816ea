"""RFC 8414 metadata and the OpenID configuration of one issuer side by side: RFC 9068 section 4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_grant.browser.page import split
from device_grant.judging import NotApplicable, check
from device_grant.server.checks.metadata.published import NAMES, fetch, is_metadata, places
from device_grant.server.session.jose.profile import CAPABILITY, profiled

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.device import Device

AGREE = "rfc9068-4-metadata-documents-agree"
COMPARED = ("issuer", "jwks_uri")


@check(AGREE, needs=(CAPABILITY, "metadata"), faults=("openid_configuration_other_keys",), timed=True)
def test_both_documents_agree(device: Device, verify: Verify) -> None:
    """Fetch both well-known documents of the issuer, and a token. Accepted: the same issuer and jwks_uri in both.

    It is not applicable to servers that publish one document, or issue access tokens that are not of RFC 9068.
    """
    documents = [_document(device, name) for name in NAMES]
    both = [document for document in documents if document is not None]
    if len(both) < len(NAMES):
        raise NotApplicable("only one metadata document is published, or none")
    profiled(device.case, device.start().redeemed())
    (one, first), (other, second) = both
    differing = [name for name in COMPARED if first.get(name) != second.get(name)]
    problem = "the two metadata documents do not say the same of the issuer or of its keys"
    verify.that(AGREE, not differing, problem, one, other, got=", ".join(differing))


def _document(device: Device, name: str) -> tuple[Exchange, dict[str, Any]] | None:
    """The document of that name at the first place that has it."""
    run = device.case.run
    issuer = run.endpoints.document.get("issuer")
    inserted, appended = places(run.target.base, split(issuer if isinstance(issuer, str) else run.target.base).path)
    for url in (*inserted, *appended):
        if name not in url:
            continue
        exchange, document = fetch(device.case, url, f"metadata: {name}")
        if document is not None and is_metadata(exchange, document):
            return exchange, document
    return None

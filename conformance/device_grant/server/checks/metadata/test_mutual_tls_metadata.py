"""What metadata says of mutual TLS: RFC 8705 sections 3.3 and 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, check
from device_grant.server.checks.metadata.published import is_absolute, metadata_of
from device_grant.server.session.mutual_tls import ALIASES, BOUND
from device_grant.server.sockets.transport import plain_http_allowed

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase

FORM = "rfc8705-5-aliases-form"


@check("rfc8705-3.3-metadata", needs=("metadata",), faults=("mtls_metadata_as_text",))
def test_binding_is_announced_by_a_boolean(case: ServerCase, verify: Verify) -> None:
    """Look at tls_client_certificate_bound_access_tokens, if it is there. Accepted: true or false."""
    exchange, document = metadata_of(case)
    value = document.get(BOUND)
    if value is None:
        raise NotApplicable(f"the metadata has no {BOUND}")
    verify.that("rfc8705-3.3-metadata", isinstance(value, bool), f"{BOUND} is no boolean", exchange)


@check(FORM, needs=("metadata",), faults=("mtls_aliases_list",))
def test_aliases_are_endpoints(case: ServerCase, verify: Verify) -> None:
    """Look at mtls_endpoint_aliases, if it is there. Accepted: an object whose endpoints are absolute https URLs."""
    exchange, document = metadata_of(case)
    aliases = document.get(ALIASES)
    if aliases is None:
        raise NotApplicable(f"the metadata has no {ALIASES}")
    verify.that(FORM, isinstance(aliases, dict), f"{ALIASES} is no object", exchange)
    for name, url in aliases.items() if isinstance(aliases, dict) else ():
        if not name.endswith("_endpoint"):
            continue  # what is no endpoint is to be ignored
        good = is_absolute(url) and plain_http_allowed(url)
        verify.that(
            FORM, good, f"an endpoint among {ALIASES} is no absolute https URL", exchange, got=f"{name} {url!r:.100}"
        )

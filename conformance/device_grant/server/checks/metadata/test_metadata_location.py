"""Where metadata is and what it calls itself: RFC 8414 section 3, RFC 9700 section 2.6."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.browser.page import split
from device_grant.judging import NotApplicable, Untestable, check
from device_grant.server.checks.metadata.published import (
    NAMES,
    WELL_KNOWN,
    fetch,
    is_metadata,
    issuer_of,
    metadata_of,
    places,
)
from device_grant.server.sockets.transport import plain_http_allowed, require_tls_matters, tls_versions
from device_grant.targets.addresses import is_test_rig

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase

NEEDS = ("metadata",)


@check("rfc9700-2.6-publish-metadata", "rfc8414-3-location", needs=NEEDS, faults=("metadata_absent",))
def test_metadata_location(case: ServerCase, verify: Verify) -> None:
    """GET the well-known places of the issuer. Accepted: one before its path answers; after it is a warning."""
    base, known = case.run.target.base, case.run.endpoints.document.get("issuer")
    issuer = known if isinstance(known, str) else base
    inserted, appended = places(base, split(issuer).path)
    tried = []
    answers = {}
    for url in (*inserted, *appended):
        exchange, document = fetch(case, url, "metadata")
        tried.append(exchange)
        answers[url] = is_metadata(exchange, document)
        if answers[url]:
            break
    result = any(answers.values())
    published = result or bool(case.run.endpoints.metadata)
    verify.that("rfc9700-2.6-publish-metadata", published, "no metadata is published", *tried)
    if not published and not case.run.claims("metadata"):
        raise NotApplicable("the target publishes no metadata")
    right = any(answers.get(url, False) for url in inserted)
    if result and not right and any(url.endswith(f"{WELL_KNOWN}/{NAMES[1]}") for url, good in answers.items() if good):
        raise NotApplicable("the metadata is that of OpenID Connect Discovery, where that has it")
    problem = "there is no metadata where the well-known part is put before the issuer's path"
    verify.that("rfc8414-3-location", right, problem, *tried, tolerated=result)


@check(
    "rfc8414-3.3-issuer-identical",
    needs=NEEDS,
    faults=("metadata_issuer_differs", "metadata_issuer_query"),
)
def test_issuer_is_the_one_that_was_asked(case: ServerCase, verify: Verify) -> None:
    """Issuer and the URL of the metadata. Accepted: an issuer from which that URL is made."""
    exchange, document = metadata_of(case)
    issuer, asked = document.get("issuer"), issuer_of(case.run.endpoints.metadata)
    if asked is None:
        raise Untestable("the metadata is at no well-known path: the issuer that it is for is not known")
    if not isinstance(issuer, str):
        raise Untestable("the metadata has no issuer")
    here, there = split(asked), split(issuer)
    # A final slash is taken away before the well-known part is put in (RFC 8414 section 3.1): both make the same URL.
    same = asked.removesuffix("/") == issuer.removesuffix("/")
    # A server behind a port mapping, or called localhost here and 127.0.0.1 there, is a matter of the test rig.
    mapped = is_test_rig(asked) and here.path.rstrip("/") == there.path.rstrip("/") and not there.query
    problem = "issuer is not the one that the metadata's URL was made from"
    verify.that("rfc8414-3.3-issuer-identical", same, problem, exchange, tolerated=mapped)


@check("rfc8414-3.2-error-status", needs=NEEDS, faults=("metadata_error_page_200",))
def test_metadata_of_an_unknown_issuer(case: ServerCase, verify: Verify) -> None:
    """GET the metadata of an issuer that does not exist. Accepted: an error status, or a document all the same."""
    if not case.run.endpoints.metadata:
        raise NotApplicable("the target publishes no metadata")
    parts = urlsplit(case.run.target.base)
    url = f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}/{NAMES[0]}/conformance-no-such-issuer"
    exchange, document = fetch(case, url, "metadata of an unknown issuer")
    # A server may have the same metadata for every path, and one may redirect; neither is an error page sent as 200.
    misleading = exchange.status == 200 and not is_metadata(exchange, document)
    problem = "an unknown well-known path is not answered with an error status"
    verify.that("rfc8414-3.2-error-status", not misleading and exchange.status < 500, problem, exchange)


@check("rfc8414-3-https", "rfc8414-6.1-tls", needs=NEEDS, faults=("public_http",))
def test_metadata_needs_tls(case: ServerCase, verify: Verify) -> None:
    """The metadata's URL, and a handshake. Accepted: https with TLS 1.2; TLS 1.3 alone warns."""
    url = case.run.endpoints.metadata
    if not url:
        raise NotApplicable("the target publishes no metadata")
    require_tls_matters(case, url)
    verify.that("rfc8414-3-https", plain_http_allowed(url), "the metadata is served over plain http")
    spoken = tls_versions(url) if url.startswith("https:") else ()
    problem = "the metadata's host does not speak TLS 1.2"
    verify.that("rfc8414-6.1-tls", "TLS 1.2" in spoken, problem, tolerated="TLS 1.3" in spoken)

"""OpenAPI 3.1 documents of the dialects.

They are written for this project: no such document is published for either. The constraints that a requirement of the
catalogue stands behind name it in the extension `x-requirements`, so that whoever validates with the document knows
what a violation breaks.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from device_grant.protocol.openapi.parts import METADATA, REQUIREMENTS, operation_of, schema_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol import Dialect

__all__ = ["DEFAULT_BASE", "METADATA", "REQUIREMENTS", "document", "operation_of", "schema_of"]

DEFAULT_BASE = "http://127.0.0.1:8628"
"""Where `device-grant serve` listens."""


def document(dialect: Dialect, endpoints: Mapping[str, str] | None = None, base: str = DEFAULT_BASE) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a dialect, a fresh copy that the caller may change.

    `endpoints` has paths or absolute URLs under the names of `Operation` and, in the RFC dialect, METADATA; an
    operation that it leaves out or leaves empty is not described. None describes all of them at the embedded
    server's paths. `base` is the URL of the server. Raises UsageError for URLs that are not http or https.
    """
    result = dialect.openapi(endpoints, base)
    # Plain JSON values of its own, so that a caller's change stays where it was made and YAML shows no anchors.
    plain: dict[str, Any] = json.loads(json.dumps(result))
    return plain

"""Conformance and fuzz tests for the OAuth 2.0 Device Authorization Grant.

Two dialects are covered: RFC 8628 as written, and the AWS SSO OIDC API.
ARCHITECTURE.md in the source tree shows the rooms of this package and who may import whom.
"""

__version__ = "0.1.0"

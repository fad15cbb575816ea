"""What an operator of the reference server chooses for applications: keys, a trusted issuer, who is assigned."""

from __future__ import annotations

from dataclasses import dataclass

OTHER_REGION = "eu-central-1"
"""Region whose tokens the server knows to be of another one."""
ELSEWHERE = "region-eu-central-1-"
"""How tokens of that region begin, for those who want to see InvalidRequestRegionException."""


@dataclass(frozen=True, kw_only=True)
class SignedSettings:
    """Published values for tests: none of them protects anything."""

    region: str = "us-east-1"
    """For which requests are signed."""
    access_key: str = "AKIDMADEUPFORTESTS00"
    secret_key: str = "made-up-secret-for-tests"  # noqa: S105 - published, as all of these
    session_token: str = "made-up-session-token-for-tests"  # noqa: S105 - likewise
    """What requests by temporary keys have in x-amz-security-token; those by lasting keys have none."""
    application: str = "arn:aws:sso::111122223333:application/ssoins-0123456789abcdef/apl-fedcba9876543210"
    redirect_uris: tuple[str, ...] = ("http://127.0.0.1/oauth/callback", "https://app.example.com/oauth/callback")
    scopes: tuple[str, ...] = ("sts:identity_context", "openid", "aws")
    issuer: str = "https://issuer.example.com"
    """The trusted token issuer: who signs assertions."""
    issuer_arn: str = "arn:aws:sso::111122223333:trustedTokenIssuer/ssoins-0123456789abcdef/tti-0123456789abcdef"
    issuer_key: str = "made-up-key-of-the-token-issuer-for-tests"
    """With which it signs them: HS256, so that any JOSE library makes one in a line."""
    audience: str = "device-grant-reference"
    """Whom assertions are for."""
    assigned: tuple[str, ...] = ("alice",)
    """People who may use the application."""
    token_lifetime: int = 3_600
    """Seconds."""

"""The authorization code grant with PKCE as AWS SSO OIDC has it: a browser's part, and codes that are redeemed."""

"""What AWS SSO OIDC asks of a sign-in by a browser: the authorization code grant with PKCE."""

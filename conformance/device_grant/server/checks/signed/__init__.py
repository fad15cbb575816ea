"""What AWS SSO OIDC asks of CreateTokenWithIAM, the operation that applications sign."""

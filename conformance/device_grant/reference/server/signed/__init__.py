"""CreateTokenWithIAM: the operation of AWS SSO OIDC that is signed, for applications with keys of their own."""

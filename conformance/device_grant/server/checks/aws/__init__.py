"""What only AWS SSO OIDC and its protocol restJson1 ask for."""

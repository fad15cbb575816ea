"""What is signed and what is told of a person: ID tokens, access tokens that are JWTs, published keys, userinfo."""

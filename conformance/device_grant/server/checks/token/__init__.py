"""Tokens, their scope, their refreshing, and who may ask for them."""

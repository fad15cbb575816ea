"""Browsers at the verification page, as a check uses them."""

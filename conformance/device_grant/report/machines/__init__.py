"""Learned machines: on a terminal, drawn, as a page, and beside one another."""

"""Checks on authorization servers, one module per subject.

They are pytest tests: `pytest --pyargs conformance.server --target TARGET` runs them, and so does `device-grant run`.
"""

"""Checks on authorization servers, one folder a group of subjects, one module a subject.

They are pytest tests: `pytest --pyargs device_grant.server.checks --grant-target TARGET` runs them, and so does
`device-grant run`.
"""

PARTY = "server"
"""Whom the checks of this package judge."""

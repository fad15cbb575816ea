"""Servers that take client certificates, one place of them changed, and what the checks on them say (RFC 8705)."""

from __future__ import annotations

import json

from device_grant.catalogue import Verdict
from device_grant.reference.embedded import embedded
from support.proof import judged

ALIASES = "mtls_endpoint_aliases"
METHODS = "token_endpoint_auth_methods_supported"
BOUND = "tls_client_certificate_bound_access_tokens"
CHECKS = (
    "mutual_tls_metadata::test_binding_is_announced_by_a_boolean",
    "mutual_tls_metadata::test_aliases_are_endpoints",
    "aliases::test_codes_of_the_alias",
    "certificate_bound_tokens::test_access_token_is_bound",
    "certificate_bound_tokens::test_refresh_token_of_a_public_client_is_bound",
    "certificate_bound_uses::test_introspection_of_a_bound_token",
    "certificate_bound_uses::test_userinfo_with_the_certificate_of_somebody_else",
    "certificate_clients::test_start_with_the_certificate_of_somebody_else",
    "certificate_clients::test_poll_with_the_certificate_of_somebody_else",
    "certificate_clients::test_two_kinds_of_subject",
)
TOKENS = {"rfc8705-3-poll-binds-token", "rfc8705-3.1-thumbprint", "rfc8705-3.1-jwt-uses-cnf"}
TELLS, LOOKS = "rfc8705-3.2-introspection", "rfc8705-3-userinfo-checks-certificate"
USES = {TELLS, LOOKS}
REFRESH = "rfc8705-4-public-refresh-bound"
AUTHENTICATION = {"rfc8705-2-device-endpoint-authenticates", "rfc8705-2-binding-enforced", "rfc8705-2-invalid-client"}
FORGED = "rfc8705-6.5-forged-certificate-header"
TWO = "rfc8705-2.1-single-subject"
CLIENTS = {*AUTHENTICATION, FORGED}
WORKS = "rfc8705-5-device-alias-works"
FORM = "rfc8705-5-aliases-form"


class Answering:
    """An application whose JSON answers at a path are changed."""

    def __init__(self, app, path, change):
        self.app, self.path, self.change = app, path, change

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or self.path not in scope["path"]:
            await self.app(scope, receive, send)
            return
        messages = []

        async def keep(message):
            messages.append(message)

        await self.app(scope, receive, keep)
        start, body = messages
        members = json.loads(body["body"])
        self.change(members)
        changed = json.dumps(members).encode()
        headers = [pair for pair in start["headers"] if pair[0] != b"content-length"]
        await send({**start, "headers": [*headers, (b"content-length", str(len(changed)).encode())]})
        await send({**body, "body": changed})


def metadata(change):
    return lambda target: setattr(target, "_app", Answering(target._app, "/.well-known/", change))


def judge(*changes, faults=(), settings=None):
    """The verdicts by requirement."""
    target = embedded("rfc8628", faults, settings=settings)
    for change in changes:
        change(target)
    with target:
        outcomes = judged(target, CHECKS, 5)
        return {name: verdict for outcome in outcomes for name, verdict in outcome.verdicts.items()}


def broken(verdicts):
    return {name for name, verdict in verdicts.items() if verdict in (Verdict.FAIL, Verdict.WARN)}


def of(verdicts, verdict):
    return {name for name, one in verdicts.items() if one is verdict}

"""The person whose app sends a password with each decision, in a field of the form."""

from __future__ import annotations

from device_grant.targets import UserError


def approve(http, grant) -> None:
    decide(http, grant, "allow")


def deny(http, grant) -> None:
    decide(http, grant, "deny")


def decide(http, grant, decision: str) -> None:
    form = {"user_code": grant.user_code, "decision": decision, "passphrase": "correct horse"}
    answer = http.post(grant.verification_uri, data=form)
    if answer.is_error:
        raise UserError(f"the decision was answered {answer.status_code}")

"""The person at pages that ask nothing after the code: typing it is all there is to do."""

from __future__ import annotations

from person import description, enter, sign_in, typed  # noqa: F401 - functions of a user module

from device_grant.targets import UserError


def approve(http, grant) -> None:
    page, done = typed(http, grant.verification_uri, grant.user_code)
    if not done:
        raise UserError(f"the code was answered {page.status_code}: {description(page)}")


def deny(http, grant) -> None:  # noqa: ARG001 - what a user module is given
    raise UserError("nothing is asked after the code")


def confirmation(http, grant):  # noqa: ARG001 - likewise
    raise UserError("nothing is asked after the code")

"""The person to whom a refusal is a refusal, whatever the status of the page that answers it."""

from __future__ import annotations

import person
from person import DENY, approve, enter, sign_in  # noqa: F401 - of a user module


def deny(http, grant) -> None:
    page = person.until_question(http, grant)
    person.submit(http, page, person.deciding(page, DENY))

"""The person at pages with links before the question or after the answer, who follows each that is there."""

from __future__ import annotations

from urllib.parse import urljoin

import person
from person import ALLOW, DENY, description, enter, read, sign_in, submit, typed  # noqa: F401 - of a user module

from device_grant.targets import UserError


def approve(http, grant) -> None:
    decide(http, grant, ALLOW)


def deny(http, grant) -> None:
    decide(http, grant, DENY)


def confirmation(http, grant):
    page, done = typed(http, grant.verification_uri, grant.user_code)
    if done and person.deciding(page, ALLOW) is None:
        page = further(http, page)
    if not done or person.deciding(page, ALLOW) is None:
        raise UserError(f"the code was answered {page.status_code}: {description(page)}")
    return page


def further(http, page):
    links = [link.get("href") for link in read(page).root.iter("a")]
    return http.get(urljoin(str(page.url), links[0])) if links else page


def decide(http, grant, words) -> None:
    page = confirmation(http, grant)
    page = submit(http, page, person.deciding(page, words))
    if page.status_code >= 400:
        raise UserError(f"the decision was answered {page.status_code}: {description(page)}")
    further(http, page)

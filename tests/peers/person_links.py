"""The person at pages that answer by links, or by buttons that set the location."""

from __future__ import annotations

from urllib.parse import urljoin

from person import description, enter, read, sign_in, typed  # noqa: F401 - functions of a user module

from device_grant.targets import UserError


def approve(http, grant) -> None:
    follow(http, grant, "allow")


def deny(http, grant) -> None:
    follow(http, grant, "deny")


def confirmation(http, grant):
    page, done = typed(http, grant.verification_uri, grant.user_code)
    if not done:
        raise UserError(f"the code was answered {page.status_code}: {description(page)}")
    return page


def follow(http, grant, word) -> None:
    page = confirmation(http, grant)
    links = [link.get("href") for link in read(page).root.iter("a") if link.text.lower() == word]
    buttons = [button.get("onclick", "") for button in read(page).root.iter("button") if button.text.lower() == word]
    links += [script.partition("location.href='")[2].rstrip("'") for script in buttons if "location.href" in script]
    if not links:
        raise UserError(f"no link: {description(page)}")
    page = http.get(urljoin(str(page.url), links[0]))
    if page.status_code >= 400:
        raise UserError(f"the decision was answered {page.status_code}: {description(page)}")

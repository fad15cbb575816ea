"""The person in front of the peer whose pages are a script: what the script would send."""

from __future__ import annotations

from urllib.parse import urljoin

from person import NAME, PASSWORD

from device_grant.targets import UserError


def ask(http, path: str, content: dict, address: str = ""):
    where = urljoin(address or str(http.base_url), path)
    return http.post(where, json=content, headers={"X-Peer": "1"})


def sign_in(http) -> None:
    answer = ask(http, "/api/session", {"name": NAME, "password": PASSWORD})
    if answer.is_error:
        raise UserError(f"signing in was answered {answer.status_code}")


def enter(http, user_code, verification_uri):
    sign_in(http)
    return ask(http, "/api/device", {"user_code": user_code}, verification_uri)


def confirmation(http, grant):
    answer = enter(http, grant.user_code, grant.verification_uri)
    if answer.is_error:
        raise UserError(f"the code was answered {answer.status_code}: {answer.json().get('message')}")
    return answer


def approve(http, grant) -> None:
    decide(http, grant, "allow")


def deny(http, grant) -> None:
    decide(http, grant, "deny")


def decide(http, grant, decision: str) -> None:
    confirmation(http, grant)
    answer = ask(http, "/api/decision", {"user_code": grant.user_code, "decision": decision}, grant.verification_uri)
    if answer.is_error:
        raise UserError(f"the decision was answered {answer.status_code}: {answer.json().get('message')}")

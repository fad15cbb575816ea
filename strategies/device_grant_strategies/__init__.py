"""Hypothesis strategies for the OAuth 2.0 Device Authorization Grant, in two dialects.

The package knows nothing of HTTP clients and of targets: it draws what to send, and says which answers are fair.
It is usable without the rest of the suite.

Valid requests of AWS SSO OIDC, in the names of botocore's service model::

    from hypothesis import given
    from device_grant_strategies import create_token_requests, register_client_requests

    @given(register_client_requests(clientType="public", scopes=None))
    def test_registration(request):
        client.register_client(**request)

    @given(create_token_requests("refresh_token", clientId=ID, clientSecret=SECRET))
    def test_refresh(request):
        ...

A keyword fixes a member to a value, to what another strategy draws, or, with None, leaves it out.
`start_device_authorization_requests` and `create_token_with_iam_requests`, which is to be signed, are the other two
operations. The RFC dialect has `client_registration_requests`
(RFC 7591), `device_authorization_requests` (RFC 8628) and `token_requests`, which work alike with RFC names, and the
values behind them: `scopes`, `client_ids`, `client_secrets`, `device_codes`, `refresh_tokens`, `rich_text`.

Malformed requests, each with the answers that are fair::

    from device_grant_strategies import malformed

    poll = {"grant_type": DEVICE_CODE_GRANT, "device_code": code, "client_id": "my-client"}

    @given(malformed("token", dialect="rfc8628", base=poll))
    def test_malformed(wrong):
        wrong = wrong.with_valid_answers(["authorization_pending", "slow_down"])
        response = post(token_endpoint, wrong.body, wrong.content_type)
        assert wrong.judge(names_of(response)) != "unacceptable", wrong

`names_of` gives the names by which an answer can be accepted: `ok` for a success, else the OAuth error code, the AWS
exception, `http-400` and `http-4xx`. A server error is never acceptable. `accepted` and `tolerated` are what `judge`
goes by; `requirement` is the id of the catalogue entry that the request serves; `MALFORMATIONS` describes every kind.

`polling_schedules` draws when to poll, `user_code_typings` how a person types a user code.
"""

from device_grant_strategies.aws import (
    create_token_requests,
    create_token_with_iam_requests,
    register_client_requests,
    start_device_authorization_requests,
)
from device_grant_strategies.malformations import MALFORMATIONS, Malformation, Malformed, malformed
from device_grant_strategies.oauth import client_registration_requests, device_authorization_requests, token_requests
from device_grant_strategies.polling import PollingSchedule, polling_schedules
from device_grant_strategies.user_codes import user_code_typings
from device_grant_strategies.values import (
    client_ids,
    client_secrets,
    device_codes,
    refresh_tokens,
    rich_text,
    scope_lists,
    scopes,
    start_urls,
)

__all__ = [
    "MALFORMATIONS",
    "Malformation",
    "Malformed",
    "PollingSchedule",
    "client_ids",
    "client_registration_requests",
    "client_secrets",
    "create_token_requests",
    "create_token_with_iam_requests",
    "device_authorization_requests",
    "device_codes",
    "malformed",
    "polling_schedules",
    "refresh_tokens",
    "register_client_requests",
    "rich_text",
    "scope_lists",
    "scopes",
    "start_device_authorization_requests",
    "start_urls",
    "token_requests",
    "user_code_typings",
]

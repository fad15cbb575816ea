"""The portal API of IAM Identity Center, as far as tools need it after a sign-in (service model `sso`, 2019-06-10).

Accounts, roles and keys are made up and the same for everybody: no service of AWS takes such keys. What is real is that
only a token which this server has issued, and which has not ended, is answered.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from device_grant.reference.server.http import Answer, Call, Handler
from device_grant.reference.server.issued.terms import good_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.reference.server.store import Store

TOKEN_HEADER = b"x-amz-sso_bearer_token"
_JSON = "application/json"
_ACCOUNTS = {
    "111122223333": ("Canned account of the reference server", ("AdministratorAccess", "ReadOnlyAccess")),
    "444455556666": ("Another canned account", ("ReadOnlyAccess",)),
}
_KEYS_LIVE = 3_600
"""Seconds."""
_NAMESPACE = "com.amazonaws.switchboard.portal#"


class _ProblemError(Exception):
    """An exception of the service model, with its status."""

    def __init__(self, name: str, status: int, message: str) -> None:
        super().__init__(name)
        self.name, self.status, self.message = name, status, message


class Portal:
    """Four operations, one handler each."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def handlers(self) -> dict[str, Handler]:
        """Handlers by path."""
        return {
            "/assignment/accounts": self._operation("GET", self._accounts),
            "/assignment/roles": self._operation("GET", self._roles),
            "/federation/credentials": self._operation("GET", self._credentials),
            "/logout": self._operation("POST", self._logout),
        }

    def _accounts(self, query: dict[str, str], person: str, token: str) -> dict[str, Any]:
        """ListAccounts; all of them are on the first page."""
        del query, token
        return {
            "nextToken": None,
            "accountList": [
                {"accountId": account, "accountName": name, "emailAddress": f"{person}@example.com"}
                for account, (name, _) in _ACCOUNTS.items()
            ],
        }

    def _roles(self, query: dict[str, str], person: str, token: str) -> dict[str, Any]:
        """ListAccountRoles."""
        del person, token
        account = _of(query, "account_id")
        return {
            "nextToken": None,
            "roleList": [{"roleName": role, "accountId": account} for role in _roles_of(account)],
        }

    def _credentials(self, query: dict[str, str], person: str, token: str) -> dict[str, Any]:
        """GetRoleCredentials; keys that say what they are."""
        del token
        account, role = _of(query, "account_id"), _of(query, "role_name")
        if role not in _roles_of(account):
            raise _ProblemError("ResourceNotFoundException", 404, "No access")
        return {
            "roleCredentials": {
                "accessKeyId": "ASIACANNEDFORTESTS00",
                "secretAccessKey": "canned-by-the-reference-server-for-tests",
                "sessionToken": f"canned-session-of-{person}-as-{role}-in-{account}",
                # In milliseconds, unlike every time of the OIDC API.
                "expiration": int((self.store.clock() + _KEYS_LIVE) * 1000),
            }
        }

    def _logout(self, query: dict[str, str], person: str, token: str) -> dict[str, Any]:
        """Logout: the token is worth nothing any more."""
        del query, person
        self.store.access_tokens[token].revoked = True
        return {}

    def _person(self, token: str | None) -> str:
        if not token:
            raise _ProblemError("UnauthorizedException", 401, "Session token not found or invalid")
        held = good_token(self.store, token)
        if held is None:
            raise _ProblemError("UnauthorizedException", 401, "Session token not found or invalid")
        return held.subject

    def _operation(self, method: str, operate: Callable[[dict[str, str], str, str], dict[str, Any]]) -> Handler:
        async def answer(call: Call) -> Answer:
            if call.method != method:
                return Answer(405, b"{}", _JSON, {"Allow": method, **_headers()})
            token = call.header(TOKEN_HEADER)
            try:
                members = operate(_query(call), self._person(token), token or "")
            except _ProblemError as problem:
                body = {"message": problem.message, "__type": _NAMESPACE + problem.name}
                headers = {"x-amzn-ErrorType": problem.name, **_headers()}
                return Answer(problem.status, json.dumps(body).encode(), _JSON, headers)
            return Answer(200, json.dumps(members).encode() if members else b"", _JSON, _headers())

        return answer


def _query(call: Call) -> dict[str, str]:
    try:
        return dict(parse_qsl(call.query.decode("latin-1"), max_num_fields=20))
    except ValueError:
        raise _ProblemError("InvalidRequestException", 400, "The query is not well-formed") from None


def _of(query: dict[str, str], name: str) -> str:
    if not query.get(name):
        raise _ProblemError("InvalidRequestException", 400, f"{name} is missing")
    return query[name]


def _roles_of(account: str) -> tuple[str, ...]:
    if account not in _ACCOUNTS:
        raise _ProblemError("ResourceNotFoundException", 404, "No access")
    return _ACCOUNTS[account][1]


def _headers() -> dict[str, str]:
    return {"Cache-Control": "no-store", "x-amzn-RequestId": str(uuid.uuid4())}

"""CreateTokenWithIAM: four grants for an application that signs its requests (service model `sso-oidc`, 2019-06-10)."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from device_grant.protocol import REFRESH_TOKEN_GRANT, service_model
from device_grant.reference.server.code_grant.authorize import AUTHORIZATION_CODE
from device_grant.reference.server.http import Answer, Call, Refusal, crash
from device_grant.reference.server.issued.terms import Terms, good_token
from device_grant.reference.server.restjson import FrameworkError, read_input, success
from device_grant.reference.server.signed.assertions import Assertions
from device_grant.reference.server.signed.settings import ELSEWHERE, OTHER_REGION
from device_grant.reference.server.signed.signature import require_signature
from device_grant.reference.server.store import RegisteredClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.reference.server.code_grant.codes import Codes
    from device_grant.reference.server.grants import Grants
    from device_grant.reference.server.issued.tokens import Tokens
    from device_grant.reference.server.store import Store

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant type
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a type
REFRESH_TOKEN = "urn:ietf:params:oauth:token-type:refresh_token"  # noqa: S105 - likewise
_TYPES = (ACCESS_TOKEN, REFRESH_TOKEN)
_SHAPE = service_model.operation(service_model.SIGNED)


class SignedOperation:
    """The operation, for the one application that the server knows."""

    def __init__(self, store: Store, grants: Grants, codes: Codes) -> None:
        self.store = store
        self.faults = store.faults
        self.settings = store.settings.signed
        self.grants = grants
        self.codes = codes
        self.assertions = Assertions(store)
        self.application = RegisteredClient(
            id=self.settings.application,
            name="The application of the signed requests",
            grants=frozenset({AUTHORIZATION_CODE, REFRESH_TOKEN_GRANT, JWT_BEARER, TOKEN_EXCHANGE}),
            scopes=self.settings.scopes,
            redirect_uris=self.settings.redirect_uris,
        )
        store.applications[self.application.id] = self.application

    def selected(self, call: Call) -> bool:
        """Whether a request at the path of CreateToken is for this operation."""
        if self.faults.iam_query_ignored or not call.query:
            return False
        query = parse_qsl(call.query.decode("latin-1"), keep_blank_values=True)
        if self.faults.iam_query_any_value:
            return any(name == "aws_iam" for name, _ in query)
        return ("aws_iam", "t") in query

    def spoilt(self, answer: Answer, call: Call) -> Answer:
        """An error as the fault `iam_errors_untyped` leaves it."""
        if self.faults.iam_errors_untyped and self.selected(call):
            answer.headers.pop("x-amzn-ErrorType", None)
        return answer

    async def answer(self, call: Call) -> Answer:
        """One request; raises Refusal and FrameworkError."""
        if call.method != _SHAPE.method:
            raise FrameworkError("UnknownOperationException", 405, "Only POST is allowed here", {"Allow": "POST"})
        if call.too_large:
            raise FrameworkError("RequestEntityTooLargeException", 413, "The body is too large")
        require_signature(call, self.settings, self.faults, self.store.clock())
        members = self._members(call)
        if members["clientId"] != self.application.id:
            if self.faults.iam_unknown_application_500:
                raise crash()
            raise Refusal("invalid_client", "")
        return self._answered(*await self._granted(members))

    def _members(self, call: Call) -> dict[str, Any]:
        try:
            return read_input(call, _SHAPE, self.faults)
        except Refusal:
            if not self.faults.iam_grant_type_optional:
                raise
        required = tuple(replace(member, required=member.name == "clientId") for member in _SHAPE.input)
        return {"grantType": JWT_BEARER} | read_input(call, replace(_SHAPE, input=required), self.faults)

    async def _granted(self, members: Mapping[str, Any]) -> tuple[Tokens, str, str]:
        """Tokens, the person whom they are for, and the type of token that was issued."""
        scope, grant_type = self._scope(members), members["grantType"]
        if grant_type == JWT_BEARER and self.faults.iam_jwt_bearer_unsupported:
            raise Refusal("unsupported_grant_type", "Invalid grant type: only token exchange is supported")
        if grant_type == TOKEN_EXCHANGE:
            return self._exchanged(members, scope)
        if grant_type == REFRESH_TOKEN_GRANT:
            return await self._refreshed(members), "", REFRESH_TOKEN
        if grant_type == AUTHORIZATION_CODE:
            tokens = await self.codes.redeem(self.application, members)
            return tokens, self._subject(tokens), REFRESH_TOKEN
        if grant_type != JWT_BEARER and not self.faults.iam_device_grant_served:
            raise Refusal("unsupported_grant_type", "Invalid grant type: none of those that applications have")
        assertion = self._required(members, "assertion")
        person = self.assertions.person(assertion)
        if person not in self.settings.assigned and not self.faults.iam_assignment_ignored:
            # Without a word of explanation, as in the field.
            raise Refusal("access_denied", "")
        return self.grants.tokens.issue(self.application, scope, Terms(subject=person)), person, REFRESH_TOKEN

    def _exchanged(self, members: Mapping[str, Any], scope: tuple[str, ...]) -> tuple[Tokens, str, str]:
        token = self._required(members, "subjectToken")
        kind = self._required(members, "subjectTokenType")
        wanted = members.get("requestedTokenType", ACCESS_TOKEN)
        if kind != ACCESS_TOKEN or wanted not in _TYPES:
            raise Refusal("invalid_request", "Invalid request: this type of token is not supported")
        self._require_here(token)
        held = good_token(self.store, token)
        if held is None:
            raise Refusal("invalid_grant", "Invalid grant: the subject token was not issued here, or has ended")
        person = held.subject
        tokens = self.grants.tokens.issue(self.application, scope, Terms(subject=person))
        if wanted == ACCESS_TOKEN:
            self.store.refresh_tokens.pop(tokens.refresh_token or "", None)
            tokens = replace(tokens, refresh_token=None)
        return tokens, person, REFRESH_TOKEN if self.faults.iam_exchange_type_ignored else wanted

    async def _refreshed(self, members: Mapping[str, Any]) -> Tokens:
        token = self._required(members, "refreshToken")
        self._require_here(token)
        if self.faults.iam_refresh_unsupported:
            raise Refusal("invalid_grant", "Invalid refresh token: none of an application is accepted")
        narrowed = self._scope(members) if "scope" in members else None
        return await self.grants.refresh(self.application, token, narrowed)

    @staticmethod
    def _require_here(token: str) -> None:
        """Refuse a token of the other region that is known of."""
        if token.startswith(ELSEWHERE):
            where = {"endpoint": f"https://oidc.{OTHER_REGION}.amazonaws.com", "region": OTHER_REGION}
            raise Refusal(
                "invalid_request",
                "Invalid request: the token was issued in another region",
                exception="InvalidRequestRegionException",
                members=where,
            )

    def _required(self, members: Mapping[str, Any], name: str) -> str:
        value = members.get(name)
        if isinstance(value, str) and value:
            return value
        if name == "assertion" and self.faults.iam_missing_assertion_500:
            raise crash()
        raise Refusal("invalid_request", f"Invalid request: {name} is missing")

    def _subject(self, tokens: Tokens) -> str:
        return self.store.access_tokens[tokens.access_token].subject

    def _scope(self, members: Mapping[str, Any]) -> tuple[str, ...]:
        own = self.application.scopes or ()
        wanted = tuple(dict.fromkeys(members.get("scope") or own))
        if self.faults.iam_scope_ignored:
            return own
        if not set(wanted) <= set(own):
            raise Refusal("invalid_scope", "Invalid scope: the application does not have it")
        return wanted

    def _answered(self, tokens: Tokens, person: str, kind: str) -> Answer:
        context = secrets.token_urlsafe(32)
        person = person or self._subject(tokens)
        beside = f"{context}-beside" if self.faults.iam_context_differs else context
        members: dict[str, Any] = {
            "access_token": tokens.access_token,
            "token_type": "Bearer",
            "expires_in": self.settings.token_lifetime,
            "id_token": self.assertions.identity_token(person, context, self.settings.token_lifetime),
            "issued_token_type": kind,
            "scope": " ".join(tokens.scope) if self.faults.iam_scope_as_string else list(tokens.scope),
        }
        if not self.faults.iam_context_in_token_only:
            members["aws_additional_details"] = {"identityContext": beside}
        if tokens.refresh_token is not None:
            members["refresh_token"] = tokens.refresh_token
        return success(200, members, self.faults)

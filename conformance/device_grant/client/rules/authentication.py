"""Who the client says it is, and how it proves it (RFC 6749 sections 2.3 and 3.2.1, RFC 8628 sections 3.1 and 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from device_grant.client.rules.session import authenticates, identifies
from device_grant.judging import Judgement, rule
from device_grant.protocol.names import snake
from device_grant.protocol.reading import basic, members_of, query_pairs, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.client.rules.session import ClientSession

SECRET_PARAMETERS = frozenset({"client_secret", "client_assertion"})
BY_HEADER, BY_BODY = "client_secret_basic", "client_secret_post"


@rule(
    "rfc8628-3.1-client-id-required",
    "rfc8628-3.4-client-id-required",
    faults=("client_id_missing_at_start", "client_id_missing_in_polls"),
)
def client_is_named(session: ClientSession) -> Iterator[Judgement]:
    """Requests name their client, and name it right."""
    for name, entries in (
        ("rfc8628-3.1-client-id-required", session.starts),
        ("rfc8628-3.4-client-id-required", session.polls),
    ):
        for entry in entries:
            problem = "the request does not name its client"
            # Credentials of another kind say in their own way whose they are; in some dialects there are none.
            named = identifies(entry) or (authenticates(entry) and session.dialect.http_authentication)
            # So does a certificate; what it asks for beside it is RFC 8705's.
            named = named or entry.request.certificate is not None
            yield Judgement(name, named, problem, (entry,))


@rule(
    "rfc8628-3.1-confidential-client-authenticates",
    "rfc8628-3.4-credentialed-client-authenticates",
    "rfc6749-3.2.1-credentialed-must-authenticate",
    "rfc6749-6-credentialed-authenticates",
    faults=("secret_withheld_at_start", "secret_withheld_in_polls", "refresh_unauthenticated"),
)
def credentials_are_used(session: ClientSession) -> Iterator[Judgement]:
    """A client that has credentials authenticates each of its requests."""
    if not session.known_secret:
        return
    for names, entries in (
        (("rfc8628-3.1-confidential-client-authenticates",), session.starts),
        (
            ("rfc8628-3.4-credentialed-client-authenticates", "rfc6749-3.2.1-credentialed-must-authenticate"),
            session.polls,
        ),
        (("rfc6749-6-credentialed-authenticates",), session.refreshes),
    ):
        for entry in session.as_registered(*entries):
            for name in names:
                problem = "a client with credentials does not authenticate"
                yield Judgement(name, authenticates(entry), problem, (entry,))


@rule("rfc6749-2.3-single-auth-method", faults=("secret_twice",))
def one_method_is_used(session: ClientSession) -> Iterator[Judgement]:
    """No request has credentials in its header and in its body."""
    for entry in (*session.starts, *session.token_requests):
        if authenticates(entry):
            in_body = any(name in SECRET_PARAMETERS and value for name, value in members_of(entry.request))
            in_header = bool(entry.request.header("authorization"))
            problem = "credentials are in the header and in the body"
            yield Judgement("rfc6749-2.3-single-auth-method", not (in_body and in_header), problem, (entry,))


@rule(
    "rfc6749-2.3.1-client-may-use-basic",
    "rfc6749-2.3.1-body-credentials-discouraged",
    faults=("secret_in_body",),
)
def basic_is_used(session: ClientSession) -> Iterator[Judgement]:
    """A client with a secret uses Basic, unless its registration says otherwise."""
    if not session.known_secret:
        return
    method = session.registered.get("token_endpoint_auth_method") if session.registered else None
    if method not in (None, BY_HEADER):
        return
    for entry in session.as_registered(*session.starts, *session.token_requests):
        if not authenticates(entry):
            continue
        by_header = basic(entry.request) is not None
        problem = "a client with a secret does not use Basic"
        yield Judgement("rfc6749-2.3.1-client-may-use-basic", by_header, problem, (entry,))
        in_body = bool(value_of(entry.request, "client_secret"))
        problem = "the secret is in the body although Basic is possible"
        yield Judgement("rfc6749-2.3.1-body-credentials-discouraged", not in_body, problem, (entry,))


@rule("rfc6749-2.3.1-basic-encoding-client", faults=("basic_not_encoded",))
def basic_is_form_encoded(session: ClientSession) -> Iterator[Judgement]:
    """Identifier and secret are form-encoded before they become Basic credentials."""
    if not session.known_secret:
        return
    for entry in session.as_registered(*session.starts, *session.token_requests):
        credentials = basic(entry.request)
        if credentials is None:
            continue
        holds = credentials.user == session.known_id and credentials.password == session.known_secret
        # Where nothing has to be escaped, both readings are the same.
        problem = "identifier or secret is not form-encoded before Basic"
        yield Judgement("rfc6749-2.3.1-basic-encoding-client", holds, problem, (entry,))


@rule("rfc6749-2.3.1-body-credentials-both-required", faults=("secret_without_id",))
def secret_comes_with_identifier(session: ClientSession) -> Iterator[Judgement]:
    """A secret in the body has client_id beside it."""
    for entry in (*session.starts, *session.token_requests):
        names = {name for name, value in members_of(entry.request) if value}
        if "client_secret" in names:
            problem = "client_secret is in the body without client_id"
            yield Judgement("rfc6749-2.3.1-body-credentials-both-required", "client_id" in names, problem, (entry,))


@rule("rfc6749-2.3.1-empty-secret-omittable", faults=("empty_secret_sent",))
def no_secret_is_sent_without_one(session: ClientSession) -> Iterator[Judgement]:
    """A client without a secret leaves client_secret out; an empty one is noted."""
    if session.known_secret or not session.known_id:
        return
    for entry in session.as_registered(*session.starts, *session.token_requests):
        credentials = basic(entry.request)
        empty = value_of(entry.request, "client_secret") == "" or (
            credentials is not None and credentials.password == ""
        )
        problem = "an empty client_secret is sent"
        yield Judgement("rfc6749-2.3.1-empty-secret-omittable", not empty, problem, (entry,))


@rule("rfc6749-2.3.1-no-credentials-in-uri", faults=("secret_in_query",))
def secrets_are_not_in_urls(session: ClientSession) -> Iterator[Judgement]:
    """No credential is in the URL of a request."""
    for entry in session.protocol:
        names = {snake(name) for name, _ in query_pairs(entry.request)}
        url = unquote(entry.request.url)
        leaked = bool(names & SECRET_PARAMETERS) or (len(session.known_secret) > 3 and session.known_secret in url)  # noqa: PLR2004 - shorter ones occur by chance
        yield Judgement("rfc6749-2.3.1-no-credentials-in-uri", not leaked, "credentials are in the URL", (entry,))

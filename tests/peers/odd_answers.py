"""Peers of the RFC dialect that say the usual in unusual words: HTTP, JSON, metadata, addresses."""

from __future__ import annotations

import json
import time
from email.utils import formatdate

from peer_records import Client, Grant, Refused
from peer_rfc import Honest
from peer_wire import Answer, Request, json_answer


class ServerVersion(Honest):
    """Says which software it is, version included: RFC 9110 section 10.2.4 warns of needless detail only."""

    def wire(self, answer: Answer) -> Answer:
        return answer.with_header("Server", "peer/1.27.3")


class SkewedDate(Honest):
    """Its clock is four minutes fast: Date says so, and expires_in counts all the same."""

    def wire(self, answer: Answer) -> Answer:
        return answer.with_header("Date", formatdate(time.time() + 240, usegmt=True))


class LowerCaseHeaders(Honest):
    """Field names in lower case and media types with a charset (RFC 9110 sections 5.1 and 8.3.1)."""

    def wire(self, answer: Answer) -> Answer:
        charset = {"application/json": "application/JSON; charset=UTF-8"}
        answer.headers = [(name.lower(), charset.get(value, value)) for name, value in answer.headers]
        return answer


class ManyHeaders(Honest):
    """Forty fields that nobody asked for, some of them more than once (RFC 9110 section 5.3)."""

    def wire(self, answer: Answer) -> Answer:
        answer.headers += [(f"X-Peer-{number % 20}", f"value {number}") for number in range(40)]
        return answer.with_header("Vary", "Accept-Encoding").with_header(
            "Strict-Transport-Security", "max-age=31536000"
        )


class PrivateNoStore(Honest):
    """no-store among other directives, in upper case (RFC 9111 section 5.2 compares without regard to case)."""

    def wire(self, answer: Answer) -> Answer:
        answer.headers = [
            (name, "private, max-age=0, No-Store" if value == "no-store" else value) for name, value in answer.headers
        ]
        return answer


class OddJson(Honest):
    """White space, escapes and an order that only RFC 8259 knows."""

    def wire(self, answer: Answer) -> Answer:
        if ("Content-Type", "application/json") in answer.headers:
            content = json.loads(answer.body)
            text = json.dumps(dict(reversed(content.items())), indent="\t", separators=(" ,\r\n", " :\n "))
            answer.body = f"\n\r\n {text.replace('_', chr(92) + 'u005f').replace('/', chr(92) + '/')} \n".encode()
        return answer


class ExtraMembers(Honest):
    """Members that no document has, nested ones and null too (RFC 8628 section 3.2, RFC 6749 section 5.1)."""

    def started(self, code: str, grant: Grant) -> dict:
        extra = {"peer_message": "Open the page …", "peer_qr": {"level": "M", "size": [21, 21]}, "peer_nothing": None}
        return super().started(code, grant) | extra

    def tokens_for(self, client: Client, scope: str, original: str, family: str) -> dict:
        return super().tokens_for(client, scope, original, family) | {"peer_session": 7, "peer_more": {"a": [None]}}


class LongErrors(Honest):
    """Errors with error_uri, a long description and members of their own (RFC 6749 section 5.2)."""

    def refusal(self, refused: Refused) -> Answer:
        answer = super().refusal(refused)
        members = json.loads(answer.body) | {
            "error_description": f"({refused.error}) " + "This request cannot be served, see the handbook. " * 20,
            "error_uri": f"https://peer.test/errors/{refused.error}?lang=en#why",
            "timestamp": int(time.time()),
            "trace_id": "4bf92f3577b34da6",
        }
        answer.body = json.dumps(members).encode()
        return answer


class TerseErrors(Honest):
    """Errors are the code alone."""

    def refusal(self, refused: Refused) -> Answer:
        return super().refusal(Refused(refused.error, "", refused.status, *refused.headers))


class LowerCaseBearer(Honest):
    """token_type bearer: its value is compared without regard to case (RFC 6749 section 5.1)."""

    def tokens_for(self, client: Client, scope: str, original: str, family: str) -> dict:
        return super().tokens_for(client, scope, original, family) | {"token_type": "bearer"}


class StrictMediaType(Honest):
    """Another media type is 415, with invalid_request in its body (RFC 9110 section 15.5.16)."""

    def parameters(self, request: Request) -> dict[str, str]:
        if request.media_type() != "application/x-www-form-urlencoded":
            raise Refused("invalid_request", "send a form", 415, ("Accept-Post", "application/x-www-form-urlencoded"))
        return super().parameters(request)

    def registration(self, request: Request) -> dict:
        if request.media_type() != "application/json":
            raise Refused("invalid_client_metadata", "send JSON", 415, ("Accept-Post", "application/json"))
        return super().registration(request)


class UnknownParametersLogged(Honest):
    """Takes a form without Content-Type for a form (RFC 9110 section 8.3 lets a recipient look)."""

    def parameters(self, request: Request) -> dict[str, str]:
        if not request.media_type():
            request.headers["content-type"] = "application/x-www-form-urlencoded"
        return super().parameters(request)


class CorsOnMetadata(Honest):
    """Metadata may be read by scripts of anybody, nothing else may."""

    def metadata(self, request: Request) -> Answer:
        return super().metadata(request).with_header("Access-Control-Allow-Origin", "*")


class CorsOnTokens(Honest):
    """CORS at the token, start, registration and metadata endpoints, with preflight (RFC 9700 section 2.6)."""

    def answer(self, request: Request) -> Answer:
        open_paths = (self.token_path, self.start_path, self.register_path, self.metadata_path)
        if request.path not in open_paths:
            return super().answer(request)
        if request.method == "OPTIONS":
            methods = "GET" if request.path == self.metadata_path else "POST"
            allow = [("Access-Control-Allow-Methods", methods), ("Access-Control-Allow-Headers", "Content-Type")]
            answer = Answer(204, b"", [*allow, ("Allow", f"{methods}, OPTIONS")])
        else:
            answer = super().answer(request)
        return answer.with_header("Access-Control-Allow-Origin", "*")


class OptionsEverywhere(Honest):
    """OPTIONS is answered 200 with Allow and no content at every endpoint (RFC 9110 section 9.3.7)."""

    def not_allowed(self, request: Request, allowed: tuple[str, ...]) -> Answer:
        if request.method == "OPTIONS":
            return Answer(200, b"", [("Allow", ", ".join((*allowed, "OPTIONS")))])
        return super().not_allowed(request, allowed)


class SlashRefused(Honest):
    """A path with a slash too many is redirected by 308, as frameworks do; its POST is not served there."""

    def not_found(self, request: Request) -> Answer:
        shorter = request.path.rstrip("/")
        if request.path != shorter and shorter in self.routes():
            return Answer(308, b"Moved.\n", [("Location", shorter), ("Content-Type", "text/plain")])
        return super().not_found(request)


class OtherPaths(Honest):
    """Endpoints anywhere: paths with several parts, and a query at the token endpoint (RFC 6749 section 3.2)."""

    start_path = "/oauth2/v1/device/authorize.php"
    token_path = "/oauth2/v1/token"
    register_path = "/connect/register"
    verification = "/activate"

    def url(self, path: str) -> str:
        return super().url(path) + ("?tenant=7" if path == self.token_path else "")


class OtherHosts(Honest):
    """Endpoints on hosts of their own under one domain: nothing in RFC 8414 keeps them with the issuer."""

    def url(self, path: str) -> str:
        hosts = {self.token_path: "http://tokens.target.test", self.start_path: "http://devices.target.test:8080"}
        return hosts.get(path, self.base) + path


class VanityHost(Honest):
    """verification_uri is a short address of its own, which asks to sign in there (RFC 8628 section 3.2: short)."""

    verification = "/d"

    def url(self, path: str) -> str:
        return f"http://go.target.test{path}" if path == self.verification else super().url(path)


class RootAddress(Honest):
    """verification_uri is the root of its host."""

    verification = "/"


class LanguageInAddress(Honest):
    """verification_uri says the language: a query is allowed, since only the code should not be in it (section 3.3)."""

    def started(self, code: str, grant: Grant) -> dict:
        members = super().started(code, grant)
        page = self.url(self.verification) + "?lang=en"
        complete = f"{page}&user_code={grant.user_code}"
        return members | {"verification_uri": page, "verification_uri_complete": complete}


class NoComplete(Honest):
    """No verification_uri_complete: optional (RFC 8628 section 3.2)."""

    def started(self, code: str, grant: Grant) -> dict:
        members = super().started(code, grant)
        del members["verification_uri_complete"]
        return members


class OpaqueComplete(Honest):
    """verification_uri_complete has a handle instead of the code ("or other information", RFC 8628 section 3.2)."""

    def started(self, code: str, grant: Grant) -> dict:
        return super().started(code, grant) | {
            "verification_uri_complete": f"{self.url(self.verification)}?request={grant.handle}"
        }

    def code_page(self, request: Request) -> Answer:
        for grant in self.grants.values():
            if self.person(request) and request.method != "POST" and grant.handle == request.asked("request"):
                return self.typed(request, grant.user_code)
        return super().code_page(request)


class OpenIdOnly(Honest):
    """Metadata by OpenID Connect Discovery alone, with an issuer that has a path (RFC 8414 section 5 speaks of it)."""

    issuer_path = "/realms/home"
    metadata_path = "/realms/home/.well-known/openid-configuration"
    target = {"endpoints": {"base": "http://target.test/realms/home"}}


class IssuerWithPath(Honest):
    """The issuer has a path, which stands behind the well-known part (RFC 8414 section 3.1)."""

    issuer_path = "/tenant/7"
    metadata_path = "/.well-known/oauth-authorization-server/tenant/7"
    target = {"endpoints": {"base": "http://target.test/tenant/7"}}


class NoMetadata(Honest):
    """No metadata: RFC 8414 is optional, and the endpoints are in target.toml."""

    deviations = {"rfc9700-2.6-publish-metadata": "a SHOULD of RFC 9700"}

    metadata_path = "/nothing-here"
    target = {
        "endpoints": {
            "base": "http://target.test",
            "device_authorization": "/device_authorization",
            "token": "/token",
            "registration": "/register",
        }
    }

    def metadata(self, request: Request) -> Answer:
        return self.not_found(request)


class RichMetadata(Honest):
    """Metadata with members of many documents, languages included (RFC 8414 section 2)."""

    def metadata_members(self) -> dict:
        return super().metadata_members() | {
            "service_documentation": "https://peer.test/docs",
            "ui_locales_supported": ["en", "de-AT"],
            "op_policy_uri": "https://peer.test/policy",
            "code_challenge_methods_supported": ["S256"],
            "peer_features": {"rotate": True},
        }


class NoResponseTypes(Honest):
    """Leaves response_types_supported out: RFC 8414 section 3.2 wants no empty array, section 2 wants the member."""

    def metadata_members(self) -> dict:
        members = super().metadata_members()
        del members["response_types_supported"]
        return members


class NotFoundByJson(Honest):
    """What is not there is told in JSON, problem details (RFC 9457)."""

    def not_found(self, request: Request) -> Answer:
        problem = {
            "type": "about:blank",
            "title": "Not RecognisedExchange",
            "status": 404,
            "detail": f"No {request.path[:50]}",
        }
        return Answer(404, json.dumps(problem).encode(), [("Content-Type", "application/problem+json")])


class HeadRefused(Honest):
    """HEAD is 405 at the pages and the metadata: RFC 9110 section 9.1 asks general-purpose servers for it."""

    def answer(self, request: Request) -> Answer:
        if request.method == "HEAD" and request.path in (self.metadata_path, self.token_path):
            return self.not_allowed(request, ("GET",) if request.path == self.metadata_path else ("POST",))
        return super().answer(request)


class EarlyHints(Honest):
    """Metadata with an ETag and a lifetime in caches, 304 where it is known (RFC 9110 section 13)."""

    def metadata(self, request: Request) -> Answer:
        headers = [("ETag", '"7"'), ("Cache-Control", "public, max-age=3600")]
        if '"7"' in request.headers.get("if-none-match", ""):
            return Answer(304, b"", headers)
        return json_answer(200, self.metadata_members(), *headers)

"""What can be seen from outside of tokens, registration, metadata, restJson1 and the verification page."""

from __future__ import annotations

import html
import re

from fault_probes import DEVICE, REGISTRATION, approved, denied, described, kind
from reference_support import DEVICE_CLIENT
from test_reference_pages import guesses, opened, send, sign_in, token_of

from conformance.protocol import (
    REFRESH_TOKEN_GRANT,
)

# Tokens


def caching(server):
    approved(server)
    device = server.last.headers.get("cache-control")
    approved(server).poll()
    return device, server.last.headers.get("cache-control")


def token_members(server):
    outcome = approved(server).poll()
    return sorted({*outcome.members} & {"access_token", "token_type"}), kind(outcome.members["expires_in"])


def access_tokens(server):
    tokens = [approved(server).poll().members["access_token"] for _ in range(3)]
    return len(set(tokens)), min(len(token) for token in tokens) > 40


def unknown_scope(server):
    outcome = server.try_start(DEVICE_CLIENT, scope="read nonexistent")
    return described(outcome)


def broken_scope(server):
    return described(server.try_start(DEVICE_CLIENT, scope='re"ad'))


def refresh_twice(server):
    grant = approved(server)
    token = grant.poll().members["refresh_token"]
    return [grant.refresh(token).code, grant.refresh(token).code]


def refresh_elsewhere(server):
    grant = approved(server)
    return grant.refresh(grant.poll().members["refresh_token"], server.register()).code


def refresh_unknown(server):
    return server.start().refresh("never-issued").code


def refresh_wider(server):
    grant = approved(server, scope="read")
    return grant.refresh(grant.poll().members["refresh_token"], scope="read write").code


def refresh_narrower(server):
    grant = approved(server, scope="read write")
    narrowed = grant.refresh(grant.poll().members["refresh_token"], scope="read")
    return grant.refresh(narrowed.members["refresh_token"]).members["scope"]


def refresh_without_token(server):
    return server.token(server.client(), grant_type=REFRESH_TOKEN_GRANT).status


# Registration and metadata


def registered(server):
    members = {"client_name": "TV", "client_type": "public"} if server.aws else {"client_name": "TV"}
    outcome = server.call(REGISTRATION, members | {"client_id": "mine"})
    return outcome.status, sorted(outcome.members), outcome.members["client_id"] == "mine"


def public_secret(server):
    return server.register().secret is None


def secrets_differ(server):
    method = {} if server.aws else {"token_endpoint_auth_method": "client_secret_basic"}
    return server.register(**method).secret != server.register(**method).secret


def metadata_types(server):
    return server.call(REGISTRATION, {"client_name": {"a": 1}}).status


def bad_redirect(server):
    members = {"client_name": "x", "client_type": "public"} if server.aws else {}
    return server.call(REGISTRATION, members | {"redirect_uris": ["javascript:alert(1)"]}).status


def document(server):
    return server.http.get("/.well-known/oauth-authorization-server").json()


def forged_host(server):
    request = server.request(DEVICE, {"start_url": "https://a.example/"} if server.aws else {}, server.client())
    request.headers["host"] = "evil.test"
    return "evil.test" in server.http.send(request).text


# AWS


def error_names(server):
    outcome = server.start().poll()
    return outcome.error_type, server.last.headers.get("x-amzn-errortype"), sorted(server.body())


def request_ids(server):
    server.start()
    return "x-amzn-requestid" in server.last.headers


def spelling(server):
    server.start()
    return sorted(server.body()), kind(server.body().get("expiresIn"))


def old_registration(server):
    client = server.register()
    server.clock.now += 91 * 86_400
    return described(server.try_start(client))


def aws_registration(**change):
    def probe(server):
        members = {"client_name": "TV", "client_type": "public"} | change
        return server.call(REGISTRATION, members).status

    return probe


def aws_raw(body):
    def probe(server):
        return server.raw(REGISTRATION, body).status

    return probe


def odd_start_url(server):
    return server.try_start(server.register(), start_url="nonsense").status


def unknown_path(server):
    return server.http.post("/nothing").status_code


# Pages


def opened_complete(server):
    grant = server.start()
    opened(server, grant.user_code)
    return grant.poll().code


def stranger(server):
    grant = server.start()
    page = server.http.get(grant.verification_uri_complete)
    server.http.post("/device", data={"csrf_token": token_of(page), "user_code": grant.user_code, "action": "approve"})
    return grant.poll().code


def forged_form(server):
    grant = server.start()
    browser, _ = opened(server)
    browser.post("/device", data={"user_code": grant.user_code, "action": "approve"})
    return grant.poll().code


def typed_script(server):
    browser, page = opened(server)
    return "<script" in send(browser, page, user_code="<script>x").text


def named_script(server):
    grant = server.start(server.register(client_name="<script>x"))
    return "<script" in opened(server, grant.user_code)[1].text


def guessing(server):
    browser, page = opened(server)
    return guesses(browser, page, 8)


def lower_case(server):
    browser, page = opened(server)
    return send(browser, page, user_code=server.start().user_code.lower()).status_code


def confirmation(server):
    client = server.register(client_name="Lounge TV")
    grant = server.start(client)
    text = opened(server, grant.user_code)[1].text
    visible = html.unescape(re.sub(r"<[^>]*>", " ", text))
    return grant.user_code in visible, "Lounge TV" in visible, "possession" in visible, 'value="deny"' in text


def second_decision(server):
    grant = denied(server)
    browser, page = opened(server)
    send(browser, page, user_code=grant.user_code, action="approve")
    return grant.poll().code


def farewell(server):
    grant = server.start()
    browser, page = opened(server, grant.user_code)
    return "device." in send(browser, page, user_code=grant.user_code, action="approve").text


def framing(server):
    _, response = sign_in(server)
    return "content-security-policy" in response.headers, "x-frame-options" in response.headers

"""What can be seen from outside of polling, codes, requests and client authentication: one function an observation."""

from __future__ import annotations

import re

import httpx
from reference_support import BASIC_CLIENT, START

from conformance.protocol import (
    DEVICE_CODE_GRANT,
    REFRESH_TOKEN_GRANT,
    Client,
    Operation,
)
from conformance.protocol.dialects import basic_authorization, duplicate_members

FORM = "application/x-www-form-urlencoded"
DEVICE, TOKEN, REGISTRATION = Operation.DEVICE_AUTHORIZATION, Operation.TOKEN, Operation.REGISTRATION


def approved(server, **members):
    grant = server.start(**members)
    server.store.decide(grant.user_code, approve=True, subject="alice")
    return grant


def denied(server):
    grant = server.start()
    server.store.decide(grant.user_code, approve=False, subject="alice")
    return grant


def described(outcome):
    return outcome.status, outcome.code


def secret_client(server):
    return server.register() if server.aws else BASIC_CLIENT


def wrong(client):
    return Client(client.id, "wrong", client.authentication)


def codes_of(server, count=12):
    return [server.start() for _ in range(count)]


def kind(value):
    return type(value).__name__, isinstance(value, int) and value > 0


# Polling


def pending(server):
    return described(server.start().poll())


def pending_twice(server):
    return server.start().polls(2)


def approval(server):
    return described(approved(server).poll())


def denial(server):
    return denied(server).polls(2)


def replay(server):
    return approved(server).polls(2)


def race(server):
    grant = approved(server)
    requests = [server.request(TOKEN, grant.members(), grant.client) for _ in range(5)]
    return sorted(response.status_code for response in server.bridge.together(requests))


def foreign(server):
    other = server.register()
    return described(approved(server).poll(client=other))


def unknown_code(server):
    return described(server.start().poll(code="never-issued"))


def truncated_code(server):
    grant = server.start()
    return described(grant.poll(code=grant.device_code[:-3]))


def upper_code(server):
    grant = server.start()
    return described(grant.poll(code=grant.device_code.swapcase()))


def user_code_polled(server):
    grant = server.start()
    return described(grant.poll(code=grant.user_code))


def expired_pending(server):
    return described(server.start().poll(after=600))


def expired_approved(server):
    return described(approved(server).poll(after=600))


def late(server):
    return described(server.start().poll(after=590))


def late_user_code(server):
    grant = server.start()
    server.clock.now = START + 590
    return server.store.decide(grant.user_code, approve=True, subject="alice") is None


def patient(server):
    return server.start().polls(4, after=20)


def after_slow_down(server):
    grant = server.start()
    return [*grant.polls(2, after=0), *grant.polls(1, after=10)]


def hasty_status(server):
    grant = server.start()
    grant.poll(after=0)
    return grant.poll(after=0).status


def hasty_approved(server):
    grant = server.start()
    grant.poll(after=0)
    server.store.decide(grant.user_code, approve=True, subject="alice")
    return [*grant.polls(1, after=0), *grant.polls(1, after=20)]


# Device authorization


def device_codes(server):
    grants = codes_of(server)
    return len({grant.device_code for grant in grants}), min(len(grant.device_code) for grant in grants) > 40


def user_codes(server):
    grants = codes_of(server)
    regular = all(re.fullmatch(r"[B-Z]{4}-[B-Z]{4}", grant.user_code) for grant in grants)
    return len({grant.user_code for grant in grants}) == 1, regular


def uris(server):
    grant = server.start()
    uri = grant.verification_uri
    complete = grant.verification_uri_complete
    return grant.user_code in uri, uri.startswith("http://reference.test/"), len(uri) < 60, grant.user_code in complete


def device_members(server):
    outcome = server.try_start(server.client())
    expiry = kind(outcome.members.get("expires_in"))
    return outcome.status, sorted(outcome.members), expiry, kind(outcome.members.get("interval"))


def got_by_get(server):
    request = server.request(DEVICE, {"start_url": "https://a.example/"} if server.aws else {}, server.client())
    query = (
        request.content.decode()
        if not server.aws
        else str(httpx.QueryParams(httpx.Response(200, content=request.content).json()))
    )
    return server.http.get(f"/device_authorization?{query}").status_code


# Requests


def labels(server):
    server.start()
    return server.last.headers["content-type"]


def repeated_names(server):
    server.start()
    return duplicate_members(server.last.content)


def nulls(server):
    approved(server).poll()
    return [name for name, value in server.body().items() if value is None]


def error_body(server):
    server.start().poll(code="never")
    return sorted(server.body()), '"' in server.body().get("error_description", "")


def reflected(server):
    server.start().poll(code="never-issued")
    return "never-issued" in server.last.text


def other_method(server):
    response = server.http.put("/token")
    return response.status_code, response.headers.get("allow")


def broken_body(server):
    return server.raw(REGISTRATION, b"{", "application/json").status


def broken_form(server):
    return server.raw(DEVICE, b"client_id=%ff").status


def other_media_type(server):
    return server.raw(TOKEN, b"<a/>", "application/xml").status


def media_type_parameter(server):
    request = server.request(DEVICE, {"start_url": "https://a.example/"} if server.aws else {}, server.client())
    content_type = request.headers["content-type"] + "; charset=utf-8"
    return server.raw(DEVICE, request.content, content_type).status


def no_device_code(server):
    return described(server.token(server.client(), grant_type=DEVICE_CODE_GRANT))


def no_grant_type(server):
    grant = server.start()
    return described(server.token(grant.client, device_code=grant.device_code))


def odd_grant_type(server):
    grant = server.start()
    return described(server.token(grant.client, grant_type="password", device_code=grant.device_code))


def unknown_parameter(server):
    return described(server.try_start(server.client(), some_extension="x"))


def form(body):
    def probe(server):
        return described(server.raw(DEVICE, body))

    return probe


def from_query(server):
    return server.http.post("/device_authorization?client_id=device-client", headers={"Content-Type": FORM}).status_code


# Clients


def bad_secret_at_start(server):
    return described(server.try_start(wrong(secret_client(server))))


def bad_secret_at_token(server):
    client = secret_client(server)
    return described(server.start(client).poll(client=wrong(client)))


def no_secret(server):
    return described(server.try_start(Client(secret_client(server).id)))


def unknown_client(server):
    return described(server.try_start(Client("nobody", "x")))


def no_client(server):
    return described(server.try_start(None, client_secret="x" if server.aws else None))


def unregistered_grant(server):
    return described(server.try_start(server.register(grant_types=[REFRESH_TOKEN_GRANT])))


def challenge(server):
    outcome = server.try_start(wrong(BASIC_CLIENT))
    return outcome.status, "www-authenticate" in server.last.headers


def basic(change):
    def probe(server):
        header = change(basic_authorization(BASIC_CLIENT.id, BASIC_CLIENT.secret))
        headers = {"Content-Type": FORM, "Authorization": header}
        return server.http.post("/device_authorization", headers=headers).status_code

    return probe


def both_methods(server):
    headers = {"Content-Type": FORM, "Authorization": basic_authorization(BASIC_CLIENT.id, BASIC_CLIENT.secret)}
    return server.http.post("/device_authorization", content=b"client_secret=x", headers=headers).status_code

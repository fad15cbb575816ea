"""Clients whose requests or whose first login deviate: what deviates is judged, and nothing else is made of it."""

from __future__ import annotations

import base64
import dataclasses
import json

import msgspec
import pytest
from support.client_proof import applies, catalogue, scenarios
from support.judged_clients import OTHERS, Plain, ShowsTheMessage, judged, opened
from support.small_client import BASE, GiveUp

from device_grant.catalogue import Verdict
from device_grant.client.drivers.config import Claims
from device_grant.client.drivers.embedded import EmbeddedDriver
from device_grant.client.drivers.invocation import Ended
from device_grant.client.session.run import ClientRun
from device_grant.errors import TargetUnreachableError
from device_grant.protocol import DEVICE_CODE_GRANT, RFC8628, Request, dialect


class Short(Plain):
    parameters = (("grant_type", "device_code"), ("device_code", "{code}"))


class Unnamed(Plain):
    parameters = (("device_code", "{code}"),)


class Google(Plain):
    parameters = (("grant_type", "http://oauth.net/grant_type/device/1.0"), ("code", "{code}"))


class OtherName(Plain):
    parameters = (("grant_type", DEVICE_CODE_GRANT), ("code", "{code}"))


class Anonymous(Plain):
    parameters = (("grant_type", DEVICE_CODE_GRANT), ("device_code", "{code}"), ("client_id", ""))


class Json(Plain):
    def ask(self, method, url, members=None):
        if members is None:
            return super().ask(method, url, members)
        authority = self.invocation.authority
        content = json.dumps({"client_id": "device-grant-client", **members}).encode()
        headers = (("Content-Type", "application/json"), ("Content-Length", str(len(content))))
        operation = authority.operation(Request(method, url, headers, content))
        request = Request(method, url, headers, content, operation)
        exchange = authority.record(request, authority.answer(request), self.now, self.now, "1")
        if exchange.error:
            raise GiveUp("the connection was lost")
        return exchange


DEVIATIONS = {
    Plain: set(),
    Short: {"rfc8628-3.4-grant-type-value"},
    Unnamed: {"rfc8628-3.4-grant-type-value"},
    Google: {"rfc8628-3.4-grant-type-value", "rfc8628-3.4-device-code-sent"},
    OtherName: {"rfc8628-3.4-device-code-sent"},
    Anonymous: {"rfc8628-3.4-client-id-required"},
    Json: {"rfc8628-3.1-client-form-body", "rfc8628-3.4-token-endpoint-post-form"},
}


@pytest.mark.parametrize("kind", DEVIATIONS)
def test_a_request_that_deviates_is_judged_and_hides_nothing(kind):
    """It fails its own requirement, and no other: the scripted server answers by its script."""
    run = opened(kind())
    assert not run.obstacle
    verdicts, broken = judged(run, *OTHERS)
    assert broken == DEVIATIONS[kind]
    assert {verdict for one in verdicts.values() for verdict in one} <= {Verdict.PASS, Verdict.FAIL}


class PollsWithTheUserCode(Plain):
    def poll_members(self, said):
        return {"grant_type": DEVICE_CODE_GRANT, "device_code": said["user_code"]}


def test_a_login_that_fails_for_a_broken_rule_is_a_result():
    """No server can answer that, and the poll itself shows what is wrong."""
    run = opened(PollsWithTheUserCode())
    assert "rfc8628-3.4-device-code-sent" in run.obstacle
    verdicts, broken = judged(run, OTHERS[0])
    assert broken == {"rfc8628-3.4-device-code-sent"}
    assert {verdict for one in verdicts.values() for verdict in one} == {Verdict.UNTESTABLE}
    verdicts, broken = judged(run, *OTHERS[1:])
    assert not broken
    assert {verdict for one in verdicts.values() for verdict in one} == {Verdict.UNTESTABLE}


class LosesItsBody(Plain):
    def ask(self, method, url, members=None):
        return super().ask(method, url, None if url.endswith("/token") else members)


def test_a_poll_that_lost_its_body_is_a_broken_poll():
    assert "rfc8628-3.4-grant-type-value" in opened(LosesItsBody()).obstacle


def test_a_login_that_fails_and_breaks_no_rule_says_nothing_of_the_client():
    with pytest.raises(TargetUnreachableError, match=r"the plain login ended with status 1; .* no message"):
        opened(ShowsTheMessage())


class StartsSlowly(Plain):
    """In time the first so many times; later the deadline passes before it has sent anything."""

    def __init__(self, in_time=0):
        super().__init__()
        self.in_time = in_time

    def run(self, invocation):
        if self.in_time:
            self.in_time -= 1
            return super().run(invocation)
        invocation.authority.base = BASE
        return Ended(None, "", "Importing modules ...", 20.0, overdue=True)


def test_no_request_before_the_deadline_is_no_evidence():
    """A client that is still starting has done nothing, and so nothing wrong."""
    with pytest.raises(TargetUnreachableError, match="asked for: nothing; its last lines: Importing modules"):
        opened(StartsSlowly())


def test_a_scenario_whose_deadline_passed_before_any_request_is_never_judged():
    run = opened(StartsSlowly(in_time=1))
    names = [name for name, entry in scenarios().items() if applies(entry, RFC8628)]
    verdicts, broken = judged(run, *names, "asking::test_endpoint_is_taken")
    assert not broken
    assert Verdict.PASS not in {verdict for one in verdicts.values() for verdict in one}


class PendingIsFatal(Plain):
    fatal = "authorization_pending"


def test_pending_that_is_fatal_is_judged_by_its_own_check_alone():
    run = opened(PendingIsFatal())
    assert not run.obstacle
    verdicts, broken = judged(run, *OTHERS)
    assert broken == {"rfc8628-3.5-client-repeats-on-pending", "rfc8628-3.3-client-polls-until-done"}
    assert verdicts["rfc8628-3.5-slow-down-continue-polling"] == {Verdict.UNTESTABLE}
    assert verdicts["rfc6749-5.1-token-type-case-insensitive"] == {Verdict.PASS}


class PollsOn(Plain):
    """Its timer fires once more, and what the server says then is what it ends with."""

    def poll(self, said):
        members = super().poll(said)
        self.wait(1)
        answer = self.ask("POST", self.token_endpoint(), self.poll_members(said))
        if answer.status != 200:
            raise GiveUp(f"refused: {self.members(answer)}")
        return members


def test_polls_after_the_token_are_a_result():
    """The code is redeemed, so the second poll is refused."""
    run = opened(PollsOn())
    assert "rfc8628-3.3-client-polls-until-done" in run.obstacle
    assert judged(run, OTHERS[0])[1] == {"rfc8628-3.3-client-polls-until-done"}


# What a client can do.


def test_who_registers_what_is_the_affair_of_the_application_around_an_sdk():
    """The adapter chooses it; of a whole login it is the client's own."""
    requirement, name = "rfc7591-2-client-uri-recommended", "registering::test_refused_registration"
    for kind, expected in (("flow", {requirement}), ("operations", set())):
        run = ClientRun(EmbeddedDriver(RFC8628, ["client_uri_missing"], kind=kind), dialect(RFC8628), catalogue())
        assert judged(run, name)[1] == expected


class OnlyRefreshes(Plain):
    """A token provider: it has no way of signing in."""

    claims = Claims(login=False, refresh=True, registration=False, keeps=("tokens",), tls=False)

    def run(self, invocation):
        assert invocation.operation == "refresh"
        return super().run(invocation)


class OnlyRefreshesInVain(OnlyRefreshes):
    def refresh(self):
        raise GiveUp("no tokens here")


def test_a_client_that_only_refreshes_is_tested_for_that():
    run = opened(OnlyRefreshes())
    names = [name for name, entry in scenarios().items() if applies(entry, RFC8628)]
    verdicts, broken = judged(run, *names)
    assert not broken
    assert verdicts["rfc6749-6-grant-type"] == {Verdict.PASS}
    assert verdicts["rfc6749-6-client-keeps-old-when-not-rotated"] == {Verdict.PASS}
    assert verdicts["rfc6819-5.3.3-secure-storage"] == {Verdict.PASS}
    assert verdicts["rfc8628-3.5-client-repeats-on-pending"] == {Verdict.NOT_APPLICABLE}
    with pytest.raises(TargetUnreachableError, match="a plain refresh ended with status 1"):
        opened(OnlyRefreshesInVain())


class ShortAndCannotRefresh(Short):
    """What is wrong with its polls is not why it does not refresh."""

    claims = Claims(refresh=True, registration=False)

    def refresh(self):
        raise GiveUp("no tokens here")


def test_a_deviation_elsewhere_is_not_why_something_does_not_work():
    with pytest.raises(TargetUnreachableError, match="a plain refresh ended with status 1"):
        opened(ShortAndCannotRefresh())


@pytest.mark.parametrize(
    ("keeps", "registrations", "tokens"),
    [(True, True, True), (False, False, False), (("tokens",), False, True), (("registrations",), True, False)],
)
def test_what_is_kept_is_claimed_by_kind(keeps, registrations, tokens):
    client = Plain()
    client.config = msgspec.structs.replace(client.config, claims=Claims(keeps=keeps))
    run = ClientRun(client, dialect(RFC8628), catalogue())
    assert (run.claims("keeps_registrations"), run.claims("keeps_tokens")) == (registrations, tokens)


class Keeps(Plain):
    """Its file of tokens is written at its refresh, as it likes."""

    claims = Claims(registration=False, refresh=True)
    mode = 0o644
    form = staticmethod(lambda token: token)

    def got(self, members):
        self.say(f"device-grant: token {members['access_token']}")
        if self.given["OPERATION"] == "refresh":
            file = self.invocation.home.path / "cache"
            file.write_bytes(self.form(members["access_token"].encode()))
            file.chmod(self.mode)


@pytest.mark.parametrize("before", [b"", b"u", b"user:", b"somebody@example.org:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_in_base64_is_one(before, encode):
    """Credential files, netrc and npm write them so; the file of a token provider appears at its refresh."""
    name = "keeping::test_files"
    open_to_all = type("OpenToAll", (Keeps,), {"form": staticmethod(lambda token: encode(before + token))})
    assert judged(opened(open_to_all()), name)[1] == {"rfc6819-5.3.3-secure-storage"}
    closed = type("Closed", (open_to_all,), {"mode": 0o600})
    assert judged(opened(closed()), name)[0]["rfc6819-5.3.3-secure-storage"] == {Verdict.PASS}
    other = type("Other", (Keeps,), {"form": staticmethod(lambda _token: encode(before + b"x" * 60))})
    assert judged(opened(other()), name)[0]["rfc6819-5.3.3-secure-storage"] == {Verdict.NOT_APPLICABLE}


class FallsBack(Plain):
    """Takes a refusal at the start for "no device flow here", and goes on in a browser."""

    def start(self):
        try:
            return super().start()
        except GiveUp:
            self.say("Open http://127.0.0.1/authorize instead")
            self.wait(1000)
            raise


class EndsAsIfItHadWorked(Plain):
    def flow(self):
        try:
            super().flow()
        except GiveUp:
            self.lines.clear()


def test_what_is_still_going_on_may_be_a_reaction():
    requirement, name = "rfc8628-3.5-client-reacts-to-other-errors", "ending::test_refused_at_the_start"
    assert judged(opened(FallsBack()), name)[0][requirement] == {Verdict.INCONCLUSIVE}
    assert judged(opened(EndsAsIfItHadWorked()), name)[0][requirement] == {Verdict.WARN}
    assert judged(opened(Plain()), name)[0][requirement] == {Verdict.PASS}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("", "it wrote nothing"),
        ("\x1b[47m  \x1b[0m\n\x1b[1;31mIt failed\x1b[0m\n  \n\u2588\u2580\u2584\n", "It failed"),
        ("\x1b]8;;https://example.org\x07here\x1b]8;;\x07", "here"),
        ("a" * 300 + "b" * 300, "a" * 200 + " … " + "b" * 200),
        ("one\ntwo\nthree\nfour", "two | three | four"),
    ],
)
def test_last_words_are_words(written, shown):
    assert Ended(1, "", written, 0.0).last_words == shown


class CutOff(Plain):
    """From some run on the deadline passes before it has ended, or said what came of it."""

    def __init__(self, in_time):
        super().__init__()
        self.in_time = in_time

    def run(self, invocation):
        try:
            ended = super().run(invocation)
        except TypeError as crash:
            ended = Ended(1, "", str(crash), self.now)
        self.in_time -= 1
        return ended if self.in_time >= 0 else dataclasses.replace(ended, status=None, stdout="", overdue=True)


def test_what_a_deadline_cut_off_is_inconclusive():
    """Whatever was seen before it counts; that something did not happen until then does not."""
    names = [name for name, entry in scenarios().items() if applies(entry, RFC8628)]
    # It has no TLS, so that it meets every certificate with a request.
    names.remove("certificates::test_certificates")
    for in_time in (1, 2, 3):
        run = ClientRun(CutOff(in_time), dialect(RFC8628), catalogue())
        run.handshake()
        assert judged(run, *names)[1] == set()


CONFESSIONS = {
    "grant_type_short": {"rfc8628-3.4-grant-type-value"},
    "token_as_json": {"rfc8628-3.4-token-endpoint-post-form"},
    "start_as_json": {"rfc8628-3.1-client-form-body"},
    "client_id_missing_in_polls": {
        "rfc8628-3.4-client-id-required",
        # With a secret it is the half of a pair.
        "rfc6749-2.3.1-body-credentials-both-required",
        # With a certificate nothing else names the client.
        "rfc8705-2-client-sends-client-id",
    },
    "parameter_repeated_in_polls": {"rfc6749-3.2-no-repeated-params-client"},
    "device_code_decoded": {"rfc8628-3.4-device-code-sent"},
    "scope_with_commas": {"rfc6749-3.3-scope-syntax-client"},
    "refresh_grant_misspelt": {"rfc6749-6-grant-type"},
    "polls_after_success": {"rfc8628-3.3-client-polls-until-done"},
}


@pytest.mark.parametrize("fault", CONFESSIONS)
def test_a_deviation_is_all_that_is_said_of_it(fault):
    """What one word of a request breaks is broken; nothing that the server made of that word is."""
    run = ClientRun(EmbeddedDriver(RFC8628, [fault]), dialect(RFC8628), catalogue())
    names = [name for name, entry in scenarios().items() if applies(entry, RFC8628)]
    assert judged(run, *names)[1] <= CONFESSIONS[fault]

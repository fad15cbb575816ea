"""Mistakes of clients that users have reported in public, each beside honest clients that look like it."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote, urlencode

import pytest
from support.judged_clients import judged, opened
from support.small_client import GiveUp, SmallClient, verdicts_of

from device_grant.client.drivers.config import Claims

PLAIN = "starting::test_member_order"
ACCESS, SECRETS = "rfc6819-5.1.6-client-output-access-token", "rfc6819-5.3.3-client-output-secrets"
DEVICE_CODE = "rfc8628-3.3-device-code-not-displayed"


# What is written.


class Writes(SmallClient):
    """Says something of what it got."""

    claims = Claims(registration=False)
    words = staticmethod(lambda _: "Signed in.")

    def got(self, members):
        super().got(members)
        for line in self.words(members).splitlines():
            self.say(line)


def _basic(members):
    return "Authorization: Basic " + base64.b64encode(f"tv:{members['refresh_token']}".encode()).decode()


@pytest.mark.parametrize(
    ("words", "broken"),
    [
        (lambda _: "Signed in.", set()),
        # Products: a token alone, with a name, or JSON.
        (lambda members: members["access_token"], set()),
        (lambda members: f"export TOKEN={members['access_token']}"[7:], set()),
        (json.dumps, set()),
        (lambda members: json.dumps({"access_token": members["access_token"]}), set()),
        # What is cut short, as many do who show that there is something.
        (lambda members: f"Signed in with {members['access_token'][:7]}...", set()),
        (lambda members: f"Signed in with token {members['access_token']}.", {ACCESS}),
        (lambda members: f"debug: got {members}", {ACCESS, SECRETS}),
        (lambda members: f"GET /me?refresh_token={quote(members['refresh_token'])} was sent", {SECRETS}),
        (_basic, {SECRETS}),
    ],
)
def test_secrets_in_what_is_written(words, broken):
    client = type("Client", (Writes,), {"words": staticmethod(words)})
    assert judged(opened(client()), PLAIN)[1] == broken


class LogsItsCode(SmallClient):
    claims = Claims(registration=False)
    path = "debug.log"

    def start(self):
        said = super().start()
        file = self.invocation.home.path / self.path
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"start: {said}")
        return said


@pytest.mark.parametrize(
    ("path", "broken"), [("debug.log", {DEVICE_CODE}), ("logs/today.txt", {DEVICE_CODE}), ("state/login.json", set())]
)
def test_a_log_is_read_as_output_is(path, broken):
    client = type("Client", (LogsItsCode,), {"path": path})
    assert judged(opened(client()), PLAIN)[1] == broken


# Forms.


class Form(SmallClient):
    claims = Claims(registration=False)
    encode = staticmethod(urlencode)

    def ask(self, method, url, members=None):
        if members is None:
            return super().ask(method, url, members)
        authority = self.invocation.authority
        content = self.encode({"client_id": "device-grant-client", **members}).encode()
        from device_grant.protocol import Request

        headers = (("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", str(len(content))))
        request = Request(method, url, headers, content)
        request = Request(method, url, headers, content, authority.operation(request))
        return authority.record(request, authority.answer(request), self.now, self.now, "1")


def _bare(members):
    return "&".join(f"{name}={value}" for name, value in members.items())


def _lazy(members):
    """Leaves all that encodeURIComponent and more leave."""
    left = "!'()*~:/,@;$"
    return "&".join(f"{name}={quote(value, safe=left)}" for name, value in members.items())


@pytest.mark.parametrize(
    ("encode", "broken"), [(urlencode, set()), (_lazy, set()), (_bare, {"rfc6749-B-form-escaped"})]
)
def test_forms_by_octets(encode, broken):
    client = type("Client", (Form,), {"encode": staticmethod(encode)})
    assert judged(opened(client()), PLAIN)[1] == broken


# Answers.

UNREADABLE = "rfc8628-3.5-client-unreadable-answer"


class TakesAnything(SmallClient):
    def poll(self, said):
        self.wait(said["interval"])
        return self.members(self.ask("POST", self.token_endpoint(), self.poll_members(said)))

    def got(self, members):
        self.say(f"Welcome, {members.get('name', 'you')}")


class GoesOn(SmallClient):
    """Takes what says nothing for nothing, and polls on."""

    def poll(self, said):
        while True:
            try:
                return super().poll(said)
            except GiveUp:
                continue


def test_an_empty_object_is_no_token():
    check = "answers::test_answers_without_members"
    assert verdicts_of(SmallClient(), check) == {UNREADABLE: "pass"}
    assert verdicts_of(GoesOn(), check) == {UNREADABLE: "pass"}
    assert verdicts_of(TakesAnything(), check) == {UNREADABLE: "warn"}


class OnlyBadRequestsCount(SmallClient):
    """An error with another status than 400 is trouble of the network to it."""

    def ask(self, method, url, members=None):
        answer = super().ask(method, url, members)
        self.last = answer.status
        return answer

    def members(self, answer):
        said = super().members(answer)
        return said if answer.status in (200, 400) else {"error": "authorization_pending"}


def test_a_final_error_is_final_whatever_its_status():
    check = "ending::test_final_errors_with_other_statuses"
    stops = "rfc8628-3.5-client-stops-on-other-errors"
    assert set(verdicts_of(SmallClient(), check).values()) == {"pass"}
    assert verdicts_of(OnlyBadRequestsCount(), check)[stops] == "fail"


# Waiting.


class Capped(SmallClient):
    def wait(self, seconds):
        super().wait(min(seconds, 30))


def test_slow_down_has_no_upper_bound():
    check, requirement = "waiting::test_slow_down_from_a_long_interval", "rfc8628-3.5-slow-down-increments-interval"
    assert verdicts_of(SmallClient(), check)[requirement] == "pass"
    assert verdicts_of(Capped(), check)[requirement] == "fail"


class OnATimer(SmallClient):
    """setInterval: it asks again, be there an answer or not."""

    def ask(self, method, url, members=None):
        began = self.now
        answer = super().ask(method, url, members)
        self.now = began
        return answer


class Impatient(SmallClient):
    """Leaves a connection that is silent for two seconds, and asks again later."""

    def ask(self, method, url, members=None):
        began = self.now
        answer = super().ask(method, url, members)
        if self.now - began > 2:
            self.now = began + 2
            raise GiveUp("no answer")
        return answer


def test_one_poll_at_a_time():
    check, requirement = "waiting::test_answers_slower_than_the_interval", "rfc8628-3.5-client-one-poll-at-a-time"
    assert verdicts_of(SmallClient(), check)[requirement] == "pass"
    assert verdicts_of(Impatient(), check)[requirement] == "pass"
    assert verdicts_of(OnATimer(), check)[requirement] == "warn"


class PatientForEver(SmallClient):
    """No limit to how long it waits for an answer."""


class HasALimit(SmallClient):
    limit = 30.0

    def ask(self, method, url, members=None):
        try:
            return super().ask(method, url, members)
        except TimeoutError:
            self.wait(self.limit)
            raise GiveUp("no answer in time") from None


def test_the_end_of_the_codes_is_the_end():
    check, requirement = "waiting::test_silent_server_at_the_end", "rfc8628-3.3-client-ends-with-its-codes"
    assert verdicts_of(HasALimit(), check) == {requirement: "pass"}
    assert verdicts_of(PatientForEver(), check) == {requirement: "warn"}
    on_faster_time = type("OnFasterTime", (PatientForEver,), {"scale": 5.0})
    assert verdicts_of(on_faster_time(), check) == {requirement: "inconclusive"}


@pytest.mark.parametrize("check", ["network::test_one_lost_poll", "network::test_one_poll_without_service"])
def test_trouble_that_passes_is_no_fault_of_either(check):
    requirement = "rfc8628-3.5-client-survives-trouble"
    assert verdicts_of(GoesOn(), check) == {requirement: "pass"}
    assert verdicts_of(SmallClient(), check) == {requirement: "observed"}


# What was kept.


class HandsOutTheOld(SmallClient):
    def refresh(self):
        try:
            super().refresh()
        except (GiveUp, KeyError):
            if "access_token" not in self.kept():
                raise
            self.say(f"device-grant: token {self.kept()['access_token']}")


class StillGood(HandsOutTheOld):
    """Hands out the old token as long as it has not ended."""

    def refresh(self):
        kept = self.kept()
        if kept and self.rested + self.now < kept["at"] + kept.get("expires_in", 0):
            self.say(f"device-grant: token {kept['access_token']}")
            return
        SmallClient.refresh(self)


class SignsInInstead(SmallClient):
    """Where the refresh is refused, its user signs in anew."""

    def refresh(self):
        try:
            super().refresh()
        except (GiveUp, KeyError):
            self.flow()


def test_a_refused_refresh_is_no_success():
    check, requirement = "refreshing::test_refused_refresh", "rfc6749-6-client-refused-refresh-ends"
    assert verdicts_of(SmallClient(), check) == {requirement: "pass"}
    assert verdicts_of(StillGood(), check) == {requirement: "pass"}
    assert verdicts_of(SignsInInstead(), check) == {requirement: "pass"}
    assert verdicts_of(HandsOutTheOld(), check) == {requirement: "fail"}


class Registers(SmallClient):
    """Registers where it has no registration, and keeps it."""

    claims = Claims(registration=True, keeps=True)
    drops = True

    def flow(self):
        file = self.invocation.home.path / "registration.json"
        if not file.exists():
            answer = self.ask("POST", self.given["REGISTRATION_ENDPOINT"], {"client_name": "small"})
            file.write_text(json.dumps(self.members(answer)))
            file.chmod(0o600)
        self.given["CLIENT_ID"] = json.loads(file.read_text())["client_id"]
        try:
            super().flow()
        except GiveUp as reason:
            if self.drops and "invalid_client" in str(reason):
                file.unlink()
            raise


def test_a_refused_registration_is_dropped_sooner_or_later():
    check, requirement = "registering::test_refused_client", "rfc7591-3.2.1-client-drops-refused-registration"
    assert verdicts_of(Registers(), check) == {requirement: "pass"}
    stuck = type("Stuck", (Registers,), {"drops": False})
    assert verdicts_of(stuck(), check) == {requirement: "warn"}


class Reuses(Registers):
    """Tries its refresh token before anything else."""

    claims = Claims(registration=False, keeps=True)
    anew = True

    def flow(self):
        if self.kept():
            try:
                self.refresh()
            except GiveUp:
                if not self.anew:
                    raise
            else:
                return
        SmallClient.flow(self)


def test_a_dead_refresh_token_is_no_end():
    check, requirement = "refreshing::test_login_after_the_refresh_token_died", "rfc6749-6-client-signs-in-again"
    assert verdicts_of(SmallClient(), check) == {requirement: "pass"}
    assert verdicts_of(Reuses(), check) == {requirement: "pass"}
    stuck = type("Stuck", (Reuses,), {"anew": False})
    assert verdicts_of(stuck(), check) == {requirement: "warn"}


class RegistrationThatEnds(Registers):
    """Looks at the end of its registration before it refreshes: then it says so, or signs in anew."""

    looks, anew = True, False

    def refresh(self):
        kept = json.loads((self.invocation.home.path / "registration.json").read_text())
        ends = kept.get("client_secret_expires_at") or 0
        if self.looks and ends and ends < time.time():
            if not self.anew:
                raise GiveUp("sign in again")
            (self.invocation.home.path / "registration.json").unlink()
            self.flow()
            return
        self.given["CLIENT_ID"] = kept["client_id"]
        super().refresh()

    claims = Claims(registration=True, keeps=True, refresh=True)


def test_an_expired_registration_does_not_refresh():
    check, requirement = (
        "registering::test_refresh_by_an_expired_registration",
        "rfc7591-3.2.1-client-reregisters-on-expiry",
    )
    assert verdicts_of(RegistrationThatEnds(), check) == {requirement: "pass"}
    anew = type("Anew", (RegistrationThatEnds,), {"anew": True})
    assert verdicts_of(anew(), check) == {requirement: "pass"}
    blind = type("Blind", (RegistrationThatEnds,), {"looks": False})
    assert verdicts_of(blind(), check) == {requirement: "fail"}

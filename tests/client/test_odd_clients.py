"""Honest clients that are odd, which no scenario may accuse, and broken ones, which each has to catch."""

from __future__ import annotations

import json

import pytest
from support.small_client import BASE, GiveUp, SmallClient, said_of, verdicts_of

from device_grant.client.drivers.config import ResponseSection
from device_grant.protocol import Purpose

ENDPOINTS = "discovering::test_endpoints_of_the_metadata"
ISSUERS = "discovering::test_metadata_of_another_issuer"
MISMATCH, EXACT = "rfc8414-3.3-client-rejects-mismatch", "rfc8414-6.2-exact-issuer"
START_URI, QUERY = "rfc8628-4-client-uses-metadata-endpoint", "rfc6749-3.2-token-uri-query-retained"
INSERTED, SLASH, ORDER = "rfc8414-3.1-inserted", "rfc8414-3.1-strip-trailing-slash", "rfc8414-5-lookup-order"


class Adds(SmallClient):
    """Telemetry in the query of each endpoint, behind or before what is there."""

    def ask(self, method, url, members=None):
        if method == "POST":
            path, _, query = url.partition("?")
            url = f"{path}?x=1&{query}" if "token" in path else f"{url}{'&' if query else '?'}client-request-id=7"
        return super().ask(method, url, members)


class DropsQuery(SmallClient):
    def ask(self, method, url, members=None):
        return super().ask(method, url.partition("?")[0], members)


class OtherTenant(SmallClient):
    def ask(self, method, url, members=None):
        return super().ask(method, url.replace("tenant=1", "tenant=11"), members)


def test_a_query_is_kept_and_may_be_extended():
    assert verdicts_of(SmallClient(), ENDPOINTS)[QUERY] == "pass"
    said = verdicts_of(Adds(), ENDPOINTS)
    assert (said[START_URI], said[QUERY]) == ("pass", "pass")
    for broken in (DropsQuery(), OtherTenant()):
        said = verdicts_of(broken, ENDPOINTS)
        assert (said[START_URI], said[QUERY]) == ("fail", "fail")


class StartsAtTheTokenEndpoint(SmallClient):
    """Guesses, from an endpoint that it does not know, that both are one; then does as it should."""

    def start(self):
        self.ask("POST", self.given["TOKEN_ENDPOINT"], {"scope": "openid"})
        return super().start()


class FallsBackToTheCodeGrant(SmallClient):
    def poll(self, said):
        del said
        self.ask("POST", self.given["TOKEN_ENDPOINT"], {"grant_type": "authorization_code", "code": "zzzz"})
        raise GiveUp("no device flow here")


@pytest.mark.parametrize("client", [StartsAtTheTokenEndpoint(), FallsBackToTheCodeGrant()])
def test_what_is_no_poll_is_not_judged_as_one(client):
    said = said_of(client, ENDPOINTS)
    assert not {"requests::grant_type_is_the_urn", "requests::device_code_is_unchanged"} & {
        name.partition("rules::")[2] for name in said.broken_invariants
    }
    requests = [one for one in said.transcript.exchanges if one.request.url.startswith(f"{BASE}/t/o/k")]
    assert requests[0].purpose is Purpose.TOKEN_REQUEST


class ShortGrantType(SmallClient):
    def poll_members(self, said):
        return {"grant_type": "device_code", "code": said["device_code"]}


def test_a_misspelt_poll_is_a_poll():
    said = said_of(ShortGrantType(), ENDPOINTS)
    assert {"rfc8628-3.4-grant-type-value", "rfc8628-3.4-device-code-sent"} <= set().union(
        *said.broken_invariants.values()
    )


class NeverDiscovers(SmallClient):
    """Asks for metadata, and cannot do with any."""

    def read_metadata(self, _answer):
        raise GiveUp("a document without what only this client wants")


class BelievesAnyIssuer(SmallClient):
    def read_metadata(self, answer):
        document = json.loads(answer.response.content)
        for name in ("device_authorization_endpoint", "token_endpoint"):
            self.given[name.upper()] = document[name]


class Appends(SmallClient):
    """RFC 8414's part behind the issuer's path, as one library does."""

    def places(self):
        return [self.given["ISSUER"].removeprefix(BASE).rstrip("/") + "/.well-known/oauth-authorization-server"]


class OpenIdAlone(SmallClient):
    def places(self):
        return [super().places()[1]]


class OpenIdFirst(SmallClient):
    def places(self):
        return list(reversed(super().places()))


class EveryPlace(SmallClient):
    """The right place first, and then what others have been seen to serve."""

    def places(self):
        first, second = super().places()
        return [first, *Appends.places(self), second]


def test_nothing_that_never_works_is_refused():
    assert verdicts_of(SmallClient(), ISSUERS) == {MISMATCH: "pass", EXACT: "pass"}
    assert verdicts_of(BelievesAnyIssuer(), ISSUERS) == {MISMATCH: "fail", EXACT: "fail"}
    assert set(verdicts_of(NeverDiscovers(), ENDPOINTS).values()) == {"pass", "untestable"}
    assert verdicts_of(NeverDiscovers(), ISSUERS) == {MISMATCH: "untestable", EXACT: "untestable"}
    # It finds the root's document, whose issuer is wrong in one scenario, and never finds that of a tenant.
    assert verdicts_of(Appends(), ISSUERS) == {MISMATCH: "pass", EXACT: "untestable"}


@pytest.mark.parametrize(
    ("client", "inserted", "slash", "order"),
    [
        (SmallClient(), "pass", "pass", "pass"),
        (EveryPlace(), "pass", "pass", "pass"),
        (Appends(), "fail", "inconclusive", "inconclusive"),
        (OpenIdAlone(), "not-applicable", "not-applicable", "not-applicable"),
        (OpenIdFirst(), "pass", "pass", "warn"),
    ],
)
def test_where_metadata_is_looked_for(client, inserted, slash, order):
    said = verdicts_of(client, "discovering::test_issuer_with_a_slash")
    assert (said[INSERTED], said[SLASH]) == (inserted, slash)
    assert verdicts_of(client, "discovering::test_order_of_places")[ORDER] == order


# Refreshing.

ROTATED, STAYS = "refreshing::test_rotated_refresh_token", "refreshing::test_refresh_token_that_stays"
NEW, OLD = "rfc6749-6-client-discards-old", "rfc6749-6-client-keeps-old-when-not-rotated"


class Lazy(SmallClient):
    """Starts in no time, and refreshes when its token has expired and not before."""

    def refresh(self):
        kept = self.kept()
        if kept and self.rested + self.now < kept["at"] + kept["expires_in"]:
            self.say(f"device-grant: token {kept['access_token']}")
            return
        if not (self.given.get("REFRESH_TOKEN") or kept.get("refresh_token")):
            raise GiveUp("expired, and cannot be refreshed")
        super().refresh()


class Forgets(Lazy):
    """Keeps what the last answer says, and nothing else."""

    def got(self, _members):
        answered = self.invocation.authority.exchanges[-1].outcome.members
        super().got(dict(answered))


class NeverReplaces(Lazy):
    def got(self, members):
        first = self.given.get("REFRESH_TOKEN") or self.kept().get("refresh_token")
        super().got({**members, "refresh_token": first})


class AnHourAtLeast(Lazy):
    """Takes no shorter lifetime for true."""

    def got(self, members):
        super().got({**members, "expires_in": max(3600, members.get("expires_in", 0))})


class TellsOnly(SmallClient):
    """Cannot be made to refresh twice: it ends as a failure whatever is kept."""

    def refresh(self):
        if not self.given.get("REFRESH_TOKEN"):
            raise GiveUp("sign in first")
        super().refresh()


@pytest.mark.parametrize(
    ("client", "new", "old"),
    [
        (SmallClient, "pass", "pass"),
        (Lazy, "pass", "pass"),
        (Forgets, "pass", "warn"),
        (NeverReplaces, "fail", "pass"),
        (AnHourAtLeast, "untestable", "untestable"),
        (TellsOnly, "untestable", "untestable"),
    ],
)
def test_a_second_refresh(client, new, old):
    assert (verdicts_of(client(), ROTATED)[NEW], verdicts_of(client(), STAYS)[OLD]) == (new, old)


# Refusals.

REACTS = "rfc8628-3.5-client-reacts-to-other-errors"


class GoesAnotherWay(SmallClient):
    """Takes a refusal for "no device flow here", shows another URL and waits for the browser."""

    def refused(self):
        self.say("open https://login.example/authorize instead")
        while True:
            self.wait(5)

    def start(self):
        try:
            return super().start()
        except GiveUp:
            self.refused()

    def poll(self, said):
        try:
            return super().poll(said)
        except GiveUp:
            self.refused()


class StartsForEver(SmallClient):
    def start(self):
        while True:
            try:
                return super().start()
            except GiveUp:
                self.wait(1)


class SilentSuccess(SmallClient):
    def flow(self):
        try:
            super().flow()
        except GiveUp:
            return


def test_a_client_that_is_going_on_may_still_react():
    start, poll = "ending::test_refused_at_the_start", "ending::test_access_denied"
    assert verdicts_of(SmallClient(), start)[REACTS] == "pass"
    assert (verdicts_of(GoesAnotherWay(), start)[REACTS], verdicts_of(GoesAnotherWay(), poll)[REACTS]) == (
        "inconclusive",
        "inconclusive",
    )
    assert verdicts_of(StartsForEver(), start)[REACTS] == "warn"
    assert (verdicts_of(SilentSuccess(), start)[REACTS], verdicts_of(SilentSuccess(), poll)[REACTS]) == ("warn", "warn")


# What client.toml says that the client insists on.


class ChecksItsToken(SmallClient):
    """Wants a signed token with a subject; the adapter has one made beforehand."""

    response = ResponseSection(token={"access_token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.c2ln", "id_token": "it"})

    def got(self, members):
        if members["access_token"].count(".") != 2 or members.get("id_token") != "it":
            raise GiveUp("compact JWS format must have three parts")
        super().got(members)


class CutsDeviceCodes(ChecksItsToken):
    def poll_members(self, said):
        return super().poll_members({**said, "device_code": said["device_code"][:255]})


def test_members_that_a_client_insists_on_survive_the_scenarios():
    long_values = "answers::test_long_values"
    requirement = "rfc6749-5.1-client-no-size-assumption"
    assert verdicts_of(SmallClient(), long_values)[requirement] == "pass"
    assert verdicts_of(ChecksItsToken(), long_values)[requirement] == "pass"
    assert verdicts_of(CutsDeviceCodes(), long_values)[requirement] == "warn"

    class Typed(SmallClient):
        response = ResponseSection(token={"token_type": "vendor"}, device_authorization={"interval": 3})

    for check in ("answers::test_token_type_spelling", "answers::test_unknown_token_type", "waiting::test_no_interval"):
        assert set(verdicts_of(Typed(), check).values()) == {"not-applicable"}, check
        assert "insists" in str(said_of(Typed(), check).stop)


# One change a login.


class NoExpiry(SmallClient):
    def got(self, members):
        self.say(str(members["expires_in"] // 60))
        super().got(members)


class Refresher(SmallClient):
    """Asked for offline_access, and has no other purpose."""

    def got(self, members):
        if not members.get("refresh_token"):
            raise GiveUp("no refresh token")
        super().got(members)


class Alias(SmallClient):
    """One member by two names: both at once are a duplicate to its parser."""

    def start(self):
        said = super().start()
        if "verification_url" in said:
            raise GiveUp("duplicate field verification_uri")
        return said


class StrictStart(SmallClient):
    def start(self):
        said = super().start()
        if any(name.startswith("x_") for name in said):
            raise GiveUp("unknown field")
        return said


class StrictToken(SmallClient):
    def got(self, members):
        if "issued_for" in members:
            raise GiveUp("unknown field")
        super().got(members)


OPTIONALS, UNKNOWN = "rfc8628-3.2-client-accepts-missing-optionals", "rfc6749-5.1-client-ignores-unknown-members"
ALIAS = "rfc8628-3.2-client-verification-url"
EXPIRES, REFRESHES = "rfc6749-5.1-client-without-expires-in", "rfc6749-5.1-client-without-refresh-token"


@pytest.mark.parametrize(
    ("client", "broken"),
    [
        (SmallClient, {}),
        (NoExpiry, {EXPIRES: "fail"}),
        (Refresher, {REFRESHES: "warn"}),
        (Alias, {ALIAS: "warn"}),
        (StrictStart, {OPTIONALS: "fail"}),
        (StrictToken, {UNKNOWN: "fail"}),
    ],
)
def test_the_member_that_is_named_is_the_one(client, broken):
    said = {}
    for check in (
        "starting::test_no_complete_uri",
        "starting::test_optional_and_unknown_members",
        "starting::test_verification_url_beside_it",
        "answers::test_only_required_members",
        "answers::test_no_refresh_token",
    ):
        for requirement, verdict in verdicts_of(client(), check).items():
            if said.get(requirement, "pass") == "pass":
                said[requirement] = verdict
    assert {name: verdict for name, verdict in said.items() if verdict != "pass"} == broken


# What nobody knows is said to be unknown, with what was seen.


class PatientForEver(SmallClient):
    """No timeout of its own: it waits for an answer until somebody ends it."""


class DiesOfSlowDown(SmallClient):
    def poll(self, said):
        self.wait(1)
        answer = self.ask("POST", self.token_endpoint(), self.poll_members(said))
        raise GiveUp(self.members(answer)["error"])


def test_reasons_say_what_was_seen():
    silent = said_of(PatientForEver(), "waiting::test_silent_server")
    assert str(silent.stop) == (
        "the client was still going on, and nothing in its run showed this: "
        "it sent one poll and waited for the answer to the end"
    )
    slowed = said_of(DiesOfSlowDown(), "waiting::test_slow_down_at_first")
    assert str(slowed.stop).endswith("nothing in its run showed this: it sent one poll, and slow_down ended it")


def test_an_open_question_is_no_finding():
    said = said_of(GoesAnotherWay(), "ending::test_refused_at_the_start")
    [claim] = [one for one in said.claims.values() if one.verdict.label == "inconclusive"]
    assert claim.message == ("it cannot be told whether this is so: neither fails nor tells anybody of invalid_client")


class WantsTheCompleteUri(SmallClient):
    def start(self):
        self.say = lambda words: self.lines.append(words) if "verification_uri_complete" in self.answered else None
        said = super().start()
        if "verification_uri_complete" not in said:
            raise GiveUp("no verification_uri_complete")
        return said

    def members(self, answer):
        self.answered = super().members(answer)
        return self.answered


class ShowsTheCodeAlone(SmallClient):
    def say(self, words):
        super().say(words.partition(" and type ")[2] or words)


def test_a_login_that_is_given_up_says_nothing_of_what_is_shown():
    """What it lacks is a finding of its own."""
    check, shows = "starting::test_what_the_person_sees", "rfc8628-3.3-client-shows-code-and-uri"
    assert verdicts_of(WantsTheCompleteUri(), check)[shows] == "inconclusive"
    assert verdicts_of(WantsTheCompleteUri(), "starting::test_no_complete_uri")[OPTIONALS] == "fail"
    assert verdicts_of(ShowsTheCodeAlone(), check)[shows] == "fail"
    assert verdicts_of(SmallClient(), check)[shows] == "pass"

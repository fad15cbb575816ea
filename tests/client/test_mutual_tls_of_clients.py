"""Clients with certificates: odd ones that are right, and accused of nothing; broken ones, which are caught."""

from __future__ import annotations

import json

import pytest
from support.process_client import HONEST, located, run_of
from support.small_client import GiveUp, SmallClient, said_of, verdicts_of

from device_grant.client.drivers.config import Claims, ConnectSection, ResponseSection
from device_grant.client.drivers.invocation import Home, Invocation
from device_grant.client.drivers.process import ProcessDriver
from device_grant.client.rules.authentication import client_is_named
from device_grant.client.rules.session import ClientSession
from device_grant.client.scripted.mutual_tls import CertificateRequests
from device_grant.protocol import dialect
from device_grant.targets.certificates import issued, self_signed

NAMED, PLACES = "mutual_tls::test_client_id_beside_a_certificate", "mutual_tls::test_aliases_for_mutual_tls"
SENDS, USES = "rfc8705-2-client-sends-client-id", "rfc8705-5-client-uses-aliases"
ALIASES = "https://127.0.0.1:2"
START, TOKEN = "DEVICE_AUTHORIZATION_ENDPOINT", "TOKEN_ENDPOINT"


class Certified(SmallClient):
    """Shows its certificate to whoever asks, and takes the aliases that there are."""

    claims = Claims(refresh=True, metadata=True, keeps=True, registration=False, mtls=True)

    def run(self, invocation):
        if invocation.authority.mutual:
            invocation.authority.mutual.base = ALIASES
            invocation.authority.mutual.certificate = "client.pem"
        return super().run(invocation)

    def certificate(self):
        return issued("device")

    def shown(self, _url):
        return self.certificate() if "CLIENT_CERTIFICATE" in self.given else None

    def read_metadata(self, answer):
        super().read_metadata(answer)
        aliases = json.loads(answer.response.content).get("mtls_endpoint_aliases", {})
        self.given |= self.chosen({name.upper(): url for name, url in aliases.items()})

    def chosen(self, aliases):
        return aliases

    def refresh(self):
        self.discover()
        super().refresh()


# Odd and honest.


class IdInTheSubjectToo(Certified):
    """Its certificate, which it made itself, names the client; the request does so as well."""

    def certificate(self):
        return self_signed(self.given["CLIENT_ID"])


class RefreshesByHand(Certified):
    """Does not look for metadata when it is to refresh, and gets nowhere without."""

    def refresh(self):
        SmallClient.refresh(self)


class AddsToTheQuery(Certified):
    def chosen(self, aliases):
        self.given = {name: f"{url}?v=1" if name in (START, TOKEN) else url for name, url in self.given.items()}
        return {name: f"{url}?v=1" for name, url in aliases.items()}


class StartsByBasic(Certified):
    """Starts with a secret, for which no certificate is needed; only its tokens are to be bound."""

    def chosen(self, aliases):
        return {name: url for name, url in aliases.items() if name == TOKEN}

    def shown(self, url):
        return super().shown(url) if "token" in url else None

    def further_headers(self, _method, url, _members):
        return () if "token" in url else (("Authorization", "Basic bWU6c2VjcmV0"),)


class AsksForMetadataWithoutIt(Certified):
    def shown(self, url):
        return None if "well-known" in url else super().shown(url)


@pytest.mark.parametrize(
    "client", [Certified, IdInTheSubjectToo, RefreshesByHand, AddsToTheQuery, AsksForMetadataWithoutIt]
)
def test_odd_clients_are_not_accused(client):
    for check, requirement in ((NAMED, SENDS), (PLACES, USES)):
        said = said_of(client(), check)
        assert {name: verdict.label for name, verdict in said.verdicts.items()} == {requirement: "pass"}, said.stop
        assert not said.broken_invariants


def test_other_credentials_are_let_be():
    assert verdicts_of(StartsByBasic(), NAMED) == {SENDS: "pass"}
    assert verdicts_of(StartsByBasic(), PLACES) == {USES: "inconclusive"}


class BasicBesideTheCertificate(Certified):
    """The certificate binds its tokens, and Basic says who it is."""

    def further_headers(self, _method, _url, members):
        return (("Authorization", "Basic bWU6c2VjcmV0"),) if members else ()

    def ask(self, method, url, members=None, bearer=""):
        return super().ask(method, url, members and {**members, "client_id": ""}, bearer)


def test_who_authenticates_otherwise_owes_no_client_id():
    assert verdicts_of(BasicBesideTheCertificate(), NAMED) == {SENDS: "inconclusive"}


def test_without_mutual_tls_it_does_not_apply():
    for check in (NAMED, PLACES):
        assert set(verdicts_of(SmallClient(), check).values()) == {"not-applicable"}


class Insists(Certified):
    response = ResponseSection(metadata={"mtls_endpoint_aliases": {"token_endpoint": f"{ALIASES}/own"}})


def test_aliases_that_a_client_insists_on_are_left():
    assert verdicts_of(Insists(), PLACES) == {USES: "not-applicable"}


class ShowsNothing(Certified):
    def shown(self, _url):
        return None


class NoMetadata(Certified):
    def discover(self):
        if "DISCOVER" in self.given:
            raise GiveUp("what is that?")


class NoUseForMetadata(Certified):
    def read_metadata(self, _answer):
        raise GiveUp("it wants more")


@pytest.mark.parametrize(
    ("client", "check", "words"),
    [
        (ShowsNothing, NAMED, "shows no certificate"),
        (ShowsNothing, PLACES, "shows no certificate"),
        (NoMetadata, PLACES, "never got the document"),
        (NoUseForMetadata, PLACES, "nothing works"),
    ],
)
def test_what_shows_nothing_blames_nobody(client, check, words):
    said = said_of(client(), check)
    assert {verdict.label for verdict in said.verdicts.values()} == {"untestable"}
    assert words in str(said.stop)


# Broken.


class IdAtTheStartOnly(Certified):
    def without(self, members):
        return "grant_type" in members

    def ask(self, method, url, members=None, bearer=""):
        if members and self.without(members):
            members = {**members, "client_id": ""}
        return super().ask(method, url, members, bearer)


class NoIdAtTheStart(IdAtTheStartOnly):
    def without(self, members):
        return "grant_type" not in members


class NoIdInRefreshes(IdAtTheStartOnly):
    def without(self, members):
        return "refresh_token" in members


class IdInTheSubjectAlone(IdAtTheStartOnly):
    def certificate(self):
        return self_signed(self.given["CLIENT_ID"])

    def without(self, members):
        return bool(members)


class AliasForTokensOnly(Certified):
    def chosen(self, aliases):
        return {name: url for name, url in aliases.items() if name == TOKEN}


class AliasForTheStartOnly(Certified):
    def chosen(self, aliases):
        return {name: url for name, url in aliases.items() if name == START}


class NoAliases(Certified):
    def chosen(self, _aliases):
        return {}


class AllOrNothing(Certified):
    def chosen(self, aliases):
        return aliases if {START, TOKEN} <= aliases.keys() else {}


class GuessesTheOther(Certified):
    """Where there is one alias, it goes there for all."""

    def chosen(self, aliases):
        if START not in aliases and TOKEN in aliases:
            return aliases | {START: aliases[TOKEN].replace("/token", "/device_authorization")}
        return aliases


class HostOfTheAliasOnly(Certified):
    def chosen(self, aliases):
        return {name: url.replace("/with-certificate", "") for name, url in aliases.items()}


class PathOfTheAliasOnly(Certified):
    def chosen(self, aliases):
        return {name: url.replace(ALIASES, "http://127.0.0.1:1") for name, url in aliases.items()}


class RefreshesAtTheTop(Certified):
    def token_endpoint(self):
        url = super().token_endpoint()
        top = self.invocation.operation == "refresh"
        return url.replace(f"{ALIASES}/with-certificate", "http://127.0.0.1:1") if top else url


class NoCertificateAtTheTop(AliasForTokensOnly):
    """It shows the certificate where it uses an alias, and starts as anybody could."""

    def shown(self, url):
        return super().shown(url) if url.startswith(ALIASES) else None


class GivesUpOnAliases(Certified):
    def chosen(self, aliases):
        if aliases:
            raise GiveUp("what is that?")
        return {}


BROKEN = [
    (IdAtTheStartOnly, NAMED),
    (NoIdAtTheStart, NAMED),
    (NoIdInRefreshes, NAMED),
    (IdInTheSubjectAlone, NAMED),
    (AliasForTokensOnly, PLACES),
    (AliasForTheStartOnly, PLACES),
    (NoAliases, PLACES),
    (AllOrNothing, PLACES),
    (GuessesTheOther, PLACES),
    (HostOfTheAliasOnly, PLACES),
    (PathOfTheAliasOnly, PLACES),
    (RefreshesAtTheTop, PLACES),
    (NoCertificateAtTheTop, PLACES),
    (GivesUpOnAliases, PLACES),
]


@pytest.mark.parametrize(("client", "check"), BROKEN, ids=[one[0].__name__ for one in BROKEN])
def test_broken_clients_are_caught(client, check):
    assert set(verdicts_of(client(), check).values()) == {"fail"}


def test_a_certificate_without_client_id_breaks_no_rule_of_rfc_8628():
    """There client_id is owed by who does not authenticate, and the certificate does."""
    exchanges = said_of(IdInTheSubjectAlone(), NAMED).transcript.exchanges
    judged = list(client_is_named(ClientSession(dialect("rfc8628"), tuple(exchanges))))
    assert judged
    assert all(one.holds for one in judged)


# With octets of TLS.

SHOWS = HONEST.replace(
    "me = E[",
    """
import ssl, http.client
def context():
    made = ssl.create_default_context()
    made.load_cert_chain(E["DEVICE_GRANT_CLIENT_CERTIFICATE"], E["DEVICE_GRANT_CLIENT_CERTIFICATE_KEY"])
    return made
urllib.request.install_opener(urllib.request.build_opener(urllib.request.HTTPSHandler(context=context())))
if "DEVICE_GRANT_DISCOVER" in E:
    with urllib.request.urlopen(E["DEVICE_GRANT_ISSUER"] + "/.well-known/oauth-authorization-server") as answer:
        known = json.load(answer)
    for name, url in known["mtls_endpoint_aliases"].items():
        E["DEVICE_GRANT_" + name.upper()] = url
me = E[""",
    1,
)


def once(source, folder, *, aliases=(), **sections):
    with ProcessDriver(located(source, folder, **sections)) as driver, Home() as home:
        run = run_of(driver)
        authority = run.authority()
        authority.mutual = CertificateRequests(aliases)
        options = {"given": run.given("flow"), "certificate": "good", "discover": bool(aliases)}
        return run.attempt(Invocation("flow", authority, home, **options))


@pytest.mark.long
@pytest.mark.parametrize("how", ["endpoint", "proxy"])
def test_what_a_real_client_shows_is_noted(tmp_path, how):
    sections = {"connect": ConnectSection(how=how, hosts=("login.example",) if how == "proxy" else ())}
    attempt = once(SHOWS, tmp_path, aliases=("start", "token"), **sections)
    assert attempt.succeeded, attempt.ended.stderr
    authority = attempt.invocation.authority
    mutual = authority.mutual
    assert (mutual.base == authority.base) == (how == "proxy")
    (start,), (poll,) = attempt.starts, attempt.polls
    assert (start.request.url, poll.request.url) == (mutual.alias("/device_authorization"), mutual.alias("/token"))
    assert start.request.certificate.thumbprint == poll.request.certificate.thumbprint != ""
    assert all(one.request.certificate for one in attempt.exchanges)


@pytest.mark.long
def test_who_shows_nothing_is_served_and_noted(tmp_path):
    attempt = once(HONEST, tmp_path)
    assert attempt.succeeded, attempt.ended.stderr
    assert [one.request.certificate for one in attempt.exchanges] == [None, None]


@pytest.mark.long
def test_a_certificate_of_somebody_else_is_refused(tmp_path):
    stranger = self_signed("stranger")
    (tmp_path / "stranger.pem").write_text(f"{stranger.key}{stranger.pem}", "utf-8")
    own = '(E["DEVICE_GRANT_CLIENT_CERTIFICATE"], E["DEVICE_GRANT_CLIENT_CERTIFICATE_KEY"])'
    attempt = once(SHOWS.replace(own, f"({str(tmp_path / 'stranger.pem')!r})"), tmp_path)
    assert attempt.failed
    assert attempt.exchanges == ()


@pytest.mark.long
def test_the_placeholders_name_the_files(tmp_path):
    source = "import pathlib, sys; print(*(pathlib.Path(one).read_text().split('-----')[1] for one in sys.argv[1:]))"
    files = ["{client_certificate}", "{client_certificate_key}"]
    client = located(source, tmp_path)
    command = (*client.config.run.command, *files)
    attempt = once(source, tmp_path, run={"command": command})
    assert attempt.ended.stdout.strip().startswith("BEGIN CERTIFICATE BEGIN"), attempt.ended
    assert "PRIVATE KEY" in attempt.ended.stdout

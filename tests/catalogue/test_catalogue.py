"""The catalogue as data."""

from __future__ import annotations

import re
from collections import Counter
from importlib import resources
from pathlib import Path

import msgspec
import pytest
import yaml

from device_grant.catalogue import Level, Party, Verdict, load
from device_grant.catalogue.model import DIALECTS
from device_grant.protocol import known_dialects

FOLDER = Path(str(resources.files("device_grant.catalogue")))
CATALOGUE = load()

LEAST = {
    "OpenID Connect Core 1.0": 49,
    "RFC 8628": 163,
    "RFC 6749": 190,
    "RFC 7591": 72,
    "RFC 7592": 2,
    "RFC 8414": 32,
    "RFC 9700": 32,
    "RFC 10027": 62,
    "RFC 8252": 3,
    "RFC 8705": 20,
    "RFC 7636": 14,
    "RFC 7636 in the device grant": 8,
    "RFC 8707": 23,
    "RFC 6750": 1,
    "RFC 7009": 33,
    "RFC 7662": 28,
    "RFC 9068": 38,
    "RFC 9110": 30,
    "RFC 9449": 59,
    "DPoP device flow draft-00": 11,
    "RFC 9111": 2,
    "RFC 9112": 5,
    "RFC 8259": 11,
    "RFC 3986": 7,
    "RFC 6819": 13,
    "AWS SSO OIDC model 2019-06-10": 113,
    "Smithy restJson1": 26,
}

NO_SECTION = {
    "rfc7636-device-4.3-required-start",
    "rfc7636-device-unclaimed-ignored",
    "rfc7636-device-verifier-without-challenge",
    "rfc8707-unclaimed-is-ignored",
}
"""Of what no section speaks: servers that do not know the document, or an attack on it."""


def test_every_source_is_complete():
    assert {source.name for source in CATALOGUE.sources} == set(LEAST)
    counts = Counter(requirement.source for requirement in CATALOGUE.requirements)
    lost = {name: count - counts[name] for name, count in LEAST.items() if counts[name] < count}
    assert not lost, "entries are only ever added"
    assert all(source.title for source in CATALOGUE.sources)


def test_every_field_keeps_its_share_of_entries():
    filled = {
        name: sum(bool(getattr(requirement, name)) for requirement in CATALOGUE.requirements)
        for name in ("broken", "needs", "excluded")
    }
    assert filled["broken"] == sum(requirement.level is Level.IMPLIED for requirement in CATALOGUE.requirements)
    assert filled["needs"] >= 249
    assert filled["excluded"] <= 123 + 38 + 3, "an entry that nothing tests has a reason that nobody can mend"
    levels = Counter(requirement.level.value for requirement in CATALOGUE.requirements)
    least = {"IMPLIED": 297, "MUST": 170, "SHOULD": 68, "MAY": 59, "MUST NOT": 29, "SHOULD NOT": 14}
    assert all(levels[level] >= count for level, count in least.items()), levels
    parties = Counter(requirement.party.value for requirement in CATALOGUE.requirements)
    least = {"authorization-server": 406, "client": 135, "both": 58, "user-interaction": 38}
    assert all(parties[party] >= count for party, count in least.items()), parties


SHORT = {
    "aws-sso-oidc": "aws",
    "openid-connect-core": "oidc-core",
    "draft-parecki-oauth-dpop-device-flow": "dpop-device",
}


def test_ids_start_with_the_prefix_of_their_file():
    for source in CATALOGUE.sources:
        stem = source.file.removesuffix(".yaml")
        prefix = SHORT.get(stem, stem) + "-"
        number, _, place = stem.removeprefix("rfc").partition("-")
        if stem.startswith("rfc"):
            assert source.name == (f"RFC {number} in the {place} grant" if place else f"RFC {number}")
        for requirement in CATALOGUE.requirements:
            own = requirement.source == source.name
            assert requirement.id.startswith(prefix) if own else not requirement.id.startswith(prefix) or not place


def test_sections_of_rfc8628_exist_in_it():
    known = {"3.1", "3.2", "3.3", "3.3.1", "3.4", "3.5", "4", "6.1", "6.2"}
    known |= {f"5.{number}" for number in range(1, 8)} | {f"7.{number}" for number in range(1, 5)}
    assert {r.section for r in CATALOGUE.requirements if r.source == "RFC 8628"} <= known


def test_ids_of_rfcs_name_their_section_and_link_to_it():
    for requirement in CATALOGUE.requirements:
        if not requirement.source.startswith("RFC"):
            continue
        if requirement.id in NO_SECTION:
            continue
        number, section, slug = requirement.id.replace("7636-device-", "7636-").split("-", 2)
        # The slug may name the section above: 4.11 for 4.11.2.
        assert requirement.section == section or requirement.section.startswith(section + "."), requirement.id
        assert re.fullmatch(r"\d+(\.\d+)*|[A-Z](\.\d+)?", requirement.section), requirement.id
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9.]+)*", slug), requirement.id
        anchor = ("section-" if requirement.section[0].isdigit() else "appendix-") + requirement.section
        assert requirement.url == f"https://www.rfc-editor.org/rfc/{number}#{anchor}"


def test_links_lead_to_pages_that_exist_for_every_section():
    pages = {r.section: r.url for r in CATALOGUE.requirements if r.source.startswith("AWS")}
    base = "https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/"
    for operation in ("RegisterClient", "StartDeviceAuthorization", "CreateToken", "CreateTokenWithIAM"):
        assert pages.pop(operation) == f"{base}API_{operation}.html"
    assert pages.pop("authorize") == "https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sso.html"
    assert pages.pop("client-iam") == f"{base}API_CreateTokenWithIAM.html"
    assert set(pages) == {"errors", "types", "auth", "client", "requests"}
    assert all(
        re.match(rf"{base}(API_(CreateToken|StartDeviceAuthorization)|Welcome)\.html", url) for url in pages.values()
    )
    smithy = [r.url for r in CATALOGUE.requirements if r.source.startswith("Smithy")]
    assert all(url.startswith("https://smithy.io/2.0/") for url in smithy)


def test_dialects_are_those_of_the_protocol_room():
    assert set(DIALECTS) == {one.name for one in known_dialects()}
    for requirement in CATALOGUE.requirements:
        if requirement.source.startswith(("AWS", "Smithy")):
            assert requirement.dialects == ("aws-sso-oidc",)


def test_every_requirement_says_how_to_see_it_or_why_it_cannot_be_seen():
    for requirement in CATALOGUE.requirements:
        assert bool(requirement.how) or bool(requirement.excluded), requirement.id
        assert not requirement.excluded or len(requirement.excluded) > 40, requirement.id


def test_why_is_told_where_people_will_read_it():
    for requirement in CATALOGUE.requirements:
        must_tell = (
            requirement.source == "RFC 8628"
            or requirement.source.startswith(("AWS", "Smithy"))
            or (requirement.source == "RFC 6749" and re.match(r"(3\.[23]|5\.|6$)", requirement.section))
            or (
                requirement.source in {"RFC 7591", "RFC 8414"}
                and requirement.party is not Party.CLIENT
                and not requirement.excluded
            )
        )
        assert not must_tell or requirement.why.endswith("."), requirement.id


@pytest.mark.parametrize(
    ("id_", "verdict"),
    [
        ("rfc8628-3.5-error-format", Verdict.FAIL),
        ("rfc8628-3.5-authorization-pending", Verdict.FAIL),
        ("rfc8628-3.5-no-pending-after-expiry", Verdict.FAIL),
        ("rfc8628-3.5-device-code-single-use", Verdict.FAIL),
        ("rfc8628-3.2-no-store", Verdict.WARN),
        ("rfc8628-3.1-repeated-param-rejected", Verdict.WARN),
        ("rfc8628-6.1-charset-usable", Verdict.WARN),
        ("rfc8628-6.1-case-insensitive-entry", Verdict.WARN),
        ("rfc8628-3.5-slow-down-only-while-pending", Verdict.WARN),
        ("rfc7591-3.2-status-201", Verdict.WARN),
        ("rfc8628-3.2-verification-uri-on-as", Verdict.OBSERVED),
        ("rfc8628-3.5-reuse-revokes", Verdict.OBSERVED),
        ("aws-error-status-table", Verdict.FAIL),
        ("aws-error-type-required-by-sdks", Verdict.FAIL),
        ("smithy-restjson1-framework-error-body", Verdict.FAIL),
        ("smithy-restjson1-error-header-bare", Verdict.WARN),
        ("rfc8628-3.2-device-code-present", Verdict.FAIL),
        ("rfc8628-3.2-interval-optional", Verdict.OBSERVED),
    ],
)
def test_verdicts_when_broken_are_fair(id_, verdict):
    assert CATALOGUE.get(id_).verdict_if_broken is verdict


def test_restjson1_rules_beyond_the_model_only_warn():
    failing = {
        r.id
        for r in CATALOGUE.requirements
        if r.source.startswith("Smithy") and r.level is Level.IMPLIED and r.verdict_if_broken is Verdict.FAIL
    }
    assert failing == {"smithy-restjson1-error-status-default", "smithy-restjson1-framework-error-body"}


FAMILIES = {
    "one-time use and replay": (
        r"single-use|reuse|replay|rotation\b|redemption",
        {"aws-client-code-refused-redemption", "rfc6749-6-rotation-allowed"},
    ),
    "binding": (
        r"bound|binding|verify-binding|redirect-uri-identical|enforce-verifier|mismatch-invalid",
        {"rfc9449-5-confidential-refresh-not-bound"},
    ),
    "expiry": (
        r"pending-after-expiry|then-expired|expired-(token|device-code)|expiry-enforced|covers-both-codes|time-limited",
        set(),
    ),
    "client authentication": (
        (
            r"unauthenticated-rejected|bad-secret|unknown-client|missing-client-id|not-authentication"
            r"|credentialed-client-enforced|server-requires-auth|authenticate-when-possible|enforce-client-auth"
        ),
        set(),
    ),
    "consent": (
        r"user-must-authenticate|before-approval|no-automatic|choice-preserved|safe-get|consent-for-public",
        set(),
    ),
    "cross-site requests": (r"csrf|10\.12-state", set()),
    "injection and framing": (
        r"injection|sanitize|framing|clickjacking|csp$|ctl-in-field|escape-controls|te-and-cl",
        set(),
    ),
    "redirects": (
        r"redirector|open-redirect|auto-redirect|validate-redirect|clients-register-redirect|client-redirects",
        set(),
    ),
    "entropy": (r"entropy|unguess|guess|unique-(live|device)|secret-unique|shared-secret$", set()),
    "brute force": (r"brute|rate-limit-user|protect-user-credentials", set()),
    "secrets in addresses": (
        r"credentials-in-uri|uri-credentials|userinfo|refuses-get",
        {"rfc9449-7.1-userinfo-accepts-dpop"},
    ),
    "leaks": (
        (
            r"confidential(ity)?$|cleartext|not-displayed|secure-storage|validates-cert|checks-cert|cert-check"
            r"|tls-only|refresh-tls|use-303|no-307|proxy-headers|misdirected"
        ),
        set(),
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_security_families_are_tagged(family):
    pattern, exceptions = FAMILIES[family]
    collected = [r for r in CATALOGUE.requirements if re.search(pattern, r.id)]
    assert len(collected) >= 2
    assert {r.id for r in collected if not r.security} == exceptions


def test_everyday_conformance_is_not_withheld():
    everyday = [
        "rfc8628-3.5-authorization-pending",
        "rfc8628-3.5-client-waits-before-each-request",
        "rfc8628-3.5-server-no-slow-down-when-polite",
        "rfc8628-3.2-status-200",
        "rfc8628-3.2-no-store",
        "rfc6749-5.2-status-400",
        "rfc7591-3.2-status-201",
        "aws-error-status-table",
    ]
    assert not [id_ for id_ in everyday if CATALOGUE.get(id_).security]
    # What proofs of possession are for is security: of these entries most are.
    others = [r for r in CATALOGUE.requirements if not r.id.startswith(("rfc8705", "rfc9449", "dpop-device"))]
    assert sum(r.security for r in others) < 280 + 26


def test_files_speak_of_the_project_and_its_sources_alone():
    for file in FOLDER.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"(?<!\w)#\d+|\w#\d{2,}|/work|/root|\bTODO\b", text), file.name


def test_files_are_pleasant_to_read_and_mean_the_same_to_any_yaml_reader():
    for file in FOLDER.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        entries = yaml.load(text, yaml.CSafeLoader)["requirements"]
        for entry, own in zip(entries, CATALOGUE.select(e["id"] for e in entries), strict=True):
            for name, value in entry.items():
                expected = msgspec.to_builtins(own)[name]
                assert value == (list(expected) if isinstance(expected, tuple) else expected), (own.id, name)
        body = text.partition("\nrequirements:\n")[2]
        assert all(len(line) <= 112 for line in body.splitlines())
        assert len(re.findall(r"\n\n  - id: ", "\n\n" + body)) == len(entries)

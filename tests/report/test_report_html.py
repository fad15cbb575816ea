from __future__ import annotations

import base64
import hashlib
import re

import msgspec
import pytest
from markupsafe import escape
from support import samples
from support.html_page import Page

from device_grant.catalogue import load
from device_grant.errors import UsageError
from device_grant.report.attachments import Attachments, MeasuredRecord, TimeRow
from device_grant.report.http import serving
from device_grant.report.pages import html
from device_grant.report.text import minute
from device_grant.results import Report, publish, withhold_security
from device_grant.results.baseline import load as load_baseline

EVIL = "2026-03-01T09:30:00Z<b>"
EXPECTED = {"expected": "deviation"}
REPORTS = {
    "rfc": samples.report,
    "aws": lambda: samples.report("aws-sso-oidc"),
    "interrupted": lambda: samples.report(complete=False),
    "withheld": lambda: withhold_security(samples.report()),
    "clean": samples.clean,
    "empty": lambda: Report(header=samples.header()),
}


@pytest.fixture(params=REPORTS)
def report(request):
    return REPORTS[request.param]()


@pytest.fixture
def page(report):
    return Page(html.render(report))


def test_elements_nest_and_ids_are_unique_and_links_lead_somewhere(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [attributes["href"][1:] for attributes in page.of("a") if attributes["href"].startswith("#")]
    assert set(targets) <= set(ids)
    labels = [attributes["aria-labelledby"] for _, attributes in page.elements if "aria-labelledby" in attributes]
    assert set(labels) <= set(ids)


def test_every_requirement_has_its_anchor_and_verdict(report, page):
    anchors = {
        attributes["id"]: attributes["data-verdict"]
        for attributes in page.of("details")
        if "data-verdict" in attributes
    }
    assert anchors == {name: one.verdict.label for name, one in report.by_requirement().items()}


def test_nothing_is_loaded_from_elsewhere(page):
    for tag, attributes in page.elements:
        assert "src" not in attributes
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        if tag == "link":
            assert attributes["href"] == "data:,"
        elif "href" in attributes:
            assert tag == "a"
            assert re.match(r"#|https?://", attributes["href"])
    assert len(page.of("script")) == 1
    assert not re.search(r"@import|url\(|\b(fetch|XMLHttpRequest|import)\(", html.render(samples.clean()))


def test_the_policy_allows_this_script_and_this_style_alone(report):
    text = html.render(report)
    for tag in ("script", "style"):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in text
    assert "default-src &#39;none&#39;" in text
    assert "unsafe" not in text


def test_hostile_text_is_inert():
    text = html.render(samples.report())
    assert text.count("<script") == 1
    assert "<img" not in text
    assert "&lt;script&gt;alert" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\x07" not in text
    assert 'href="javascript' not in text


@pytest.mark.parametrize("member", ["target", "target_version", "target_homepage", "command", "spec", "platform"])
def test_hostile_headers_are_inert(member):
    page = Page(html.render(Report(header=samples.header(**{member: '"><script>alert(1)</script>'}))))
    assert len(page.of("script")) == 1


@pytest.mark.parametrize("name", ["<b>bold</b> 'id\" onclick=x", "a b\nc"])
def test_hostile_names_are_inert_and_still_anchored(name):
    one = msgspec.structs.replace(
        samples.shown("rfc8628-3.5-a", "fail"), requirement=name, check=name, source=name, section=name, level=name
    )
    page = Page(html.render(Report(header=samples.header(), cases=(samples.case(name),), results=(one,))))
    assert "b" not in {tag for tag, _ in page.elements}
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert {a["href"][1:] for a in page.of("a") if a["href"].startswith("#")} <= ids
    assert all(" " not in one and "\n" not in one for one in ids)


def test_the_first_screen_answers_first():
    words = Page(html.render(samples.report())).words
    order = [
        "example-idp",
        "Conformant to RFC 8628: no",
        "Not conformant: 4 requirements fail among 13 judged",
        "By level",
        "What fails",
        "Could not be tested, and why",
        "no user module",
        "The suite itself broke",
        "Baseline",
        "Fixed in 3.5.0",
        "Stale",
        "Expired",
        "Requirements",
    ]
    # The title repeats some of it; what counts is the page.
    samples.assert_in_order(words[words.index("Skip to") :], order)


@pytest.mark.parametrize(
    ("name", "answer"),
    [("clean", "yes"), ("rfc", "no"), ("empty", "cannot be said")],
)
def test_the_answer_is_yes_no_or_unknown(name, answer):
    assert f"Conformant to RFC 8628: {answer}" in Page(html.render(REPORTS[name]())).words


def test_an_interrupted_run_says_so_and_the_dialect_is_named():
    words = Page(html.render(samples.report("aws-sso-oidc", complete=False))).words
    assert "The run was interrupted" in words
    assert "Conformant to AWS SSO OIDC: no" in words


def test_a_requirement_shows_everything_about_its_failure():
    text = html.render(samples.report())
    start = text.index('id="rfc8628-3.5-access-denied"')
    block = text[start : text.index('<details class="requirement', start)]
    for part in (
        'href="https://www.rfc-editor.org/rfc/rfc8628#section-3.5"',
        "MUST, binds the authorization server",
        "Clients decide by this answer",
        "<code>access_denied</code> or <code>invalid_grant</code>",
        "400 authorization_pending",
        "+5.20 s",
        "user denies",
        "cache-control: no-store",
        "after 4 ms",
        "curl -i -X POST",
        "device-grant run example-idp --only rfc8628-3.5-access-denied",
    ):
        assert part in block, part
    assert " open" in block[:120]


@pytest.mark.parametrize(("measured", "raced"), [({"rounds": 12.0}, True), ({"waited": 0.5, "owed": 5.0}, False)])
def test_what_was_measured_says_whether_it_was_a_race(measured, raced):
    broken = samples.shown("rfc8628-3.5-a", "fail", measured=measured)
    text = html.render(Report(header=samples.header(), results=(broken,)))
    assert ("A race of 12 rounds" in text) is raced


def test_sections_are_in_the_order_of_the_document_and_the_own_source_comes_first():
    page = html.render(samples.report())
    sections = re.findall(r'aria-label="(RFC \d+ section [\d.]+)"|(<details class="rest">)', page)
    # What fails comes first in each source, the rest is folded.
    assert [rest or name for name, rest in sections] == [
        "RFC 8628 section 3.5",
        '<details class="rest">',
        *(f"RFC 8628 section {number}" for number in ("3.1", "3.2", "3.3.1", "3.4", "3.5", "3.10", "6.1", "6.2")),
        "RFC 6749 section 2.3.1",
        '<details class="rest">',
        *(f"RFC 6749 section {number}" for number in ("5.1", "5.2")),
    ]


def test_long_transcripts_and_bodies_are_cut_and_say_so():
    steps = [samples.exchange(float(at), answer="x" * 9000) for at in range(100)]
    report = samples.clean()
    text = html.render(msgspec_case(report, steps))
    assert "60 earlier steps are in results.jsonl" in text
    assert "+0.00 s" not in text
    assert "+99.00 s" in text
    assert "the rest is in results.jsonl" in text
    assert "x" * 7000 not in text


def msgspec_case(report, steps):
    return Report(
        header=report.header,
        cases=(msgspec.structs.replace(report.cases[0], steps=steps),),
        results=report.results,
        footer=report.footer,
    )


def test_verdicts_are_words_and_not_colours_alone():
    page = Page(html.render(samples.report()))
    for label in ("fail", "warn", "untestable", "inconclusive", "not-applicable", "observed", "pass"):
        assert label in page.words
    assert page.of("html")[0]["lang"] == "en"
    assert {"header", "main", "footer"} <= {tag for tag, _ in page.elements}
    assert page.words.count("%") == page.words.count("%3A")


def test_withheld_results_are_not_in_the_page():
    words = Page(html.render(withhold_security(samples.report()))).words
    assert "planted" not in words
    assert "1 result on a security requirement is withheld" in words


def test_the_same_results_give_the_same_page(report):
    assert html.render(report) == html.render(report)


def of_this_catalogue(**changes):
    return samples.header(catalogue_revision=load().revision, **changes)


def excluded_ids(report):
    """Ids in the section on what is excluded."""
    text = html.render(report)
    section = text[text.index('id="part-excluded"') :]
    return re.findall(r'<div id="([^"]+)"><dt>', section)


CURL = "curl -i http://target.test/token --data-raw a=b"


@pytest.mark.parametrize(
    ("spec", "command", "expected"),
    [
        (
            "embedded:rfc8628",
            "device-grant run embedded:rfc8628 --fault denial_ignored --only x --fault=json_as_html",
            "device-grant serve --dialect rfc8628 --port 8628 --fault denial_ignored --fault json_as_html",
        ),
        ("embedded", "an unfinished 'quotation", "device-grant serve --dialect rfc8628 --port 8628"),
        ("asgi:app.server:make()", "", "uvicorn --port 8628 'app.server:make()'"),
        ("wsgi:app:app", "", "uvicorn --interface wsgi --port 8628 app:app"),
        ("target.toml", "", ""),
    ],
)
def test_a_curl_line_of_a_target_without_an_address_says_how_to_serve_it(spec, command, expected):
    header = samples.header(spec=spec, command=command)
    assert serving(header, CURL) == expected
    assert serving(header, CURL.replace("target.test", "127.0.0.1:8000")) == ""
    result = samples.shown("rfc8628-3.5-a", "fail", curl=CURL)
    words = Page(html.render(Report(header=header, cases=(), results=(result,)))).words
    assert (expected in words and "in the place of http://target.test" in words) is bool(expected)


def test_what_has_one_reason_in_the_baseline_is_one_entry():
    results = [
        samples.result(f"rfc8628-3.5-{number}", "fail", expected="deviation", reason=f"reason {number % 3}")
        for number in range(9)
    ]
    page = html.render(Report(header=samples.header(), results=tuple(results)))
    start = page.index('id="part-baseline"')
    card = page[start : page.index("</section>", start)]
    assert [card.count(f"reason {number}") for number in range(3)] == [1, 1, 1]
    assert card.count('href="#rfc8628-3.5-') == 9


def test_what_the_catalogue_excludes_is_listed_with_its_reason():
    report = Report(header=of_this_catalogue(), results=samples.clean().results)
    wanted = {
        entry.id: entry
        for entry in load().requirements
        if entry.excluded and entry.party != "client" and "rfc8628" in entry.dialects
    }
    assert set(excluded_ids(report)) == set(wanted)
    words = Page(html.render(report)).words
    assert f"{len(wanted)} requirements of the catalogue are excluded" in words
    assert all(" ".join(entry.excluded.split()) in words for entry in wanted.values())


def test_dialect_and_party_choose_what_is_excluded():
    aws = Report(header=of_this_catalogue(dialect="aws-sso-oidc"), results=samples.clean().results)
    bound = samples.result("rfc8628-3.5-a", "pass", party="client")
    client = Report(header=of_this_catalogue(), results=(bound,))
    assert "aws-token-iam-region-error" in excluded_ids(aws)
    assert "rfc6749-2.2-document-client-id-size" not in excluded_ids(client)
    assert {load().get(name).party for name in excluded_ids(client)} == {"client", "both"}


def test_another_catalogue_is_not_guessed_at():
    report = Report(header=samples.header(catalogue_revision="0ther"), results=samples.clean().results)
    assert excluded_ids(report) == []
    assert "judged by catalogue 0ther" in Page(html.render(report)).words


def test_the_page_says_whether_a_server_or_a_client_was_tested():
    client = Report(header=samples.header(), results=(samples.result("rfc8628-3.5-a", "pass", party="client"),))
    assert "report on a client" in Page(html.render(client)).words
    assert "report on a server" in Page(html.render(samples.clean())).words


def test_the_offered_baseline_entry_is_accepted_once_it_has_a_reason(tmp_path):
    path = tmp_path / "baseline.toml"
    one = samples.shown("rfc8628-3.5-access-denied", "fail", check='a::"b"\x7f\n')
    entry = html.baseline_entry(one)
    assert str(escape(html.baseline_entry(samples.shown(one.requirement, "fail")))) in html.render(samples.report())
    path.write_text(entry, encoding="utf-8")
    with pytest.raises(UsageError, match="`reason` is missing"):
        load_baseline(path, [one.requirement])
    path.write_text(entry.replace('reason = ""', 'reason = "so it is"'), encoding="utf-8")
    [known] = load_baseline(path, [one.requirement]).known
    assert (known.requirement, known.check) == (one.requirement, one.check)


@pytest.mark.parametrize(
    ("verdict", "changes"), [("pass", {}), ("inconclusive", {}), ("fail", {"security": True}), ("warn", EXPECTED)]
)
def test_there_is_not_always_something_to_accept(verdict, changes):
    assert html.baseline_entry(samples.shown("rfc8628-3.5-access-denied", verdict, **changes)) == ""


def test_published_pages_offer_no_baseline_entry():
    assert "[[known]]" in html.render(samples.report())
    assert "[[known]]" not in html.render(publish(samples.report()))


def test_many_reasons_that_do_not_apply_are_folded():
    some = [samples.result(f"rfc8628-3.5-n{n}", "not-applicable", message=f"reason {n}") for n in range(4)]
    folded = Page(html.render(Report(header=samples.header(), results=tuple(some))))
    assert "4 requirements, for 4 reasons" in folded.words
    assert "reasons" not in Page(html.render(Report(header=samples.header(), results=tuple(some[:3])))).words


@pytest.mark.parametrize(
    ("moment", "words"),
    [("2026-03-01T09:30:00Z", "2026-03-01 09:30 UTC"), ("2026-03-01", "2026-03-01"), (EVIL, EVIL)],
)
def test_moments_are_shown_to_the_minute(moment, words):
    assert minute(moment) == words


def test_measured_seconds_stay_on_the_line_of_their_number():
    times = [TimeRow("interval", "5 s", "5 s"), TimeRow("slow_down", "", "adds 5 s: then 10 s, not always the same")]
    record = MeasuredRecord(target="shop", dialect="rfc8628", clock="real", times=times)
    text = html.render(samples.clean(), attachments=Attachments(measured=record))
    assert "adds 5\N{NO-BREAK SPACE}s: then 10\N{NO-BREAK SPACE}s, not always the same</td>" in text

from __future__ import annotations

import pytest
from support import samples

from device_grant.errors import UsageError
from device_grant.report import write_all
from device_grant.report.forms.markdown import code, plain, render
from device_grant.report.text import web_link
from device_grant.report.view import natural, section_name
from device_grant.results import Report
from device_grant.visible import visible


def test_the_summary_has_verdict_counts_failures_and_what_is_open():
    text = render(samples.report())
    for part in (
        "## example-idp 3.4.0, judged by RFC 8628",
        "**Not conformant: 4 requirements fail among 13 judged**",
        "| level | fail | warn | untestable | inconclusive | not-applicable | observed | pass |",
        "| MUST | 4 | 0 | 2 | 0 | 0 | 0 | 6 |",
        "### Failures (3)",
        "- `rfc8628-3.5-access-denied` MUST, [RFC 8628 section 3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)",
        "  - `device-grant run example-idp --only rfc8628-3.5-access-denied`",
        "### Expected by the baseline (2)",
        "(fail, deviation): Fixed in 3.5.0",
        "### Stale baseline entries (1)",
        "### Could not be tested (5)",
        "`races::test_broken_in_the_suite`",
    ):
        assert part in text, part
    assert text.endswith("\n")
    assert "%" not in text


def test_a_clean_run_is_short():
    assert render(samples.clean()).splitlines() == [
        "## example-idp 3.4.0, judged by RFC 8628",
        "",
        "**Conformant: no failing requirement among 1 judged**",
        "",
        "| level | pass |",
        "|---|--:|",
        "| MUST | 1 |",
    ]


def test_hostile_text_stays_in_code_or_escaped():
    outside = "".join(part for number, part in enumerate(render(samples.report()).split("`")) if number % 2 == 0)
    assert "<script" not in outside
    assert "http://evil" not in outside
    assert "javascript:" not in outside


def test_long_lists_are_cut():
    apart = tuple(
        samples.shown(f"rfc8628-3.5-n{number}", "fail", got=f"{number}", curl=f"curl {number}") for number in range(60)
    )
    text = render(Report(header=samples.header(), results=apart))
    assert "### Failures (60)" in text
    assert "- and 10 more, in the full report" in text
    together = tuple(samples.shown(f"rfc8628-3.5-n{number}", "fail") for number in range(60))
    text = render(Report(header=samples.header(), results=together))
    assert "### Failures (60)" in text
    assert text.count("of the same cause") == 1
    assert "and 49 more" in text


@pytest.mark.parametrize(
    ("text", "span"), [("a", "`a`"), ("a`b", "``a`b``"), ("`a", "`` `a ``"), ("a\nb", "`a b`"), ("", "")]
)
def test_code_spans_cannot_be_left(text, span):
    assert code(text) == span


def test_plain_text_is_escaped():
    assert plain("*a* [b](c) | @me <i> &amp;") == r"\*a\* \[b\]\(c\) \| &#64;me &lt;i\> &amp;amp;"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\r\n", "a\\r\n"),
        ("\u202e", "\\u202e"),
        ("\ud83d", "\\ud83d"),
    ],
)
def test_invisible_characters_become_visible(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://a.example/x#y", True),
        ("http://a.example", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//a.example", False),
        ("https:", False),
        ("https://a.example/\n", False),
        ("https://a b.example/", False),
        ("http://[broken", False),
        ("", False),
    ],
)
def test_only_web_links_are_links(url, safe):
    assert web_link(url) == (url if safe else "")


def test_sections_sort_by_number():
    assert sorted(["3.10", "3.9", "10", "3.5.1", "3.5", "A.1"], key=natural) == [
        "A.1",
        "3.5",
        "3.5.1",
        "3.9",
        "3.10",
        "10",
    ]


@pytest.mark.parametrize(
    ("section", "name"),
    [("3.5", "RFC 1 section 3.5"), ("A.1", "RFC 1 section A.1"), ("CreateToken", "RFC 1 CreateToken"), ("", "RFC 1")],
)
def test_sections_are_named(section, name):
    assert section_name("RFC 1", section) == name


def test_an_unwritable_folder_is_a_usage_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="choose another folder"):
        write_all(samples.clean(), tmp_path / "file")

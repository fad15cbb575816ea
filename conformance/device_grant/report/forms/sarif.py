"""SARIF 2.1.0 (OASIS), for code scanning: one rule a requirement, one result a check's verdict on it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from device_grant.catalogue.model import Verdict
from device_grant.report import http
from device_grant.report.text import one_line, web_link
from device_grant.report.view import View, section_name
from device_grant.visible import visible

if TYPE_CHECKING:
    from device_grant.results import Report, RequirementResult
    from device_grant.results.model import HttpRequest, HttpResponse, Result, Step

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_KINDS = {
    "fail": "fail",
    "warn": "fail",
    "untestable": "open",
    "inconclusive": "review",
    "not-applicable": "notApplicable",
    "observed": "informational",
    "pass": "pass",
}
_LEVELS = {"fail": "error", "warn": "warning"}
"""Every other kind has the level `none` (SARIF 3.27.10)."""
_LONGEST_BODY = 4000


def render(report: Report) -> str:
    """Render the results as a SARIF log with one run, ending with a newline."""
    view = View(report)
    rules = view.requirements
    index = {requirement.id: at for at, requirement in enumerate(rules)}
    groups = {one.id: number for number, root in enumerate(view.roots, 1) for one in root.failures}
    run = {
        "tool": {
            "driver": {
                "name": "device-grant-conformance",
                "version": report.header.suite_version,
                "semanticVersion": report.header.suite_version,
                "rules": [_rule(requirement) for requirement in rules],
            }
        },
        "automationDetails": {"id": f"device-grant/{report.header.target}/{report.header.dialect}"},
        "invocations": [_invocation(view)],
        "results": [
            _result(report, result, index[requirement.id], groups.get(requirement.id))
            for requirement in rules
            for result in requirement.results
        ],
        "columnKind": "unicodeCodePoints",
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(_visible(log), indent=1, ensure_ascii=False) + "\n"


def _visible(value: Any) -> Any:
    match value:
        case str():
            return visible(value)
        case dict():
            return {visible(name): _visible(inner) for name, inner in value.items()}
        case list():
            return [_visible(inner) for inner in value]
        case _:
            return value


def _rule(requirement: RequirementResult) -> dict[str, Any]:
    first = requirement.first
    place = section_name(first.source, first.section)
    rule: dict[str, Any] = {
        "id": requirement.id,
        "shortDescription": {"text": first.statement},
        "fullDescription": {"text": f"{first.statement} ({place}, {first.level})"},
        "help": {"text": first.why or f"{place}: {first.statement}"},
        "defaultConfiguration": {"level": "error" if first.level.startswith("MUST") else "warning"},
        "properties": {
            "level": first.level,
            "party": first.party,
            "source": first.source,
            "section": first.section,
            "tags": ["security"] if first.security else [],
        },
    }
    url = web_link(first.url)
    return rule | ({"helpUri": url} if url else {})


def _result(report: Report, result: Result, rule: int, group: int | None) -> dict[str, Any]:
    text = one_line(result.message or result.statement)
    if result.got and _KINDS[result.verdict] == "fail" and result.got not in text:
        text += f" (came {one_line(result.got)})"
    collected: dict[str, Any] = {
        "ruleId": result.requirement,
        "ruleIndex": rule,
        "kind": _KINDS[result.verdict],
        "level": _LEVELS.get(result.verdict, "none"),
        "message": {"text": text},
        # Code scanning shows nothing without a file; what was found is in the results.
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": "results.jsonl"}},
                "logicalLocations": [{"fullyQualifiedName": result.check, "kind": "function"}],
            }
        ],
        "partialFingerprints": {"requirementAndCheck/v1": _fingerprint(report, result)},
        "properties": {
            "verdict": result.verdict,
            "accepted": list(result.accepted),
            "reproduce": result.reproduce,
        },
    }
    if group is not None:
        # Those of one cause have the same number, the most telling cause has 1.
        collected["properties"]["cause"] = group
    if result.blocked_by:
        collected["properties"]["blockedBy"] = result.blocked_by
    if result.expected:
        collected["suppressions"] = [{"kind": "external", "justification": f"{result.expected}: {result.reason}"}]
    if _KINDS[result.verdict] == "fail":
        collected |= _exchange(http.decisive(result.steps))
    return collected


def _fingerprint(report: Report, result: Result) -> str:
    named = (report.header.target, report.header.dialect, result.requirement, result.check)
    return hashlib.sha256("\n".join(named).encode("utf-8", "backslashreplace")).hexdigest()


def _exchange(step: Step | None) -> dict[str, Any]:
    collected: dict[str, Any] = {}
    if step is not None and step.request is not None:
        collected["webRequest"] = {
            "protocol": "HTTP",
            "version": "1.1",
            "method": step.request.method,
            "target": step.request.url,
            **_content(step.request),
        }
    if step is not None and step.response is not None:
        collected["webResponse"] = {
            "protocol": "HTTP",
            "version": "1.1",
            "statusCode": step.response.status,
            **_content(step.response),
        }
    return collected


def _content(message: HttpRequest | HttpResponse) -> dict[str, Any]:
    headers: dict[str, str] = {}
    for name, value in message.headers:
        key = name
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return {"headers": headers, "body": {"text": message.body[:_LONGEST_BODY]}}


def _invocation(view: View) -> dict[str, Any]:
    header, footer = view.report.header, view.report.footer
    invocation: dict[str, Any] = {
        "commandLine": header.command,
        "executionSuccessful": footer is not None and not view.suite_errors,
        "startTimeUtc": _utc(header.started),
        "properties": {"headline": view.headline, "remarks": view.remarks, "conformant": view.of(Verdict.FAIL) == []},
    }
    if footer is not None:
        invocation |= {"exitCode": footer.exit_code, "endTimeUtc": _utc(footer.finished)}
    return invocation


def _utc(moment: str) -> str:
    """SARIF 3.9 wants the letter Z; results.jsonl has ISO 8601 with either."""
    return moment.replace("+00:00", "Z")

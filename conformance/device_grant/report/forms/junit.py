"""JUnit XML from results: a test case for each check's verdict on a requirement, for whatever shows test results."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from device_grant.report.view import View, section_name
from device_grant.visible import visible

if TYPE_CHECKING:
    from device_grant.results import Report
    from device_grant.results.model import Result

_SKIPPED = ("untestable", "inconclusive", "not-applicable")


def render(report: Report) -> str:
    """Render the results as JUnit XML, ending with a newline.

    Unexpected failures fail; failures that the baseline expects, and what could not be judged, are skipped with the
    reason; a warning is said on the standard output of its case. A check in which the suite broke is an error.
    """
    view = View(report)
    header, footer = report.header, report.footer
    suite = ET.Element(
        "testsuite",
        name=visible(f"{header.target} ({header.dialect})"),
        timestamp=header.started.removesuffix("Z").removesuffix("+00:00"),
        time=f"{footer.duration if footer else 0:.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("headline", view.headline),
        ("suite_version", header.suite_version),
        ("target_version", header.target_version),
        ("profile", header.profile),
        ("seed", "" if header.seed is None else str(header.seed)),
    ):
        ET.SubElement(properties, "property", name=name, value=visible(value))
    for obstacle in view.obstacles:
        ET.SubElement(properties, "property", name="main_path", value=visible(obstacle.finding.title))
    same = {one.id: root.lead.id for root in view.roots for one in root.others}
    for requirement in view.requirements:
        for result in requirement.results:
            _case(suite, result, same.get(requirement.id, ""))
    for case in view.suite_errors:
        broken = ET.SubElement(suite, "testcase", classname=visible(case.check), name="suite")
        ET.SubElement(broken, "error", message="the suite itself broke").text = visible(case.message)
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(1 for _ in suite.iter(tag))))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, result: Result, same_as: str) -> None:
    case = ET.SubElement(suite, "testcase", classname=visible(result.check), name=result.requirement)
    if result.expected:
        reason = f"{result.verdict}, expected by the baseline ({result.expected}): {result.reason}"
        ET.SubElement(case, "skipped", message=visible(reason))
    elif result.verdict == "fail":
        place = section_name(result.source, result.section)
        lines = [f"{result.level} ({place}): {result.statement}", result.message]
        if result.got:
            lines.append(f"came {result.got}" + (f"; accepted {' or '.join(result.accepted)}" * bool(result.accepted)))
        if same_as:
            lines.append(f"of the same cause as {same_as}")
        lines += [line for line in (result.curl, result.reproduce) if line]
        ET.SubElement(case, "failure", message=visible(result.message)).text = visible("\n".join(lines))
    elif result.verdict in _SKIPPED:
        ET.SubElement(case, "skipped", message=visible(f"{result.verdict}: {result.message}"))
    elif result.verdict == "warn":
        ET.SubElement(case, "system-out").text = visible(f"warning: {result.message}")

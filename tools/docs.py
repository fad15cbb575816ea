"""`python -m tools.docs`: writes the pages of docs/ that are made from the catalogue, the checks and faults.

Pages are pure functions of what is installed, so that a test can tell whether those in the checkout are stale.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from device_grant.catalogue import Party, Status
from device_grant.cli.requirements.coverage import Coverage, coverage
from device_grant.errors import ExitCode
from tools.dialects_page import dialects_page
from tools.docs_reference import cli_page, parameters_page, results_page
from tools.markdown import NOTICE, text
from tools.state import state_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.catalogue import Requirement
    from device_grant.cli.requirements.coverage import Judge

PARTIES = {
    Party.AUTHORIZATION_SERVER: "server",
    Party.USER_INTERACTION: "pages",
    Party.BOTH: "both",
    Party.CLIENT: "client",
}


def coverage_page(covered: Coverage) -> str:
    """Every requirement by source: level, party, status, and what judges it or why nothing does."""
    lines = [
        "# Coverage",
        NOTICE,
        "",
        "Every requirement of the catalogue, by source. *Party* is whom it binds: the authorization server, its",
        "*pages* for people, the client, or server and client *both*. `device-grant explain ID` shows one in full.",
        "",
        "| source | tested | open | excluded | all |",
        "|---|--:|--:|--:|--:|",
    ]
    for source in covered.catalogue.sources:
        entries = _of_source(covered, source.name)
        lines.append(f"| [{source.name}](#{_anchor(source.name)}) | {_counts(covered, entries)} |")
    lines.append(f"| all | {_counts(covered, list(covered.catalogue.requirements))} |")
    open_for_servers = sum(covered.status(entry) is Status.OPEN for entry in covered.binding("server"))
    lines += ["", f"Open: {open_for_servers} that bind servers, {covered.untested_of_clients} that bind clients only."]
    for source in covered.catalogue.sources:
        lines += ["", f"## {source.name}", "", text(source.title), ""]
        lines += ["| id | level | party | status | judged by |", "|---|---|---|---|---|"]
        lines += [_coverage_row(covered, entry) for entry in _of_source(covered, source.name)]
    return "\n".join(lines) + "\n"


def _coverage_row(covered: Coverage, entry: Requirement) -> str:
    judged = ", ".join(f"`{judge.name}`" for judge in covered.of(entry)) or text(entry.excluded)
    cells = (f"`{entry.id}`", entry.level.value, PARTIES[entry.party], covered.status(entry).value, judged)
    return f"| {' | '.join(cells)} |"


def ambiguities_page(covered: Coverage) -> str:
    """The register: what a text leaves open or is read in two ways, and what is accepted because of it."""
    doubtful = [entry for entry in covered.catalogue.requirements if entry.caveat]
    differing = [entry for entry in covered.catalogue.requirements if entry.aws_note and not entry.caveat]
    lines = [
        "# Ambiguities",
        NOTICE,
        "",
        "Where a text can be read in more than one way, or servers legitimately differ: the requirement, the readings,",
        "and what the checks accept because of them. The catalogue is the place to argue about an entry; until that is",
        "settled, a baseline entry of kind `disputed` keeps a run green and says so.",
    ]
    for source in covered.catalogue.sources:
        entries = [entry for entry in doubtful if entry.source == source.name]
        if entries:
            lines += ["", f"## {source.name}"]
        for entry in entries:
            lines += ["", f"### `{entry.id}`", "", *_ambiguity(covered, entry)]
    lines += ["", "## How AWS SSO OIDC differs", ""]
    lines += [
        "From the service model and the [public record](../../cassettes/aws-public-record/README.md). Checks in that",
        "dialect allow for it. The entries above have their own notes.",
        "",
        "| requirement | AWS SSO OIDC |",
        "|---|---|",
    ]
    lines += [f"| `{entry.id}` | {text(entry.aws_note)} |" for entry in differing]
    return "\n".join(lines) + "\n"


def _ambiguity(covered: Coverage, entry: Requirement) -> list[str]:
    weight = f"{entry.level.value}, {entry.verdict_if_broken.label} if broken"
    lines = [
        f"{text(entry.statement)} ([{entry.source} {entry.section}]({entry.url}), {weight})",
        "",
        f"- Readings: {text(entry.caveat)}",
    ]
    if entry.aws_note:
        lines.append(f"- AWS SSO OIDC: {text(entry.aws_note)}")
    lines += [f"- `{judge.name}`: {text(judge.card)}" for judge in covered.of(entry)]
    if entry.seen_in:
        lines.append(f"- Seen in: {', '.join(f'[{text(_report(one))}]({one})' for one in entry.seen_in)}")
    if entry.excluded:
        lines.append(f"- Not tested: {text(entry.excluded)}")
    elif not covered.of(entry):
        lines.append("- Not tested yet.")
    return lines


def field_bugs_page(covered: Coverage) -> str:
    """What users of other software have reported in public: each report, what was broken, and what shows it here."""
    reported: dict[str, list[Requirement]] = {}
    for entry in covered.catalogue.requirements:
        for address in entry.seen_in:
            reported.setdefault(address, []).append(entry)
    lines = [
        "# Bugs of the field",
        NOTICE,
        "",
        "Public reports about servers and clients of the device grant, and what of this suite shows the same mistake",
        "today. A report is no verdict on what its software does now: most are mended. `device-grant explain ID` shows",
        "a requirement in full. A report belongs under `seen_in` of the requirement that was broken.",
        "",
        "| report | what is required | judged by |",
        "|---|---|---|",
    ]
    for address in sorted(reported, key=_report):
        for entry in reported[address]:
            judged = ", ".join(f"`{judge.name}`" for judge in covered.of(entry)) or text(entry.excluded)
            link = f"[{text(_report(address))}]({address})"
            lines.append(f"| {link} | `{entry.id}`: {text(entry.statement)} | {judged} |")
    return "\n".join(lines) + "\n"


def _report(address: str) -> str:
    """A report as people name it: `owner/repository#number` for one on GitHub, else its address without the scheme."""
    numbered = re.fullmatch(r"https://github\.com/([^/]+/[^/]+)/(?:issues|pull|discussions)/(\d+)", address)
    return f"{numbered[1]}#{numbered[2]}" if numbered else address.removeprefix("https://")


def client_faults_page(covered: Coverage) -> str:
    """Every fault of the reference client and what catches it."""
    from device_grant.reference.client.faults import ClientFaults

    lines = [
        "# Client faults",
        NOTICE,
        "",
        "The misbehaviours that the reference client can be given: `device-grant client honest:DIALECT --fault NAME`",
        "shows what the suite says of one. Each proves that the scenarios and rules named beside it are able to fail.",
        "",
    ]
    return "\n".join([*lines, *_faults(covered, ClientFaults.catalogue(), "client")]) + "\n"


def faults_page(covered: Coverage) -> str:
    """Every fault of the reference server and what catches it."""
    from device_grant.reference.server.faults import Faults

    lines = [
        "# Faults",
        NOTICE,
        "",
        "The misbehaviours that the embedded server can be given: `device-grant run embedded:DIALECT --fault NAME`",
        "shows what the suite says of one, `device-grant serve --fault NAME` lets a client meet it. Each proves that",
        "the checks named beside it are able to fail. None of them belongs in a server that protects anything.",
        "",
    ]
    return "\n".join([*lines, *_faults(covered, Faults.catalogue(), "server")]) + "\n"


def _faults(covered: Coverage, faults: list[tuple[str, tuple[str, ...], str]], party: str) -> list[str]:
    catching: dict[str, list[str]] = {}
    judges: dict[str, Judge] = {one.name: one for each in covered.judges.values() for one in each}
    for judge in judges.values():
        if judge.party == party:
            for fault in judge.faults:
                catching.setdefault(fault, []).append(judge.name)
    rows = ["| fault | dialects | what it does wrong | caught by |", "|---|---|---|---|"]
    for name, dialects, documentation in faults:
        caught = ", ".join(f"`{judge}`" for judge in sorted(catching.get(name, ())))
        rows.append(f"| `{name}` | {', '.join(dialects)} | {text(documentation)} | {caught} |")
    return rows


PAGES: dict[str, Callable[[Coverage], str]] = {
    "reference/coverage.md": coverage_page,
    "reference/faults.md": faults_page,
    "reference/client-faults.md": client_faults_page,
    "reference/cli.md": cli_page,
    "reference/results.md": results_page,
    "reference/check-parameters.md": parameters_page,
    "reference/dialects.md": dialects_page,
    "explanation/ambiguities.md": ambiguities_page,
    "explanation/field-bugs.md": field_bugs_page,
    "explanation/state-of-the-device-grant.md": state_page,
}
"""What is written, by its path below docs/."""


def _of_source(covered: Coverage, name: str) -> list[Requirement]:
    return [entry for entry in covered.catalogue.requirements if entry.source == name]


def _counts(covered: Coverage, entries: list[Requirement]) -> str:
    counts = Counter(covered.status(entry) for entry in entries)
    numbers = (counts[Status.TESTED], counts[Status.OPEN], counts[Status.EXCLUDED], len(entries))
    return " | ".join(map(str, numbers))


def _anchor(heading: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a page is stale.")
def main(folder: Path | None, check: bool) -> None:  # noqa: FBT001 - click passes flags by name
    """Write the generated pages into FOLDER, the docs folder of the checkout by default."""
    folder = folder or Path(__file__).parent.parent / "docs"
    if not folder.is_dir():
        raise click.ClickException(f"{folder}: no such folder; name the docs folder of a checkout")
    covered = coverage()
    stale = []
    for name, render in PAGES.items():
        path, page = folder / name, render(covered)
        if path.exists() and path.read_text("utf-8") == page:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page, "utf-8")
    for name in stale:
        click.echo(f"{'stale: ' if check else 'written: '}{name}")
    if check and stale:
        raise click.exceptions.Exit(int(ExitCode.FAILED))


if __name__ == "__main__":
    main()

"""`device-grant list` and `device-grant explain`, as people of different terminals see them."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from support.proof import judges, run_checks

from device_grant.catalogue import Party, Status, load
from device_grant.cli import cli
from device_grant.cli.requirements.catalogue import shown_broken
from device_grant.cli.requirements.coverage import counted, coverage
from device_grant.errors import UsageError
from device_grant.judging import all_checks, all_invariants

NARROWEST = 60
WIDEST = 100


def _run(monkeypatch, *arguments, columns=80, **variables):
    monkeypatch.setenv("COLUMNS", str(columns))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    return done


def _numbers(output):
    rows = re.findall(r"^(\S.*?) {1,}((?:\d+ +){7}\d+)$", output, re.MULTILINE)
    return {name: [int(number) for number in numbers.split()] for name, numbers in rows}


@pytest.mark.parametrize("party", ["server", "client", "all"])
def test_list_adds_up(monkeypatch, party):
    shown = _numbers(_run(monkeypatch, "list", "--party", party).stdout)
    total = shown.pop("all")
    assert [sum(column) for column in zip(*shown.values(), strict=True)] == total
    for *levels, tested, left_open, excluded, every in (*shown.values(), total):
        assert sum(levels) == every == tested + left_open + excluded
    bound = {"server": lambda p: p is not Party.CLIENT, "client": lambda p: p is Party.CLIENT, "all": lambda _: True}
    assert total[-1] == sum(bound[party](entry.party) for entry in load().requirements)


def test_list_fits_eighty_columns(monkeypatch):
    for party in ("server", "all"):
        assert max(map(len, _run(monkeypatch, "list", "--party", party).stdout.splitlines())) <= 80


def test_list_says_what_is_left_for_clients(monkeypatch):
    covered = coverage()
    last = _run(monkeypatch, "list").stdout.splitlines()[-1]
    if covered.untested_of_clients:
        assert last.startswith(f"{covered.untested_of_clients} more requirements bind clients only")
    assert "bind clients only" not in _run(monkeypatch, "list", "--party", "client").stdout


def test_nothing_is_open_for_servers(monkeypatch):
    assert _run(monkeypatch, "list", "--open").stdout == ""


def test_list_open_names_what_is_open(monkeypatch):
    covered = coverage()
    named = [line.split()[0] for line in _run(monkeypatch, "list", "--open", "--party", "client").stdout.splitlines()]
    assert named == [entry.id for entry in covered.binding("client") if covered.status(entry) is Status.OPEN]


def test_list_ids_names_everything(monkeypatch):
    lines = _run(monkeypatch, "list", "--ids", "--party", "all").stdout.splitlines()
    assert [line.split()[1] for line in lines] == [entry.id for entry in load().requirements]
    assert {line.split()[0] for line in lines} <= {status.value for status in Status}


@pytest.mark.parametrize("columns", [NARROWEST, WIDEST])
@pytest.mark.parametrize(
    "requirement",
    ["rfc8628-3.5-access-denied", "aws-token-bad-device-code", "rfc8628-3.2-interval-optional", "rfc9112-6.1-chunked"],
)
def test_explain_fits_the_terminal(monkeypatch, requirement, columns):
    shown = _run(monkeypatch, "explain", requirement, columns=columns).stdout
    # What a person pastes or clicks is never broken.
    prose = [line for line in shown.splitlines() if "https://" not in line and "device-grant run" not in line]
    assert max(map(len, prose)) <= columns
    assert "\x1b" not in shown


def test_explain_says_everything(monkeypatch):
    shown = " ".join(_run(monkeypatch, "explain", "rfc8628-3.5-device-code-single-use").stdout.split())
    entry = load().get("rfc8628-3.5-device-code-single-use")
    for text in (entry.statement, entry.caveat, entry.aws_note, entry.how, entry.why, entry.url, entry.source):
        assert " ".join(text.split()) in shown
    for text in ("IMPLIED: fail if broken", "authorization-server", "rfc8628, aws-sso-oidc", "approver"):
        assert text in shown
    for judge in coverage().of(entry):
        assert judge.name in shown
        assert " ".join(judge.card.split()) in shown
        assert all(fault in shown for fault in judge.faults)
    assert f"--only {entry.id}" in shown


def test_explain_names_the_public_reports(monkeypatch):
    entry = next(entry for entry in load().requirements if len(entry.seen_in) > 1)
    shown = _run(monkeypatch, "explain", entry.id).stdout
    assert "Seen in" in shown
    assert [line for line in shown.splitlines() if line.strip() in entry.seen_in] == [
        f"  {one}" for one in entry.seen_in
    ]


def test_explain_gives_the_reason_of_what_is_excluded(monkeypatch):
    shown = _run(monkeypatch, "explain", "rfc8628-3.2-interval-optional").stdout
    assert "Not tested because" in shown
    assert "Try it" not in shown


def test_suggested_fault_breaks_the_requirement(monkeypatch):
    shown = _run(monkeypatch, "explain", "aws-register-client-type-public").stdout
    command = re.search(r"device-grant run embedded:(\S+) --only (\S+) --fault (\S+)", shown)
    dialect, requirement, fault = command.groups()
    result = run_checks(dialect, fault, ("aws_registration::test_register_client_type",))
    assert requirement in result.checks["aws_registration::test_register_client_type"]


def test_no_fault_is_suggested_that_may_break_another_requirement():
    covered = coverage()
    for entry in covered.binding("server"):
        suggested = shown_broken(entry, covered.of(entry))
        certain = [one for one in covered.of(entry) if one.faults and 1 in (len(one.requirements), len(one.faults))]
        assert (suggested is None) == (not certain)
        if suggested:
            assert suggested[0] in certain[0].faults
            assert suggested[1] in entry.dialects


def test_counted():
    judges()
    checks, rules = all_checks(), all_invariants()
    assert counted(rules[:1]) == "1 invariant"
    assert counted((*checks[:2], *rules[:1])) == "2 checks and 1 invariant"
    assert counted(()) == ""


def test_list_of_a_server_adds_up_and_says_why_the_rest_does_not_apply(monkeypatch):
    shown = _run(monkeypatch, "list", "embedded").stdout
    table, _, reasons = shown.partition("\n\n")
    rows = [re.fullmatch(r"(\S.*?) +(\d+) +(\d+) +(\d+) +(\d+)", line).groups() for line in table.splitlines()[1:]]
    server = [entry for entry in load().requirements if entry.party is not Party.CLIENT]
    for name, judged, inapplicable, excluded, every in rows:
        assert int(judged) + int(inapplicable) + int(excluded) == int(every)
        assert int(every) == sum(entry.source == name for entry in server)
    partly = [name for name, _, inapplicable, _, _ in rows if int(inapplicable)]
    assert [line.partition(": ")[0] for line in reasons.splitlines()] == partly
    assert "Smithy restJson1: not applicable: the target speaks rfc8628" in reasons.splitlines()


def test_list_of_a_server_takes_nothing_that_is_about_all():
    done = CliRunner().invoke(cli, ["list", "embedded", "--ids"])
    assert isinstance(done.exception, UsageError)
    assert "leave --open, --ids and --party out" in str(done.exception)


WITHOUT_REGISTRATION = """
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


def metadata(request):
    base = "http://target.test"
    members = {"issuer": base, "token_endpoint": f"{base}/t", "device_authorization_endpoint": f"{base}/d"}
    return JSONResponse(members)


app = Starlette(routes=[Route("/.well-known/oauth-authorization-server", metadata)])
"""


def test_list_of_a_server_at_which_nobody_registers(monkeypatch, tmp_path):
    (tmp_path / "without_registration.py").write_text(WITHOUT_REGISTRATION, "utf-8")
    monkeypatch.chdir(tmp_path)
    shown = _run(monkeypatch, "list", "asgi:without_registration:app").stdout
    (line,) = [line for line in shown.splitlines() if line.startswith("RFC 7591: ")]
    assert line.endswith("not applicable: the metadata names no registration endpoint: clients are configured")

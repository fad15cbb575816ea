"""Failures of one cause stand together, the most telling first; what the main path lacks stands above them all."""

import io

import msgspec
from rich.console import Console
from support import samples

from device_grant.report.findings import MAIN_PATH, distinct
from device_grant.report.terminal.verdicts import render
from device_grant.report.view import View
from device_grant.results.model import Finding
from device_grant.results.reader import Report


def failing(name, check, **changes):
    """A failing requirement `rfc8628-1-NAME`; a step that a request of this purpose made shows it."""
    purpose = changes.pop("purpose", "poll")
    shown = {
        "got": "400 invalid_grant",
        "accepted": ["authorization_pending"],
        "curl": f"curl {name} {check}",
    } | changes
    status = shown.pop("status", 400)
    step = msgspec.structs.replace(samples.exchange(1.0, answer=shown["got"], status=status), purpose=purpose)
    return samples.shown(f"rfc8628-1-{name}", "fail", check=check, steps=[step], **shown)


def groups(*results):
    view = View(Report(header=samples.header(), results=results))
    return [[requirement.id.rpartition("-")[2] for requirement in root.failures] for root in view.roots]


def test_what_one_check_says_of_one_request_has_one_cause():
    one = failing("a", "c::one", curl="curl x", accepted=["ok"])
    other = failing("b", "c::one", curl="curl x", accepted=["no-response"])
    apart = failing("c", "c::two", curl="curl x", accepted=["access_denied"])
    assert sorted(map(sorted, groups(one, other, apart))) == [["a", "b"], ["c"]]


def test_the_same_answer_where_the_same_was_due_has_one_cause():
    assert groups(failing("a", "c::one"), failing("b", "c::two")) == [["a", "b"]]
    assert len(groups(failing("a", "c::one"), failing("b", "c::two", accepted=["ok"]))) == 2
    assert len(groups(failing("a", "c::one"), failing("b", "c::two", got="400 expired_token"))) == 2


def test_a_request_that_the_server_breaks_at_has_one_cause_and_comes_late():
    broken = {"status": 500, "curl": "curl odd", "accepted": []}
    invariant = failing("i", "invariants::no_server_error", **broken)
    check = failing("c", "encoding::test_malformed_bodies", **broken)
    assert groups(invariant, check, failing("plain", "c::plain")) == [["plain"], ["c", "i"]]


def test_malformed_requests_have_causes_of_their_own():
    assert len(groups(failing("a", "c::one", purpose="malformed"), failing("b", "c::two", purpose="malformed"))) == 2


def test_the_most_telling_comes_first():
    odd = failing("odd", "c::odd", purpose="malformed")
    plain = failing("plain", "c::plain", got="500")
    invariant = failing("invariant", "invariants::one", got="200 ok", accepted=[])
    path = failing("path", MAIN_PATH, got="404", accepted=[])
    assert groups(odd, plain, invariant, path) == [["path"], ["invariant"], ["plain"], ["odd"]]


def test_what_an_obstacle_breaks_elsewhere_is_of_its_cause():
    finding = Finding(name="start", title="no code", same=["rfc8628-1-member"])
    case = samples.case(MAIN_PATH, findings=[finding])
    path = failing("path", MAIN_PATH, message="no code", accepted=[])
    member = failing("member", "invariants::member", accepted=[])
    other = failing("other", "invariants::other", accepted=[])
    view = View(Report(header=samples.header(), cases=(case,), results=(path, member, other)))
    assert [len(root.failures) for root in view.roots] == [2, 1]
    assert [one.id for one in view.obstacles[0].failures] == ["rfc8628-1-member", "rfc8628-1-path"]


def test_an_obstacle_has_what_fails_and_what_is_blocked_by_it():
    finding = Finding(name="token", title="no tokens", advice="[endpoints]", blocks=["approved-polls"])
    case = samples.case(MAIN_PATH, findings=[finding])
    fails = samples.shown("rfc8628-1-a", "fail", check=MAIN_PATH, message="no tokens")
    blocked = samples.result("rfc8628-1-b", "untestable", message="blocked by: no tokens", blocked_by="token")
    free = samples.result("rfc8628-1-c", "untestable", message="no socket")
    view = View(Report(header=samples.header(), cases=(case, case), results=(fails, blocked, free)))
    [obstacle] = view.obstacles
    assert obstacle.finding == finding
    assert [one.id for one in obstacle.failures] == ["rfc8628-1-a"]
    assert [one.id for one in obstacle.blocked] == ["rfc8628-1-b"]


def test_what_a_client_did_is_one_block_whoever_judges_it():
    pair = {"curl": "", "message": "polled again too early", "accepted": [], "got": "0.00 s where 5 s are owed"}
    rule, check = failing("a", "rules::waiting", **pair), failing("a", "waiting::test_one", **pair)
    twin, other = failing("b", "rules::waiting", **pair), failing("c", "rules::waiting", **pair | {"message": "more"})
    assert sorted(map(sorted, groups(rule, check, twin, other))) == [["a", "b"], ["c"]]
    assert distinct([rule, check, twin]) == [rule, twin]
    console = Console(record=True, width=200, file=io.StringIO())
    render(Report(header=samples.header(), results=[rule, check, twin]), console)
    text = console.export_text()
    assert text.count("FAIL ") == 1
    assert text.count("polled again too early") == 2


def test_the_headline_says_whose_failures_they_are():
    def headline(*checks):
        results = [failing(name, f"{check}::x", got=name) for name, check in zip("abcd", checks, strict=False)]
        passing = [samples.shown(f"rfc8628-1-{n}", "pass", check=f"{n}::x") for n in ("rules", "invariants")]
        return View(Report(header=samples.header(), results=[*results, *passing])).headline

    assert headline("rules").endswith(": the client breaks 1, the server none")
    assert headline("invariants", "rules", "invariants").endswith(": the client breaks 1, the server 2")
    assert View(Report(header=samples.header(), results=[failing("a", "rules::x")])).headline.endswith("1 judged")

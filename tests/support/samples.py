"""A made-up run with every verdict, hostile bodies, long strings and octets that are no text, in both dialects."""

from __future__ import annotations

import msgspec

from device_grant.catalogue.model import Verdict
from device_grant.results import Report, count, merge, save
from device_grant.results.model import (
    FORMAT,
    Case,
    Footer,
    Header,
    HttpRequest,
    HttpResponse,
    Result,
    Step,
)
from device_grant.results.reader import FILE_NAME

HOSTILE = (
    "<script>alert('xss')</script><img src=http://evil.example/x.png onerror=alert(1)> \x1b[31mred\x1b[0m \u202egnp"
)
BINARY = "\\x00\\xff\\xfe\\x89PNG\x00\x07 end"
LONG = "very-long-value-without-any-space-" * 60

FORM = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=<device_code 1>&client_id=conf"
RFC_URL = "https://www.rfc-editor.org/rfc/rfc8628#section-"


def header(dialect: str = "rfc8628", **changes) -> Header:
    defaults = Header(
        format=FORMAT,
        suite_version="0.1.0",
        catalogue_revision="3fa9c2d17b40",
        target="example-idp",
        target_version="3.4.0",
        target_homepage="https://idp.example.com/project",
        spec="example-idp",
        dialect=dialect,
        claims={"slow_down": True, "refresh_token": False, "metadata": True},
        clock="travel",
        profile="fast",
        seed=None,
        python="3.11.7",
        platform="Linux-6.1 x86_64",
        command="device-grant run example-idp --report build/reports/example-idp",
        started="2026-03-01T09:30:00Z",
    )
    return msgspec.structs.replace(defaults, **changes)


def exchange(  # noqa: PLR0913 - each is a part of the exchange that some test varies
    at: float = 0.0,
    *,
    path: str = "/token",
    body: str = FORM,
    status: int = 400,
    answer: str = '{"error": "authorization_pending"}',
    code: str = "authorization_pending",
    label: str = "poll",
) -> Step:
    return Step(
        at=at,
        label=label,
        operation="token",
        request=HttpRequest(
            method="POST",
            url=f"http://127.0.0.1:8000{path}",
            headers=[("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")],
            body=body,
        ),
        response=HttpResponse(
            status=status,
            headers=[("content-type", "application/json"), ("cache-control", "no-store")],
            body=answer,
        ),
        elapsed=0.004,
        code=code,
    )


def result(requirement: str, verdict: str, **changes) -> Result:
    section = requirement.split("-")[1]
    defaults = Result(
        requirement=requirement,
        check=f"polling::test_{requirement.replace('-', '_').replace('.', '_')}",
        source="RFC 8628",
        section=section,
        level="MUST",
        party="authorization-server",
        statement="The server answers a poll according to the state of the grant.",
        url=f"{RFC_URL}{section}",
        verdict=verdict,
        judged=1,
        why="Clients decide by this answer whether to go on polling, to stop, or to tell the user.",
    )
    return msgspec.structs.replace(defaults, **changes)


def shown(requirement: str, verdict: str, **changes) -> Result:
    """A result with evidence, as anything but a pass has it."""
    evidence = {
        "accepted": ["access_denied", "invalid_grant"],
        "got": "400 authorization_pending",
        "message": "after the denial the answer was authorization_pending",
        "steps": [
            exchange(
                0.0,
                path="/device_authorization",
                status=200,
                code="ok",
                label="start",
                answer='{"device_code": "<device_code 1>", "interval": 5}',
            ),
            Step(at=0.2, label="user denies", event="decided", action="deny"),
            Step(at=0.2, label="wait 5 s", event="waited", seconds=5),
            exchange(5.2),
        ],
        "curl": "curl -i -X POST -H 'Content-Type: application/x-www-form-urlencoded' http://127.0.0.1:8000/token"
        " --data-raw '"
        f"{FORM}'",
        "reproduce": f"device-grant run example-idp --only {requirement}",
    }
    return result(requirement, verdict, **(evidence | changes))


def results() -> list[Result]:
    no_approver = "no user module: approval cannot be given (add [user] to target.toml)"
    return [
        result("rfc8628-3.1-client-id-required", "pass", statement="A request without client_id is refused."),
        result("rfc8628-3.2-device-code-present", "pass", judged=214, statement="The response has a device_code."),
        result("rfc8628-3.2-user-code-present", "pass", statement="The response has a user_code."),
        result("rfc8628-3.10-made-up-late-section", "pass", section="3.10"),
        shown(
            "rfc8628-3.2-interval-default",
            "observed",
            level="MAY",
            got="interval absent",
            message="no interval was sent",
        ),
        result(
            "rfc8628-3.3.1-uri-complete",
            "not-applicable",
            level="MAY",
            message="the target does not claim verification_uri_complete",
        ),
        result(
            "rfc8628-6.2-polling-metadata",
            "not-applicable",
            level="SHOULD",
            message="the target does not claim metadata",
        ),
        shown("rfc8628-3.5-access-denied", "fail"),
        shown(
            "rfc8628-3.5-hostile-body",
            "fail",
            statement=f"Statement with markup: {HOSTILE}",
            got=HOSTILE,
            message=HOSTILE,
            why=HOSTILE,
            url="javascript:alert(1)",
            accepted=["invalid_request", HOSTILE],
            steps=[
                exchange(1.5, body=HOSTILE, answer=HOSTILE, status=500, code=HOSTILE),
                exchange(2.0, answer=BINARY),
                exchange(3.0, answer=LONG),
            ],
            curl=f"curl -i {LONG}",
        ),
        shown(
            "rfc8628-3.5-slow-down-not-owed",
            "fail",
            expected="deviation",
            reason="Fixed in 3.5.0",
            issue="https://idp.example.com/issues/7",
            message="a polite poll got slow_down",
        ),
        shown(
            "rfc8628-3.5-expired-token",
            "warn",
            level="SHOULD",
            message="answered invalid_grant, expired_token says it better",
        ),
        shown(
            "rfc8628-5.6-cache-control",
            "warn",
            level="SHOULD",
            expected="disputed",
            reason="The authors read section 5.1 differently",
            source="RFC 6749",
            section="5.1",
            url="",
        ),
        result("rfc8628-3.4-token-after-approval", "untestable", message=no_approver),
        result("rfc8628-3.5-approved-once", "untestable", message=no_approver),
        result(
            "rfc8628-6.1-user-code-forms",
            "untestable",
            level="SHOULD",
            party="user-interaction",
            message="no verification page is known",
        ),
        shown(
            "rfc8628-3.5-pace",
            "inconclusive",
            level="IMPLIED",
            message="the connection's jitter (180 ms) exceeds the margin (50 ms)",
        ),
        result("rfc6749-5.2-error-syntax", "pass", source="RFC 6749", check="invariants", judged=1312),
        shown("rfc6749-5.2-error-status", "pass", source="RFC 6749", check="invariants"),
        shown(
            "rfc6749-2.3.1-client-authentication",
            "fail",
            source="RFC 6749",
            security=True,
            message="planted security finding",
        ),
    ]


def case(check: str, **changes) -> Case:
    defaults = Case(
        check=check,
        nodeid=f"conformance/device_grant/server/polling.py::{check}",
        title="Start, let the user deny, poll twice.",
        card="Start, let the user deny, poll twice. Accepted: access_denied, then access_denied or invalid_grant.",
        outcome="ran",
        duration=0.12,
        steps=[exchange(0.0), Step(at=5.0, label="wait 5 s", event="waited", seconds=5), exchange(5.0)],
    )
    return msgspec.structs.replace(defaults, **changes)


def report(dialect: str = "rfc8628", *, complete: bool = True, suite_error: bool = True) -> Report:
    verdicts = results()
    if dialect == "aws-sso-oidc":
        verdicts = [
            msgspec.structs.replace(
                one,
                source="AWS SSO OIDC model 2019-06-10",
                section="CreateToken",
                requirement=one.requirement.replace("rfc8628", "aws"),
            )
            if one.source == "RFC 8628"
            else one
            for one in verdicts
        ]
    cases = [case(check) for check in dict.fromkeys(one.check for one in verdicts)]
    if suite_error:
        cases.append(
            case(
                "races::test_broken_in_the_suite",
                outcome="suite-error",
                message="Traceback (most recent call last):\n  KeyError: 'no such member'",
                steps=[],
            )
        )
    if not complete:
        return Report(header=header(dialect), cases=tuple(cases), results=tuple(verdicts))
    merged = merge(verdicts)
    footer = Footer(
        finished="2026-03-01T09:30:12Z",
        duration=12.25,
        cases=len(cases),
        exchanges=1312,
        counts=count(merged),
        exit_code=1,
        unexpected=[one.id for one in merged.values() if one.unexpected],
        stale=["rfc8628-3.2-device-code-present (authorization::test_members)"],
        expired=["rfc8628-3.5-access-denied"],
        suite_errors=int(suite_error),
    )
    return Report(header=header(dialect), cases=tuple(cases), results=tuple(verdicts), footer=footer)


def clean(verdict: Verdict = Verdict.PASS) -> Report:
    """A run with one requirement and nothing amiss."""
    one = result("rfc8628-3.1-client-id-required", verdict.label)
    merged = merge([one])
    footer = Footer(
        finished="2026-03-01T09:30:12Z",
        duration=1.0,
        cases=1,
        exchanges=1,
        counts=count(merged),
        exit_code=0,
        unexpected=[],
        stale=[],
        suite_errors=0,
    )
    return Report(header=header(), cases=(case(one.check),), results=(one,), footer=footer)


def assert_in_order(text: str, parts: list[str]) -> None:
    """Each part occurs, after the one before it."""
    place = 0
    for part in parts:
        outcome = text.find(part, place)
        assert outcome >= 0, f"{part!r} is missing after {place}"
        place = outcome + len(part)


def written(folder, report):
    save(report, folder / FILE_NAME)
    return folder


ANSWER = '{"device_code": "<device_code 1>", "interval": 5, "expires_in": 600}'


def begin(answer=ANSWER):
    step = exchange(0.0, path="/device_authorization", status=200, code="ok", answer=answer)
    return msgspec.structs.replace(step, operation="device_authorization")


def poll(at, code="authorization_pending", device_code="<device_code 1>"):
    step = exchange(at, code=code, status=200 if code == "ok" else 400)
    body = step.request.body.replace("<device_code 1>", device_code)
    return msgspec.structs.replace(step, request=msgspec.structs.replace(step.request, body=body))

"""Schemathesis as a source of requests and a judge of responses, over the target's own transport.

It generates cases from the OpenAPI document of the target and follows its links; every request goes out through the
case of the check, so that it is kept, redacted and judged by the invariants like any other.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from device_grant.judging import Judgement, Untestable
from device_grant.judging import Violation as RecognisedExchange
from device_grant.protocol import DEVICE_CODE_GRANT, Operation, Purpose, Request
from device_grant.protocol.openapi import METADATA, document
from device_grant.server.generation.documented import NO_SERVER_ERROR, Documented, request_violations
from device_grant.server.generation.written import BEGIN, START, failures_of, operation_id, written
from device_grant.server.session.device import Grant, seconds
from device_grant.server.session.pace import MARGIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import schemathesis
    from hypothesis.strategies import SearchStrategy

    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

SLOW_DOWN = 5
"""Seconds that slow_down adds to the interval (RFC 8628 section 3.5)."""
MOST_LOST = 20
"""Stories in a row that end without an answer before they are given up."""
REQUESTS_PER_GRANT = 8
"""Generated polls that share one pending device code."""

_LEFT_OUT = object()
"""In place of a genuine value: the member is taken out."""


class Generated:
    """The target's operations as schemathesis sees them."""

    def __init__(self, case: ServerCase) -> None:
        self._case = self.case = case
        self._verify = case.verify
        self._device = _device_of(case)
        endpoints = case.run.endpoints
        urls = {
            Operation.REGISTRATION.value: "" if case.run.claims("registration") is False else endpoints.registration,
            Operation.DEVICE_AUTHORIZATION.value: endpoints.device_authorization,
            Operation.TOKEN.value: endpoints.token,
            METADATA: endpoints.metadata,
        }
        self._urls = {name: url.partition("?")[0].partition("#")[0] for name, url in urls.items()}
        self._sent = urls
        self.document = document(case.run.dialect, self._urls, case.run.target.base)
        self.schema = _load(self.document)
        self._wire = case.run.dialect.parameter
        self._grant: Grant | None = None
        self._polls = 0
        self._lost = 0
        """Stories in a row that ended without an answer."""
        self._lost_now = False
        """Whether that of now has."""
        self._started = 0
        """Device authorizations of the story of now."""
        self._interval = case.run.dialect.default_interval
        """Seconds between polls of the latest device authorization."""
        self._exchanges: dict[str, Exchange] = {}
        self._broken: dict[str, RecognisedExchange] = {}
        """Violations of invariants by case, held back until schemathesis has spoken."""
        self._sightings: dict[str, RecognisedExchange] = {}
        """The first violation of each requirement."""
        self.forbidden: set[str] = set()
        """Cases of a recording, by id, of which schemathesis said that they must not be accepted."""
        self.batch = ""
        """What a recording calls the cases."""

    def strategies(self) -> Iterator[SearchStrategy[schemathesis.Case[Any]]]:
        """One strategy for each operation, first of requests that the document allows, then of others."""
        from schemathesis import GenerationMode

        for result in self.schema.get_all_operations():
            operation = result.ok()
            yield operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
            if operation.body:
                yield operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    def try_out(self, generated: schemathesis.Case[Any], *, genuine: bool) -> None:
        """Send a case and judge the answer; `genuine` puts valid credentials and codes where nothing else is wrong."""
        if genuine:
            self.fill(generated, credentials=True)
        answer = self.send(generated)
        if answer is not None:
            self.judge(generated, answer)

    def fill(self, generated: schemathesis.Case[Any], *, credentials: bool) -> None:
        """Replace generated values by genuine ones, except where the case breaks the document on purpose.

        Without `credentials` those of links stay.
        """
        if not isinstance(generated.body, dict):
            return
        name = operation_id(generated)
        wrong = {violation.member for violation in request_violations(self.document, name, generated.body)}
        genuine = self._genuine(name, generated.body, credentials=credentials)
        body = generated.body | {key: value for key, value in genuine.items() if key not in wrong}
        generated.body = {key: value for key, value in body.items() if value is not _LEFT_OUT}

    def _genuine(self, name: str, body: Mapping[str, Any], *, credentials: bool) -> dict[str, Any]:
        run = self._case.run
        if name == Operation.REGISTRATION:
            valid: dict[str, Any] = json.loads(run.registration_request().content)
            return valid
        if self._device is None:
            return {}
        dialect, client = run.dialect, self._device.client
        collected: dict[str, Any] = {}
        own = dialect.credentials(client)[0].get("client_secret", _LEFT_OUT)
        if credentials or dialect.http_authentication:
            # A public client that sends a secret, and one that sends it in two places, are refused.
            collected = {"client_secret": own}
        if credentials:
            collected |= {"client_id": client.id}
            polls = not dialect.endpoints_are_shared or body.get("grant_type") == DEVICE_CODE_GRANT
            grant = self._pending() if name == Operation.TOKEN and polls else None
            if grant is not None:
                collected |= {"grant_type": DEVICE_CODE_GRANT, "device_code": grant.device_code}
        if name == Operation.DEVICE_AUTHORIZATION:
            collected |= self._device.authorization_members()
        if not dialect.scopes_are_registered:
            collected.setdefault("scope", _LEFT_OUT)
        known = {self._wire(key): value for key, value in collected.items()}
        return {key: value for key, value in known.items() if key in body or key == "deviceCode"}

    def _pending(self) -> Grant | None:
        if self._grant is None or self._polls >= REQUESTS_PER_GRANT:
            self.note(START)
            self.start_pending()
        self._polls += 1
        return self._grant

    def send(self, generated: schemathesis.Case[Any]) -> schemathesis.Response | None:
        """Send a case through the check's own case; None if no response came, or it holds what no encoding has."""
        import requests
        import schemathesis

        name = operation_id(generated)
        try:
            prepared = requests.Request(**generated.as_transport_kwargs(base_url=self._case.run.target.base)).prepare()
        except UnicodeEncodeError:
            # Half of a surrogate pair, in a code or a credential that the server gave.
            return None
        body = generated.body
        client_id = body.get(self._wire("client_id")) if isinstance(body, dict) else None
        request = self._request(name, prepared.headers.get("Content-Type"), prepared.body)
        if self._device is not None and client_id in (None, self._device.client.id):
            request = _authenticated(request, self._case.run.dialect.credentials(self._device.client)[1])
        exchange = self._exchange(generated, request)
        if exchange.response is None:
            # Whether the server or the machine is to blame cannot be told from here.
            self._verify.that(NO_SERVER_ERROR, None, f"{name} gave no response", exchange)
            return None
        headers: dict[str, list[str]] = {}
        for key, value in exchange.response.headers:
            headers.setdefault(key.lower(), []).append(value)
        return schemathesis.Response(
            status_code=exchange.status,
            headers=headers,
            content=exchange.response.content,
            request=prepared,
            elapsed=exchange.elapsed,
            verify=False,
            encoding="utf-8",
        )

    def _exchange(self, generated: schemathesis.Case[Any], request: Request) -> Exchange:
        label = f"schemathesis {request.operation}"
        try:
            exchange = self._case.send(request, label, purpose=Purpose.GENERATED)
        except RecognisedExchange as broken:
            # Both judge each exchange: the invariants' finding is raised when schemathesis has none.
            exchange = self._case.transcript.exchanges[-1]
            self._broken[generated.id] = broken
        self._exchanges[generated.id] = exchange
        return exchange

    def _request(self, name: str, content_type: str | bytes | None, body: str | bytes | None) -> Request:
        headers = [("Accept", "application/json")]
        if name == METADATA:
            return Request("GET", self._sent[name], tuple(headers))
        if content_type is not None:
            text = content_type if isinstance(content_type, str) else content_type.decode("latin-1")
            headers.insert(0, ("Content-Type", text))
        content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body or b""
        return Request("POST", self._sent[name], tuple(headers), content, Operation(name))

    @contextmanager
    def exploring(self) -> Iterator[None]:
        """Within: what was found stands, unshrunk, where answers vary too much for Hypothesis to repeat it."""
        from hypothesis.errors import Flaky

        self._sightings.clear()
        try:
            yield
        except Flaky:
            self._case.note("the server did not answer the same requests in the same way again")
            self._case.record(self._sightings.values())

    def judge(self, generated: schemathesis.Case[Any], answer: schemathesis.Response) -> None:
        """Let schemathesis judge the answer, and claim what it says of requirements."""
        try:
            self._judge(generated, answer)
        except RecognisedExchange as violation:
            self._sightings.setdefault(violation.claim.requirement.id, violation)
            raise

    def _judge(self, generated: schemathesis.Case[Any], answer: schemathesis.Response) -> None:
        from schemathesis.core.failures import AcceptedNegativeData

        exchange = self._exchanges.pop(generated.id)
        name = operation_id(generated)
        documented = Documented(self.document, self._case.run.dialect, name, exchange)
        examined = documented.examined()
        failures = failures_of(generated, answer)
        wrong = [one for failure in failures for one in documented.judgements(failure) if one.requirement]
        # What holds first: what does not may end the example.
        for requirement in sorted(examined - {judgement.requirement for judgement in wrong}):
            self._case.ledger.settle(Judgement(requirement, holds=True).shown_by(exchange))
        for judgement in wrong:
            self._case.ledger.settle(judgement.shown_by(exchange))
        accepted = any(isinstance(failure, AcceptedNegativeData) for failure in failures)
        if generated.id in self.forbidden:
            accepted = exchange.status // 100 in (2, 3)
        self._judge_acceptance(generated, exchange, accepted=accepted)
        broken = self._broken.pop(generated.id, None)
        if broken is not None:
            raise broken

    def _judge_acceptance(self, generated: schemathesis.Case[Any], exchange: Exchange, *, accepted: bool) -> None:
        """Whether what the document forbids was refused."""
        name = operation_id(generated)
        refused = exchange.status // 100 == 4
        if not (accepted or refused):
            return
        sent = generated.body if isinstance(generated.body, dict) else {}
        for violation in request_violations(self.document, name, sent):
            # A client that authenticates by HTTP need not name itself again.
            named = violation.member == "client_id" and exchange.request.header("authorization") is not None
            # RFC 7591 section 3.2.1: a server may put something else in the place of a bad value.
            replaced = (
                name == Operation.REGISTRATION
                and self._case.run.dialect.registration_is_echoed
                and exchange.get(violation.member) != sent.get(violation.member)
            )
            if not violation.requirement or named or (accepted and replaced):
                continue
            what = "absent" if violation.absent else "not as documented"
            self._verify.that(
                violation.requirement,
                not accepted,
                f"{name} was granted although {violation.member} is {what}",
                exchange,
            )

    def workflow(self) -> type[schemathesis.stateful.APIStateMachine]:
        """Schemathesis's state machine along the links: register, start, (the user approves,) poll, refresh."""
        owner = self
        machine: Any = _load(_without_foreign_keys(self.document)).as_state_machine()

        class Workflow(machine):  # type: ignore[misc]  # made at run time from the document
            """One story."""

            rule_order_seed = 0  # else every story begins at the operation whose name comes first

            def setup(self) -> None:
                owner.begin_story()

            def step(self, step_input: Any) -> Any:
                owner.fill(step_input.case, credentials=step_input.transition is None)
                return super().step(step_input)

            def call(self, case: Any, **_: Any) -> Any:
                owner.note(written(case))
                answer = owner.take_step(case)
                if answer is None:
                    from hypothesis import reject

                    owner.lose()
                    reject()
                return answer

            def _repr_step(self, *_: Any) -> str:
                # Nobody reads it, and Hypothesis's own asks for the result of a step that schemathesis keeps none of.
                return ""

            def validate_response(self, response: Any, case: Any, *_: Any, **__: Any) -> None:
                owner.judge(case, response)

        result: type[schemathesis.stateful.APIStateMachine] = Workflow
        return result

    def lose(self) -> None:
        """A request of a story got no answer, which ends it; raises Untestable where one after another ends so."""
        self._lost += 1
        self._lost_now = True
        if self._lost >= MOST_LOST:
            raise Untestable(f"{MOST_LOST} stories in a row ended without an answer")

    def begin_story(self) -> None:
        """One more story along the links."""
        self._lost, self._lost_now = self._lost if self._lost_now else 0, False
        self._case.examples += 1
        self._started = 0
        self.note(BEGIN)

    def note(self, text: str) -> None:
        """Keep a step where the target has a sampler."""
        sampler = self._case.run.target.sampler
        if sampler is not None and text:
            sampler.keep(self.batch, text)

    def take_step(self, step: schemathesis.Case[Any]) -> schemathesis.Response | None:
        """One request of a story, and what the user does after it."""
        self._let_time_pass(step)
        answer = self.send(step)
        if answer is not None:
            self._started += self._let_user_approve(step, every_second=self._started % 2 == 0)
        return answer

    def start_pending(self) -> None:
        """Begin the grant that generated polls share from now on."""
        try:
            self._grant = self._device.start() if self._device else None
        except Untestable:
            self._grant = None  # polls go on with codes that were never issued
        self._polls = 0

    @property
    def _simulated(self) -> bool:
        """Whether waiting costs nothing and the user is no person at a prompt."""
        return self._case.run.target.clock.kind != "real" and self._case.decider is not None

    def _let_time_pass(self, generated: schemathesis.Case[Any]) -> None:
        if self._simulated and operation_id(generated) == Operation.TOKEN:
            self._case.wait(self._interval + MARGIN)

    def _let_user_approve(self, generated: schemathesis.Case[Any], *, every_second: bool) -> bool:
        exchange = self._exchanges[generated.id]
        if exchange.code == "slow_down":
            self._interval += SLOW_DOWN
        started = exchange.request.operation is Operation.DEVICE_AUTHORIZATION and exchange.outcome.ok
        if started:
            self._interval = seconds(exchange.get("interval"), self._case.run.dialect.default_interval)
        issued = started and self._device is not None and isinstance(exchange.get("device_code"), str)
        if issued and every_second and self._simulated:
            assert self._device is not None
            self._device.user.try_to("approve", Grant(self._device, exchange))
        return started


def _device_of(case: ServerCase) -> Device | None:
    """A device whose client is known to the target; None where no client can be had: all credentials are made up."""
    try:
        return case.device
    except Untestable:
        return None


def _authenticated(request: Request, authorization: str) -> Request:
    """The request with the Authorization header of a client that authenticates by one; empty: it does not."""
    if not authorization or request.operation not in (Operation.DEVICE_AUTHORIZATION, Operation.TOKEN):
        return request
    return replace(request, headers=(*request.headers, ("Authorization", authorization)))


def _load(described: Mapping[str, Any]) -> Any:
    import schemathesis

    # Not the configuration that happens to lie in the working directory. Credentials are ours to put in, and links
    # are those of the document: what schemathesis infers besides rests on naming.
    config = schemathesis.Config.from_dict(
        {
            "generation": {"with-security-parameters": False},
            "phases": {"stateful": {"inference": {"algorithms": []}}},
        }
    )
    return schemathesis.openapi.from_dict(dict(described), config=config)


def _without_foreign_keys(described: dict[str, Any]) -> dict[str, Any]:
    """The document without the member that schemathesis takes for the key of something which nobody creates here.

    It would never begin a story with such an operation.
    """
    collected: dict[str, Any] = json.loads(json.dumps(described))
    for schema in collected["components"]["schemas"].values():
        schema.get("properties", {}).pop("entitledApplicationArn", None)
    return collected

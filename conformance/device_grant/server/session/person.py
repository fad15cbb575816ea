"""The user of a grant at the verification page: decides as the user module does, each time in a browser of its own."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from device_grant.browser.page import THROTTLED
from device_grant.judging import Judgement, Untestable, UserModuleBroke
from device_grant.protocol.events import Decided, DecisionRefused, Mistyped, PageLoaded
from device_grant.server.session.browsing import browser_at
from device_grant.targets.ports import Nobody, UserError, UserModuleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Grant

_FRESH = 2.0
"""Seconds for which a grant that nothing was done with counts as just begun."""
_SERVER_ERRORS = range(500, 600)


class NobodyDecidesError(Untestable):
    """Nobody decides, or no longer: the pages were asked for nothing."""


class DecisionNotTakenError(Untestable):
    """The pages did not let the user decide."""

    def __init__(self, reason: str, broken: Sequence[httpx.Response]) -> None:
        super().__init__(reason)
        self.status = broken[-1].status_code if broken else 0
        """Of the page that broke last; 0 where none did."""


class Person:
    """The user at the verification page, with the target's cookies of a fresh browser for each decision."""

    def __init__(self, case: ServerCase) -> None:
        self._case = case

    def approve(self, grant: Grant) -> None:
        """Allow; raises Untestable if there is no user or the pages do not let them."""
        self._decide_in_time("approve", grant)

    def deny(self, grant: Grant) -> None:
        """Refuse."""
        self._decide_in_time("deny", grant)

    def try_to(self, action: str, grant: Grant) -> str:
        """Attempt a decision that the page may refuse; returns the page's complaint, empty if it went through."""
        try:
            self._decide(action, grant)
        except (UserModuleBroke, NobodyDecidesError):
            raise
        except Untestable as refused:
            return str(refused)
        return ""

    def mistype(self, grant: Grant) -> str:
        """Try to approve with two letters of the code swapped; returns the page's complaint, empty if it had none.

        Does nothing where the code has no two letters that differ, or is part of no address that leads to the page.
        """
        typed, complete = swapped(grant.user_code), grant.verification_uri_complete
        user = self._case.decider
        if user is None or typed == grant.user_code or (complete and grant.user_code not in complete):
            return "nothing to mistype"
        self._case.run.secrets.register("mistyped_user_code", typed)
        self._case.transcript.append(Mistyped(self._case.now(), grant.name))
        view = replace(
            grant.view,
            user_code=typed,
            verification_uri_complete=complete and complete.replace(grant.user_code, typed),
        )
        try:
            with browser_at(self._case.run, patient=False) as browser:
                user.approve(browser, view)
        except (UserError, UserModuleError) as refused:
            # A user module need not know what the page says to a wrong code.
            self._case.transcript.append(DecisionRefused(self._case.now(), "approve", str(refused)))
            return str(refused) or "refused"
        return ""

    def _decide_in_time(self, action: str, grant: Grant) -> None:
        """Decide; where the pages had the user wait until a fresh code was over, decide on another one."""
        fresh = self._case.now() - grant.started < _FRESH and grant.last_request == grant.started
        try:
            self._decide(action, grant)
        except DecisionNotTakenError as refused:
            if not fresh or grant.time_left > 0:
                self._case.run.user.refused(str(refused), refused.status)
                raise
            self._case.note("the pages had the user wait until the code was over: another one is taken")
            grant.renew()
            self._decide(action, grant)

    def _decide(self, action: str, grant: Grant) -> None:
        case, run = self._case, self._case.run
        user = case.decider
        if user is None:
            raise NobodyDecidesError(run.why_nobody(case.check.name))
        case.transcript.append(Decided(case.now(), action, grant.name))
        broken: list[httpx.Response] = []
        client = grant.device.client.id
        try:
            # The first decision of a user for a client makes what later ones find.
            with case.with_user(alone=not run.user.has_decided(client)), browser_at(run) as browser:
                browser.saw = lambda response: broken.append(response) if _is_broken(response) else None
                (user.approve if action == "approve" else user.deny)(browser, grant.view)
        except UserModuleError as error:
            raise UserModuleBroke(str(error)) from error
        except Nobody as reason:
            raise NobodyDecidesError(str(reason)) from None
        except UserError as refused:
            case.transcript.append(DecisionRefused(case.now(), action, str(refused)))
            grant.missed()
            self._tell(action, broken)
            raise DecisionNotTakenError(f"the user could not {action}: {refused}", broken) from None
        self._tell(action, broken)
        run.user.decided(client)
        grant.took(action)

    def _tell(self, action: str, broken: Sequence[httpx.Response]) -> None:
        """Say of a page that it broke when the user did nothing but what it is for."""
        for response in broken[-1:]:
            loaded = page_loaded(self._case.now(), response)
            self._case.transcript.append(loaded)
            self._case.tell_invariant(
                "invariants::no_server_error",
                Judgement(
                    "rfc9110-15.6-no-5xx-on-client-error",
                    holds=False,
                    problem=f"a page answered {response.status_code} when the user would {action}",
                    exchanges=(loaded,),
                    got=loaded.describe(),
                    # It breaks no client: the person can try again, and the device goes on polling.
                    tolerated=True,
                ),
            )


def swapped(code: str) -> str:
    """The code with the last two neighbouring letters or digits that differ swapped, as a hasty person types it."""
    places = [place for place, character in enumerate(code) if character.isalnum()]
    for first, second in reversed(list(pairwise(places))):
        if code[first].upper() != code[second].upper():
            return code[:first] + code[second] + code[first + 1 : second] + code[first] + code[second + 1 :]
    return code


def page_loaded(at: float, response: httpx.Response) -> PageLoaded:
    """The event of an answer to a browser; its address is without the query, which may hold codes."""
    url = response.request.url
    return PageLoaded(at, response.request.method, f"{url.scheme}://{url.host}{url.path}", response.status_code)


def _is_broken(response: httpx.Response) -> bool:
    return response.status_code in _SERVER_ERRORS and response.status_code not in THROTTLED

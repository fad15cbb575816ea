"""What a person who decides by hand is asked for: the checks that whole decisions settle, the most telling first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.targets.ports import Nobody

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import httpx

    from device_grant.targets.ports import GrantView, Pages, User
    from device_grant.targets.users.prompt import PromptUser

MAIN_PATH = "main_path::test_main_path"
"""Asks a person only where it is all that is asked for, as by `device-grant doctor`: the checks ask for the same."""
_ELSEWHERE = (
    "nobody is asked by hand for this check, which takes many decisions or a browser of the suite's own: "
    "use --login NAME or a user module"
)


@dataclass(frozen=True)
class Errand:
    """Why a check asks."""

    decisions: int
    """How often it asks, where everything goes as it should: a control may ask once more."""
    shows: str
    """What the decisions show, said to the person."""


PLAN: Mapping[str, Errand] = {
    MAIN_PATH: Errand(2, "that an approval brings a token, and a denial an end"),
    "user_decision::test_approval": Errand(1, "that an approval brings a token"),
    "user_decision::test_denial_is_final": Errand(2, "that a denial ends the grant for good"),
    "one_time_use::test_replay": Errand(1, "that a code brings one token"),
    "refresh::test_refresh": Errand(1, "that tokens are refreshed"),
    "user_decision::test_code_of_another_client": Errand(1, "that another client cannot redeem the code"),
    "user_decision::test_only_the_right_code_is_approved": Errand(1, "that one of two codes is approved"),
    "polling::test_hasty_poll_does_not_lose_the_token": Errand(1, "that a hasty poll loses no token"),
    "client_authentication::test_approved_code_needs_the_secret": Errand(1, "that a wrong secret redeems nothing"),
    "tokens::test_each_login_asks_the_user": Errand(1, "that a second login is asked for again"),
    "tokens::test_scope_of_create_token": Errand(1, "that a scope at the token endpoint changes nothing"),
    "verification_page::test_user_can_begin_at_the_short_address": Errand(1, "that the short address is enough"),
    "verification_page::test_user_can_approve_and_deny": Errand(2, "that the pages let you do both"),
    "user_decision::test_slow_down_means_pending": Errand(1, "that a denial is told as such"),
    "polling::test_slow_down_is_survived": Errand(1, "that slow_down loses no token"),
    "polling::test_get_at_the_token_endpoint": Errand(1, "that a GET redeems nothing"),
    "refresh::test_reused_code_revokes": Errand(2, "what a code that is used twice does to its tokens"),
    "refresh::test_replayed_refresh_token": Errand(1, "what a replayed refresh token does"),
    "refresh::test_refresh_by_another_client": Errand(1, "that another client cannot refresh"),
    "refresh::test_refresh_by_another_authenticated_client": Errand(1, "that another client cannot refresh"),
    "refresh::test_refresh_needs_the_secret": Errand(1, "that a refresh needs the secret"),
    "refresh::test_refresh_without_token": Errand(1, "that a refresh needs its token"),
    "refresh::test_altered_refresh_token": Errand(2, "that an altered refresh token is refused"),
    "scope::test_refresh_for_less_scope": Errand(1, "that a refresh may ask for less"),
    "scope::test_refresh_for_more_scope": Errand(1, "that a refresh brings no more"),
    "user_codes::test_code_in_the_other_case": Errand(2, "how codes may be typed"),
    "user_codes::test_code_with_other_punctuation": Errand(3, "how codes may be typed"),
    "user_codes::test_code_with_stray_characters": Errand(3, "how codes may be typed"),
    "user_codes::test_code_with_a_look_alike": Errand(2, "how codes may be typed"),
    "expiry::test_approved_code_expires_too": Errand(1, "that an approved code expires as well"),
}
"""Checks by name, in the order in which a person is asked."""
FIRST = ("user_decision::test_approval", "user_decision::test_denial_is_final", "one_time_use::test_replay")
"""Those that together are a first verdict worth having."""


class ByHand:
    """Lets the checks of the plan have the person at the terminal, and no others."""

    def __init__(self, user: User, prompt: PromptUser) -> None:
        """`prompt` asks; `user` is the one that is called: the same, or what keeps its decisions."""
        self._user, self._prompt = user, prompt
        self._asked = frozenset(PLAN) - {MAIN_PATH}
        self.most = math.inf
        """For how many decisions the person is asked at most."""
        self._made = 0

    def expect(self, checks: Collection[str]) -> None:
        """Only the checks of these names are going to be run: say how many decisions that makes."""
        self._asked = frozenset(checks) & frozenset(PLAN)
        total = sum(PLAN[name].decisions for name in self._asked)
        self._prompt.expect(total, sum(PLAN[name].decisions for name in self._asked.intersection(FIRST)))

    def asks(self, check: str) -> bool:
        """Whether the check asks."""
        return check in self._asked

    def user_for(self, check: str) -> User | None:
        """Who decides for a check; None where nobody does."""
        if not self.asks(check) or self._prompt.skipped:
            return None
        return _Sent(self, self._user, self._prompt, PLAN[check].shows)

    def take_one(self) -> None:
        """One decision is asked for; raises Nobody where that is too many."""
        if self._made >= self.most:
            raise Nobody(f"{self.most:g} decisions were asked for, and no more are (--polite)")
        self._made += 1

    def why_nobody(self, check: str) -> str:
        """Why nobody decides for it."""
        return self._prompt.skipped if self.asks(check) else _ELSEWHERE


def turn(check: str) -> int:
    """Where a check stands in the plan; those that ask nobody come after it."""
    return next((place for place, name in enumerate(PLAN) if name == check), len(PLAN))


class _Sent:
    """The person, sent to decide for one check."""

    pages: Pages | None = None

    def __init__(self, by_hand: ByHand, user: User, prompt: PromptUser, shows: str) -> None:
        self._by_hand, self._user, self._prompt, self._shows = by_hand, user, prompt, shows

    def approve(self, http: httpx.Client, grant: GrantView) -> None:
        self._by_hand.take_one()
        with self._prompt.about(self._shows):
            self._user.approve(http, grant)

    def deny(self, http: httpx.Client, grant: GrantView) -> None:
        self._by_hand.take_one()
        with self._prompt.about(self._shows):
            self._user.deny(http, grant)

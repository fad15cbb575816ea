"""Codes that are over before a browser comes to the question, and pages that are put off: that is no question."""

import pytest
from peer_rfc import Honest
from peer_verdicts import verdicts
from support.needs import needs

from device_grant.catalogue import Verdict

pytestmark = needs("chromium")
WARNING, WARNS = "decision_browser::test_warning_in_a_browser", "rfc10027-6.1.14-warns-of-unrequested"
HASTE, ENTER = "decision_browser::test_hasty_keys", "rfc10027-6.1.14-enter-does-not-grant"


class Forgets(Honest):
    """Has forgotten every code when one is typed, as a server that keeps few does in a crowd."""

    def code_page(self, request):
        self.grants.clear()
        return super().code_page(request)


class LetsOneThrough(Honest):
    """Answers 429 to whoever asks for the page again within a minute, as where everything comes from one address."""

    asked = 0

    def code_page(self, request):
        self.asked += 1
        return super().code_page(request) if self.asked == 1 else self.message(429, "slower", ("Retry-After", "60"))


class LetsTwoThrough(LetsOneThrough):
    asked = -1


class Careless(Honest):
    words = Honest.words | {"unasked": "", "compare": "The code:"}


@pytest.mark.parametrize(
    ("peer", "check", "requirement", "verdict"),
    [
        (Honest, WARNING, WARNS, Verdict.PASS),
        (Careless, WARNING, WARNS, Verdict.WARN),
        (Forgets, WARNING, WARNS, Verdict.INCONCLUSIVE),
        (LetsTwoThrough, WARNING, WARNS, Verdict.INCONCLUSIVE),
        (Honest, HASTE, ENTER, Verdict.PASS),
        (Forgets, HASTE, ENTER, Verdict.INCONCLUSIVE),
        (LetsOneThrough, HASTE, ENTER, Verdict.INCONCLUSIVE),
    ],
)
def test_a_question_that_was_not_reached_is_not_judged(peer, check, requirement, verdict, tmp_path):
    assert verdicts(peer, check, tmp_path)[requirement] is verdict

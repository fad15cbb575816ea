"""Names of clients in pictures, and ways to refuse that are links, or that nobody sees (RFC 10027 section 6.1.14)."""

from __future__ import annotations

import html

import pytest
from peer_rfc import Honest
from peer_verdicts import verdicts
from support.needs import needs

from device_grant.catalogue import Verdict

NAMES = "verification_page::test_confirmation_names_the_client"
CONTEXT = "words::test_context_of_the_decision"
SHOWN, DECIDED = "rfc8628-5.4-display-device-info", "rfc10027-6.1.14-context-on-decision-page"
PROMINENT = "decision_browser::test_refusing_is_as_prominent"
DECLINE = "rfc10027-6.1.14-decline-is-prominent"


class Pictured(Honest):
    """Says who asks in a way of its own."""

    def page(self, status, title, body, *headers):
        answer = super().page(status, title, body, *headers)
        # So that styles of elements count.
        answer.headers = [pair for pair in answer.headers if pair[0] != "Content-Security-Policy"]
        return answer

    def question(self, request, grant):
        wants = f"<p>{self.who(grant.client)} wants access with: {grant.scope}. {self.words['unasked']}</p>"
        code = f"<p>{self.words['compare']} <strong>{html.escape(grant.user_code)}</strong></p>"
        return self.page(200, self.words["confirm"], wants + code + self.decision_form(request, grant))

    def who(self, client):
        return html.escape(client.name)


class NameInsteadOfAPicture(Pictured):
    def who(self, client):
        return f'<img src="/logos/{client.id}" alt="{html.escape(client.name)}">'


class LogoOfTheClient(Pictured):
    def who(self, client):
        return f'<img src="/logos/{client.id}">'


class DrawnInThePage(Pictured):
    def who(self, client):
        return f'<svg viewBox="0 0 9 9"><path d="M{sum(client.name.encode())}"/></svg>'


class LogoByStyle(Pictured):
    def who(self, client):
        return f'<span style="background-image: url(/logos/{client.id})"></span>'


class LogoOfTheServer(Pictured):
    """Names the client nowhere."""

    def who(self, _client):
        return '<img src="/logo" alt="Our logo"><svg><path d="M0"/></svg> A device'


class InFrench(LogoOfTheServer):
    words = Honest.words | {"lang": "fr", "confirm": "Est-ce votre appareil ?", "allow": "Autoriser", "deny": "Refuser"}


class NamedInFrench(Pictured):
    words = InFrench.words


@pytest.mark.parametrize(
    ("peer", "verdict"),
    [
        (NameInsteadOfAPicture, Verdict.PASS),
        (NamedInFrench, Verdict.PASS),
        (LogoOfTheClient, Verdict.INCONCLUSIVE),
        (DrawnInThePage, Verdict.INCONCLUSIVE),
        (LogoByStyle, Verdict.INCONCLUSIVE),
        (LogoOfTheServer, Verdict.WARN),
        (InFrench, Verdict.WARN),
    ],
)
def test_who_asks(peer, verdict, tmp_path):
    assert verdicts(peer, NAMES, tmp_path)[SHOWN] is verdict
    assert verdicts(peer, CONTEXT, tmp_path)[DECIDED] is verdict


class RefusesByALink(Pictured):
    style = ""

    def decision_form(self, request, grant):
        allow, _, rest = super().decision_form(request, grant).partition('<button name="decision" value="deny">')
        assert rest
        return f'{allow}</form><a {self.style} href="/refuse?code={grant.user_code}">{self.words["deny"]}</a>'


class AloneInFrench(RefusesByALink):
    words = InFrench.words


class Styled(Pictured):
    style = ""

    def decision_form(self, request, grant):
        form = super().decision_form(request, grant)
        return form.replace('value="deny"', f'value="deny" {self.style}')


class NotShown(Styled):
    style = "hidden"


class LeftOfThePage(Styled):
    style = 'style="position: absolute; left: -9999px"'


class OnePixel(Styled):
    style = 'style="position: absolute; width: 1px; height: 1px; padding: 0; overflow: hidden; clip-path: inset(50%)"'


class Transparent(Styled):
    style = 'style="opacity: 0"'


class HiddenLink(RefusesByALink):
    style = 'style="visibility: hidden"'


class HiddenTwin(Styled):
    """Has a second one that is hidden, as pages for small windows have."""

    def decision_form(self, request, grant):
        deny = f'<button hidden name="decision" value="deny">{self.words["deny"]}</button></form>'
        return super().decision_form(request, grant).replace("</form>", deny)


class AnotherWord(Styled):
    """Has one that is shown, by a word that nobody here knows."""

    style = "hidden"

    def decision_form(self, request, grant):
        return super().decision_form(request, grant).replace("</form>", "<button>Kthehu</button></form>")


@needs("chromium")
@pytest.mark.parametrize(
    ("peer", "verdict"),
    [
        (RefusesByALink, Verdict.PASS),
        (HiddenTwin, Verdict.PASS),
        (AloneInFrench, Verdict.PASS),
        (AnotherWord, Verdict.INCONCLUSIVE),
        (NotShown, Verdict.WARN),
        (LeftOfThePage, Verdict.WARN),
        (OnePixel, Verdict.WARN),
        (Transparent, Verdict.WARN),
        (HiddenLink, Verdict.WARN),
    ],
)
def test_how_one_refuses(peer, verdict, tmp_path):
    assert verdicts(peer, PROMINENT, tmp_path)[DECLINE] is verdict

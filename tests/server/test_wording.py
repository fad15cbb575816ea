"""Whether the words of a page can be judged by English ones, and what they say; pages of real servers among them."""

import pytest

from device_grant.browser.markup import read_markup
from device_grant.server.pages.wording import DEVICE, FAREWELL, POSSESSION, unread

JUDGED = [
    "<h1>Grant Access</h1><p>Television would like to:</p><p>Have offline access</p><button>Cancel</button>",
    "<h1>Login Successful for Television</h1><p>Return to your device to continue</p>",
    "<p>Done: your device is connected.</p>",
    "<html lang=en><p>OK</p></html>",
    "<p>Sie sind fertig.</p><p>Please close this window and return to the app.</p>",
]
NOT_JUDGED = [
    ("<p>Fertig. Kehren Sie zu Ihrem Gerät zurück.</p>", "it cannot be told whether the last page is in English"),
    ("<p>OK</p>", "it cannot be told whether the last page is in English"),
    ("<p>Login: Device Code. Abbrechen, Weiter.</p>", "it cannot be told whether the last page is in English"),
    ("<p>Connexion en cours, fermez la page ; continuez sur la TV.</p>", "it cannot be told whether"),
    ("<html lang=de><p>Return to your device.</p></html>", "the last page is not in English but in 'de'"),
]


@pytest.mark.parametrize("html", JUDGED)
def test_short_pages_are_english_by_what_they_say(html):
    assert unread(read_markup(html), "the last page", FAREWELL) == ""


@pytest.mark.parametrize(("html", "reason"), NOT_JUDGED)
def test_what_cannot_be_read_is_said(html, reason):
    assert unread(read_markup(html), "the last page", FAREWELL).startswith(reason)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Verify that this code matches what is shown on your device.", True),
        ("Check that the code is the same as on the television.", True),
        ("Compare it with the code on your screen.", True),
        ("Enter the code displayed on your device.", False),
        ("A device wants access. The code was shown on your device.", False),
    ],
)
def test_a_comparison_asks_whose_device_it_is(text, asks):
    assert (POSSESSION.search(text) is not None) == asks
    assert DEVICE.search(text) or "screen" in text

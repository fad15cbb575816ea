"""Whether pages warn of a code that one did not ask for, by sentences that honest and careless pages have."""

import pytest

from device_grant.server.checks.cross_device.reading import sentences, warns

WARNING = "<p>If you did not start this, close this page.</p>"


@pytest.mark.parametrize(
    "text",
    [
        "If you did not request this code, do not continue.",
        "Did you start this yourself? If not, deny.",
        "Only continue if you started this on your own device.",
        "Do not enter a code that someone else sent you.",
        "Never approve a sign-in you don't recognize.",
        "Continue only if you trust this application.",
        "Somebody you do not know gave you this code? Cancel the request.",
        "Unexpected? Ignore it and close this window.",
        "Wenn Sie das nicht selbst begonnen haben, lehnen Sie ab.",
    ],
)
def test_a_warning_joins_what_one_did_not_do_with_what_to_do_then(text):
    assert warns(sentences(f"<h1>Connect</h1><p>{text}</p><p>Code: ABCD</p>")) is True


@pytest.mark.parametrize(
    "text",
    [
        "Enter the code shown on your device. Capitals do not matter.",
        "A device asks for access. Allow or cancel?",
        "Do not share your password.",
        "Lamp wants to read your mail. Deny",
        "",
    ],
)
def test_instructions_are_no_warning(text):
    assert warns(sentences(f"<p>{text}</p>")) is False


@pytest.mark.parametrize("text", ["Go on only if it is in front of you.", "Beware of scams.", "Did you start this?"])
def test_caution_in_other_words_is_for_a_reader(text):
    assert warns(sentences(f"<p>{text}</p>")) is None


@pytest.mark.parametrize(
    "html",
    [
        f"<div hidden>{WARNING}</div>",
        f"<div style='color: red; display:none'>{WARNING}</div>",
        f"<div style='visibility: hidden'>{WARNING}</div>",
        f"<noscript>{WARNING}</noscript>",
        f"<template>{WARNING}</template>",
        f"<script>document.title = '{WARNING}'</script>",
        f"<dialog>{WARNING}</dialog>",
        f"<!-- {WARNING} -->",
        "<title>If you did not start this, close this page.</title>",
        "<input type=hidden value='If you did not start this, close this page.'>",
    ],
)
def test_what_nobody_sees_warns_nobody(html):
    assert warns(sentences(f"<p>A device asks.</p>{html}<p>Allow?</p>")) is False


def test_words_far_from_each_other_are_no_warning():
    page = "<p>You did not ask for mail.</p><p>One.</p><p>Two.</p><p>Close the window.</p>"
    assert warns(sentences(page)) is None


def test_a_picture_says_what_stands_for_it():
    assert warns(sentences("<img alt='If you did not start this, close this page.'>")) is True


def test_a_sentence_goes_on_through_emphasis():
    assert sentences("<p>Do <b>not</b> go on.</p>Then<br>stop") == ["Do not go on.", "Then", "stop"]

"""A person without code at pages that differ in how they ask: which button allows, which refuses."""

import pytest
from support.sites import ACCOUNT, CODE, DONE, GRANT, HOST, SIGN_IN, TYPE, Site, asking, form

from device_grant.targets import GrantView, UserError
from device_grant.targets.users.login import LoginUser

LANGUAGES = {
    "en": ("Allow", "Deny"),
    "en, no firm word": ("Yes, continue", "Cancel"),
    "en, negated": ("Allow", "Do not allow"),
    "en, shouted": ("AUTHORIZE", "DON'T AUTHORIZE"),
    "de": ("Zulassen", "Ablehnen"),
    "de, negated": ("Zugriff erlauben", "Zugriff nicht erlauben"),
    "fr": ("Autoriser", "Refuser"),
    "es": ("Permitir", "Denegar"),
    "pt": ("Autorizar", "Cancelar"),
    "it": ("Consenti", "Rifiuta"),
    "nl": ("Toestaan", "Weigeren"),
    "sv": ("Godkänn", "Neka"),
    "pl": ("Zezwól", "Odmów"),
    "cs": ("Povolit", "Zamítnout"),
    "tr": ("İzin ver".lower(), "Reddet"),
    "ru": ("Разрешить", "Отклонить"),
    "ja": ("許可", "拒否"),
    "ja, negated": ("許可する", "許可しない"),
    "zh": ("同意授权", "拒绝"),
    "zh, negated": ("允许", "不允许"),
    "ko": ("허용", "거부"),
    "ar": ("السماح", "رفض"),
}


@pytest.mark.parametrize("action", ["approve", "deny"])
@pytest.mark.parametrize("words", LANGUAGES.values(), ids=LANGUAGES)
@pytest.mark.parametrize("refusal_first", [True, False])
def test_buttons_are_told_by_their_words(words, action, refusal_first):
    yes, no = (f'<button name="a" value="{value}">{word}</button>' for word, value in zip(words, "10", strict=True))
    site = asking(form("/decide", no + yes if refusal_first else yes + no))
    site.decide(action)
    assert site.last["a"] == ("1" if action == "approve" else "0")


TWO_FORMS = form("/decide", '<input type="hidden" name="d" value="no"><button>Reject') + form(
    "/decide", '<input type="hidden" name="d" value="yes"><button>Grant access'
)
INPUTS = form("/decide", '<input type="submit" name="d" value="no"><input type="submit" name="d" value="yes">')
BY_NAME = form(
    "/decide", '<button name="d" value="no" id="cancel">✕</button><button name="d" value="yes" id="accept">✓'
)
FORMACTION = form(
    "/nowhere",
    '<button formaction="/decide?x" name="d" value="no">Deny</button>',
    '<button formaction="/decide" name="d" value="yes">Allow',
)
OUTSIDE = (
    form("/decide", '<input type="hidden" name="t" value="1">', more='id="f"')
    + '<button form="f" name="d" value="no">Deny</button><button form="f" name="d" value="yes">Allow</button>'
)
RADIO = form(
    "/decide",
    '<label><input type="radio" name="d" value="yes" checked> Allow access</label>',
    '<label><input type="radio" name="d" value="no"> Do not allow access</label><button>Submit',
)
RADIO_IN_GERMAN = form(
    "/decide",
    '<input type="radio" name="d" value="no" id="n"><label for="n">Ablehnen</label>',
    '<input type="radio" name="d" value="yes" id="y"><label for="y">Zulassen</label>',
    '<input type="submit" value="Absenden"><button type="reset">Abbrechen</button>',
)
OPTIONAL_FIELD = form(
    "/decide",
    '<input name="device_name" placeholder="Name of the TV">',
    '<button name="d" value="no">Deny</button><button name="d" value="yes">Allow</button>',
)
HANDLERS = (
    "<script>function refuse() { document.getElementById('d').value = 'no'; document.forms[0].submit(); }</script>"
    + form(
        "/decide",
        '<input type="hidden" name="d" id="d" value="yes"><button type="button" onclick="refuse()">Cancel</button>',
        "<button>Authorize",
    )
)
HANDLED = (
    "<button onclick=\"location.href='./say?d=no'\">Deny</button>"
    "<button onclick=\"window.location = '/say?d=yes'\">Allow</button>"
)
LOGOUT_FIRST = form("/logout", "<button>Continue to sign out") + INPUTS


@pytest.mark.parametrize("action", ["approve", "deny"])
@pytest.mark.parametrize(
    "question",
    {
        "two forms": TWO_FORMS,
        "inputs": INPUTS,
        "by name": BY_NAME,
        "formaction": FORMACTION,
        "outside": OUTSIDE,
        "radio": RADIO,
        "radio, de": RADIO_IN_GERMAN,
        "optional field": OPTIONAL_FIELD,
        "handlers": HANDLERS,
        "logout first": LOGOUT_FIRST,
    }.values(),
)
def test_both_decisions_are_found(question, action):
    site = asking(question)
    site.decide(action)
    assert site.places == ["GET /device", "POST /code", "POST /decide"]
    assert site.last["d"] == ("yes" if action == "approve" else "no")


@pytest.mark.parametrize("action", ["approve", "deny"])
@pytest.mark.parametrize(
    "question",
    [
        '<a href="/about">About</a><a href="/say?d=no">Deny</a><a href="/say?d=yes">Allow</a>',
        HANDLED,
    ],
    ids=["links", "handlers"],
)
def test_a_decision_by_links(question, action):
    site = asking(question, GET_say=DONE)
    site.decide(action)
    assert site.last["d"] == ("yes" if action == "approve" else "no")


def test_a_link_refuses_beside_a_button_that_allows():
    site = asking(form("/decide", "<button>Authorize") + '<a href="/no?d=no">Cancel</a>', GET_no="<p>Cancelled.</p>")
    site.decide("deny")
    assert site.places[-1] == "GET /no"


def test_approving_ticks_the_scopes_and_leaves_what_is_for_later():
    boxes = '<input type="checkbox" name="s" value="a"><input type="checkbox" name="remember" checked-not value="1">'
    site = asking(form("/decide", boxes, "<button>Allow</button><button name=d value=no>Deny"))
    site.decide("approve")
    assert site.last == {"s": "a"}
    site.decide("deny")
    assert site.last == {"d": "no"}


@pytest.mark.parametrize(
    ("buttons", "pressed"),
    [
        ("<button name=s value=no>No</button><button name=s value=yes>Yes</button>", "yes"),
        ("<button name=s value=back>Cancel</button><button name=s value=yes>Deny</button>", "yes"),
    ],
)
def test_who_refuses_is_sure(buttons, pressed):
    question = form("/decide", "<button>Allow</button><button name=d value=no>Deny")
    site = asking(question, done="<p>Are you sure?</p>" + form("/sure", buttons), POST_sure="<p>You refused.</p>")
    site.decide("deny")
    assert site.places[-1] == "POST /sure"
    assert site.last["s"] == pressed


def test_a_consent_after_a_confirmation():
    site = asking(
        form("/decide", "<button>Continue</button><button name=abort value=1>[ Abort ]"),
        done="<p>The app wants your mail.</p>" + form("/consent", "<button>Continue"),
        POST_consent=DONE,
    )
    site.decide("approve")
    assert site.places[-1] == "POST /consent"
    site.decide("deny")
    assert site.places[-1] == "POST /decide"
    assert site.last == {"abort": "1"}


def test_nothing_is_pressed_and_followed_after_the_decision():
    after = DONE + '<a href="/sites">Manage approved sites</a>' + form("/code", "<input name=user_code><button>Connect")
    site = asking(form("/decide", "<button>Allow</button><button>Deny"), done=after)
    site.decide("approve")
    assert site.places == ["GET /device", "POST /code", "POST /decide"]


def test_words_of_no_known_language_allow_by_position_and_refuse_by_none():
    site = asking(form("/decide", "<button name=d value=1>Baimena eman</button><button name=d value=2>Ukatu"))
    site.decide("approve")
    assert site.last == {"d": "1"}
    with pytest.raises(UserError, match=r"no button to refuse was found.*name deny in \[user\.pages\]"):
        site.decide("deny")


def test_a_page_without_a_refusal_says_so_and_nothing_is_allowed():
    site = asking(form("/decide", "<button>Authorize"))
    with pytest.raises(UserError, match=r"no button to refuse was found; name deny.*'authorize'"):
        site.decide("deny")
    assert site.places[-1] == "POST /code"


def test_selectors_say_what_words_do_not():
    question = form("/decide", '<button class="a" name=d value=1>Baimena</button><button class="b" name=d value=2>Ez')
    user = LoginUser(ACCOUNT, selectors={"approve": "form .b", "deny": "button.a"})
    site = asking(question)
    site.decide("approve", user)
    assert site.last == {"d": "2"}
    site.decide("deny", user)
    assert site.last == {"d": "1"}


@pytest.mark.parametrize(
    ("done", "complaint"),
    [
        ("<p>This request has expired.</p>", "not accepted at /decide .200.: This request has expired"),
        ("<p>The device could not be authorized: not authorized.</p>", "not accepted"),
        ("500 <p>Oops</p>", "not accepted at /decide .500.: Oops"),
        ("<p>Die Anfrage ist abgelaufen.</p>", "not accepted"),
        ("<p>Too many requests, slow down</p>", "want the person to wait"),
        (form("/decide", "<button>Allow</button><button>Deny"), "came again"),
    ],
)
def test_a_decision_that_the_page_does_not_take_is_a_complaint(done, complaint):
    with pytest.raises(UserError, match=complaint):
        asking(form("/decide", "<button>Allow</button><button>Deny"), done=done).decide("approve")


@pytest.mark.parametrize("action", ["approve", "deny"])
def test_a_page_that_goes_on_asking_takes_no_decision(action):
    more = form("/more", '<input name="note" required><button>Authorize')
    site = asking(form("/decide", "<button>Allow</button><button>Deny"), done="<p>One more thing</p>" + more)
    with pytest.raises(UserError, match=r"not accepted at /more|asks again after the refusal"):
        site.decide(action)


@pytest.mark.parametrize(
    "done", ["400 <p>access_denied</p>", "500 <p>rejected</p>", "<p>You cancelled it.</p>", "-> /device"]
)
def test_a_refusal_may_be_answered_by_any_page(done):
    asking(form("/decide", "<button>Allow</button><button>Deny"), done=done).decide("deny")


def test_opening_the_page_may_be_the_decision():
    site = Site({"GET /device": "<p>Device verified!</p>"})
    site.decide("approve")
    with pytest.raises(UserError, match="no button to refuse was found"):
        site.decide("deny")


def test_who_cannot_refuse_is_led_to_the_end_and_not_around():
    end = DONE + form("/device", "<button>Continue", method="get")
    site = asking(form("/go", "<button>Continue"), POST_go=end)
    site.decide("approve")
    assert site.places[-1] == "POST /go"
    with pytest.raises(UserError, match="no button to refuse was found"):
        site.decide("deny")


def test_a_success_of_signing_in_and_a_menu_are_no_approval():
    welcome = "<p>Signed in successfully.</p><a href=/all>Manage connected devices</a>" + form(
        "/go", "<button>Continue"
    )
    pages = {"GET /device": TYPE, "POST /code": SIGN_IN, "POST /login": welcome, "POST /go": DONE}
    site = Site(pages)
    site.decide("approve")
    assert site.places[-1] == "POST /go"
    menu = "<p>Hello</p><a href=/all>Manage connected devices</a>"
    with pytest.raises(UserError, match="no button to allow was found"):
        Site(pages | {"POST /go": menu}).decide("approve")


def test_the_complete_address_is_taken_where_nothing_takes_a_code():
    complete = f"{HOST}/complete?user_code={CODE}"
    site = Site({"GET /complete": form("/decide", "<button>Allow</button><button>Deny"), "POST /decide": DONE})
    site.decide("approve", grant=GrantView(CODE, GRANT.verification_uri, complete))
    assert site.places == ["GET /device", "GET /complete", "POST /decide"]


def test_a_code_form_that_decides():
    both = TYPE.replace("<button>Next", "<button name=d value=no>Deny</button><button name=d value=yes>Allow")
    site = Site({"GET /device": both, "POST /code": DONE})
    site.decide("deny")
    assert site.last == {"user_code": CODE, "csrf": "c1", "d": "no"}


def test_what_only_the_source_of_a_button_says_is_less_than_what_can_be_read_on_it():
    manage = '<button id="grant-list" formaction="/manage-grants">Manage</button>'
    site = asking(
        form("/decide", "<button>Grant</button><button>Deny"),
        done=form("/on", manage, "<button>Continue"),
        POST_on=DONE,
    )
    site.decide("approve")
    assert site.places[-1] == "POST /on"

"""A person without code on the way to the decision: sign-in, the code, and what lies between; and where it ends."""

import json

import pytest
from support.sites import ACCOUNT, CODE, DONE, GRANT, HOST, SIGN_IN, TYPE, Site, asking, form

from device_grant.targets import GrantView, UserError
from device_grant.targets.ports import NotAsked
from device_grant.targets.users.login import Account, LoginUser

QUESTION = form("/decide", '<button name="d" value="no">Deny</button><button name="d" value="yes">Allow')
ALL = form(
    "/device",
    '<input name="user_code"><input name="user"><input name="pw" type="password">',
    "<button>Allow</button><button>Deny",
)


def walked(**pages):
    both = {"POST /code": QUESTION, "POST /decide": DONE}
    return Site(both | {key.replace("_", " /", 1): value for key, value in pages.items()})


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ('<input name="username"><input type="password" name="p">', "username"),
        ('<input type="email" name="x"><input type="password" name="p">', "x"),
        (
            '<input name="a" autocomplete="username"><input name="p" type="password" autocomplete="current-password">',
            "a",
        ),
        ('<label for="i">Benutzername</label><input id="i" name="f1"><input type="password" name="p">', "f1"),
        ('<input name="f1"><input type="password" name="p">', "f1"),
        ('<input name="f1" placeholder="User name"><input name="p" placeholder="Password">', "f1"),
        ('<input style="display:none" name="trap"><input name="login"><input type="password" name="p">', "login"),
    ],
)
def test_fields_of_a_sign_in_are_told_by_what_is_known_of_them(fields, name):
    site = walked(GET_device=form("/login", fields, "<button>Go"), POST_login="-> /start", GET_start=TYPE)
    site.decide("approve")
    held = dict(site.sent)["POST /login"]
    assert (held[name], held["p"]) == ("alice", "open sesame")
    assert held.get("trap", "") == ""
    assert site.last == {"d": "yes"}


def test_a_sign_in_of_two_pages():
    first = form("/name", '<input name="identifier" autocomplete="username"><button>Next')
    second = form(
        "/password", '<input name="identifier" value="alice" readonly><input name="p" type="password"><button>Next'
    )
    site = walked(GET_device=first, POST_name=second, POST_password=TYPE)
    site.decide("approve")
    assert dict(site.sent)["POST /name"] == {"identifier": "alice"}
    assert dict(site.sent)["POST /password"] == {"identifier": "alice", "p": "open sesame"}
    assert site.last == {"d": "yes"}


def test_a_registration_beside_the_sign_in_is_left_alone():
    new = form("/join", '<input name="u"><input type="password" name="a"><input type="password" name="b"><button>Join')
    site = walked(GET_device=new + SIGN_IN, POST_login=TYPE)
    site.decide("approve")
    assert "POST /login" in site.places


@pytest.mark.parametrize(
    "page",
    [
        '<meta http-equiv="refresh" content="0; url=/start">',
        "<script>document.forms[0].submit()</script>" + form("/start", '<input type="hidden" name="a" value="1">'),
        "<p>Connect a device</p>" + form("/start", "<button>Continue", method="get"),
        "-> /start",
    ],
    ids=["refresh", "self-submitting", "interstitial", "redirect"],
)
def test_pages_on_the_way(page):
    site = walked(GET_device=page, GET_start=TYPE, POST_start=TYPE)
    site.decide("approve")
    assert site.last == {"d": "yes"}


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ('<input name="q">', {"q": CODE}),
        ('<input name="x" autocomplete="one-time-code">', {"x": CODE}),
        ('<input name="userCode" maxlength="8">', {"userCode": "WDJBMJHT"}),
        (
            "".join(f'<input name="c{n}" maxlength="1">' for n in range(8)),
            {f"c{n}": c for n, c in enumerate("WDJBMJHT")},
        ),
        ('<input type="search" name="s"><input name="f" aria-label="Código">', {"s": "", "f": CODE}),
    ],
)
def test_the_code_finds_its_field(fields, held):
    site = walked(GET_device=form("/code", fields, "<button>Go"))
    site.decide("approve")
    assert dict(site.sent)["POST /code"] == held


def test_a_get_form_replaces_the_query_and_a_multipart_form_is_one():
    get = form("/check?old=1", '<input name="code"><button>Go', method="get")
    multipart = form(
        "/decide", "<input name=t type=hidden value=1><button>Allow</button>", more='enctype="multipart/form-data"'
    )
    site = walked(GET_device=get, GET_check=multipart)
    site.decide("approve")
    assert dict(site.sent)["GET /check"] == {"code": CODE}
    assert 'name="t"' in site.last["raw"]


def test_a_code_that_signing_in_has_lost_is_typed_again():
    site = Site(
        {
            "GET /device": TYPE,
            "POST /code": SIGN_IN,
            "POST /login": TYPE.replace("/code", "/again"),
            "POST /again": QUESTION,
            "POST /decide": DONE,
        }
    )
    site.decide("approve")
    assert site.places == ["GET /device", "POST /code", "POST /login", "POST /again", "POST /decide"]


# The single steps.


def test_the_steps_that_page_checks_ask_for():
    site = walked(GET_device=SIGN_IN, POST_login="-> /start", GET_start=TYPE)
    user = LoginUser(ACCOUNT)
    with pytest.raises(NotAsked):
        site.step("sign_in", user=user)
    page = site.step("confirmation", GRANT, user=user)
    assert "Allow" in page.text
    assert site.places[-1] == "POST /code"
    site.step("sign_in", user=user)
    assert site.places[-2:] == ["POST /login", "GET /start"]
    page = site.step("enter", "WRNG", GRANT.verification_uri, user=user)
    assert page is not None
    assert site.last["user_code"] == "WRNG"
    assert site.places[-1] == "POST /code"


def test_a_wrong_code_is_typed_once_and_its_page_returned():
    site = Site({"GET /device": TYPE, "POST /code": "400 <p>No such code</p>" + TYPE})
    assert site.step("enter", "WRNG", GRANT.verification_uri).status_code == 400
    assert site.places == ["GET /device", "POST /code"]
    with pytest.raises(UserError, match=r"the code was not accepted at /code \(400\): No such code$"):
        site.decide("approve")


def test_a_wrong_code_may_be_answered_by_an_error_or_by_the_sign_in_again():
    site = Site({"GET /device": TYPE, "POST /code": "400 <p>Bad request</p>"})
    with pytest.raises(UserError, match=r"the code was not accepted at /code \(400\): Bad request"):
        site.decide("approve")
    again = Site({"GET /device": TYPE, "POST /code": SIGN_IN, "POST /login": "<p>No such code</p>" + SIGN_IN})
    assert "No such code" in again.step("enter", "WRNG", GRANT.verification_uri).text
    with pytest.raises(UserError, match="signing in as alice was not accepted"):
        again.decide("approve")


def test_one_form_for_everything_has_no_step_before_the_decision():
    site = Site({"GET /device": ALL, "POST /device": DONE})
    with pytest.raises(NotAsked, match="the password and the decision together"):
        site.step("sign_in", user=LoginUser(ACCOUNT, verification=f"{HOST}/device"))
    with pytest.raises(UserError, match="the password and the decision together"):
        site.step("confirmation", GRANT)
    assert site.places == ["GET /device", "GET /device"]
    assert site.step("enter", CODE, GRANT.verification_uri).is_success
    site.decide("deny")
    assert site.last == {"user_code": CODE, "user": "alice", "pw": "open sesame"}


def test_who_signs_in_only_after_the_code_is_not_asked_before():
    with pytest.raises(NotAsked, match="before a code was typed"):
        asking(QUESTION).step("sign_in", user=LoginUser(ACCOUNT, verification=f"{HOST}/device"))


# Where it ends, in one line each.


WRONG = "403 <p>Name or password is not right.</p>" + SIGN_IN
ROUND = {
    "GET /device": form("/a", "<button>Next"),
    "POST /a": form("/b", "<button>Next"),
    "POST /b": form("/a", "<button>Next"),
}


@pytest.mark.parametrize(
    ("pages", "complaint"),
    [
        (
            {"GET /device": SIGN_IN, "POST /login": WRONG},
            r"^signing in as alice was not accepted at /login \(403\): Name or password is not right\.$",
        ),
        (
            {"GET /device": SIGN_IN, "POST /login": "<p>This account is locked.</p>"},
            r"^no field for the user code was found after signing in as alice; name code.*: This account is locked\.$",
        ),
        (
            {"GET /device": "<h1>Welcome</h1><a href='/help'>Help</a>"},
            r"^no field for the user code was found; name code in .*: /device \(200\): links 'help': Welcome Help$",
        ),
        (
            {"GET /device": "404 <title>Lost</title><p>Nothing is here</p>"},
            r"^the page could not be used: /device \(404\) 'Lost': nothing to use: Nothing is here$",
        ),
        (
            {"GET /device": "<div id=root></div><script src=app.js></script>"},
            r"^/device \(200\) is made by script: nothing, and no real browser",
        ),
        ({"GET /device": "-> /device"}, "redirect more than 15 times in a row"),
        (ROUND, "came again"),
    ],
)
def test_each_dead_end_is_one_clear_line(pages, complaint):
    with pytest.raises(UserError, match=complaint) as caught:
        Site(pages).decide("approve")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_a_page_repaints_no_terminal_and_says_no_password_again():
    page = "<p>\x1b[2J wrong: open sesame \u202e</p>" + SIGN_IN
    with pytest.raises(UserError) as caught:
        Site({"GET /device": SIGN_IN, "POST /login": page}).decide("approve")
    assert str(caught.value).isprintable()
    assert "open sesame" not in str(caught.value)
    assert "open sesame" not in repr(ACCOUNT)


# The password is for the pages alone.


ELSEWHERE = r"the password was not sent: the page wants it at https://thief\.example:443.*name it in \[user\] origins"


def test_the_password_goes_to_no_other_origin():
    thief = SIGN_IN.replace("/login", "https://thief.example/login")
    site = Site({"GET /device": thief})
    with pytest.raises(UserError, match=ELSEWHERE):
        site.decide("approve")
    site = walked(GET_device=thief)
    site.pages["POST thief.example"] = TYPE.replace("/code", f"{HOST}/code")
    site.decide("approve", LoginUser(ACCOUNT, origins=["https://thief.example"]))
    assert site.last == {"d": "yes"}


class Moved(Site):
    status = 307

    def answer(self, request):
        answer = super().answer(request)
        if request.url.path == "/login":
            answer.status_code = self.status
            answer.headers["Location"] = "https://thief.example/"
        return answer


def test_no_redirect_takes_the_password_elsewhere():
    site = Moved({"GET /device": SIGN_IN})
    with pytest.raises(UserError, match=ELSEWHERE):
        site.decide("approve")
    assert site.places == ["GET /device", "POST /login"]


def test_a_redirect_without_it_may_lead_elsewhere():
    site = Moved(
        {
            "GET /device": SIGN_IN,
            "GET thief.example": TYPE.replace("/code", f"{HOST}/code"),
            "POST /code": QUESTION,
            "POST /decide": DONE,
        }
    )
    site.status = 303
    site.decide("approve")
    assert site.last == {"d": "yes"}


# What target.toml says.


def test_selectors_name_fields_that_no_word_gives_away():
    page = form(
        "/login",
        '<input name="z1"><input name="z2"><input class="k" type="tel" name="z3"><button>Go</button><button>Extra',
    )
    user = LoginUser(
        Account("bob", "secret"),
        selectors={"username": "[name=z2]", "password": "input.k", "submit": "button + button"},
    )
    site = walked(GET_device=page, POST_login=TYPE)
    site.decide("approve", user)
    assert dict(site.sent)["POST /login"] == {"z1": "", "z2": "bob", "z3": "secret"}


def test_a_browser_of_its_own_address():
    seen = []

    class Watched(Site):
        def answer(self, request):
            seen.append(request.headers["x-forwarded-for"])
            return super().answer(request)

    user = LoginUser(ACCOUNT, headers={"X-Forwarded-For": "{address}"})
    for _ in range(2):
        Watched(asking(QUESTION).pages).decide("approve", user)
    assert len(seen) == 6
    assert len(set(seen[:3])) == len(set(seen[3:])) == 1
    assert all(address.startswith("10.") for address in seen)


def test_pages_are_asked_for_as_a_browser_does():
    seen = []

    class Watched(Site):
        def answer(self, request):
            seen.append(
                (request.method, {name: request.headers.get(name) for name in ("sec-fetch-site", "referer", "origin")})
            )
            return super().answer(request)

    Watched(asking(QUESTION).pages).decide("approve")
    post = {"sec-fetch-site": "same-origin", "referer": f"{HOST}/device", "origin": HOST}
    assert seen[0] == ("GET", {"sec-fetch-site": "none", "referer": None, "origin": None})
    assert seen[1] == ("POST", post)


def test_a_page_that_is_no_html_is_text():
    class Json(Site):
        def answer(self, request):
            super().answer(request)
            return __import__("httpx").Response(200, json=json.loads('{"status": "Verified!"}'))

    Json({}).decide("approve", grant=GrantView(CODE, f"{HOST}/device", f"{HOST}/device?c=1"))


@pytest.mark.parametrize(
    ("most", "code", "typed"),
    [
        (8, CODE, "WDJBMJHT"),
        (9, CODE, CODE),
        (8, "WD-JB-MJ-HT", "WD-JB-MJ-HT"),
        (9, "ABC-DEF-GHJ", "ABCDEFGHJ"),
        (8, "WDJB.MJHT", "WDJB.MJHT"),
        (9, "?WDJB-MJHT!", "?WDJB-MJHT!"),
    ],
)
def test_what_else_than_dashes_stands_in_a_code_is_typed(most, code, typed):
    site = walked(GET_device=form("/code", f'<input name="code" maxlength="{most}">', "<button>Go"))
    site.decide("approve", grant=GrantView(code, GRANT.verification_uri))
    assert dict(site.sent)["POST /code"] == {"code": typed}

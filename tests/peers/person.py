"""The person in front of the peers' pages: reads the forms that come, and fills them in as anybody would."""

from __future__ import annotations

from urllib.parse import urljoin

from lxml import etree

from device_grant.targets import UserError

NAME, PASSWORD = "maria", "correct horse battery staple"
ALLOW = {"allow", "yes", "zulassen", "1"}
DENY = {"deny", "no", "ablehnen", "0"}


class Form:
    def __init__(self, attributes) -> None:
        self.method = attributes.get("method", "get").lower()
        self.action = attributes.get("action", "")
        self.hidden: dict[str, str] = {}
        self.texts: list[str] = []
        self.passwords: list[str] = []
        self.boxes: dict[str, str] = {}
        self.choices: list[tuple[str, str]] = []
        """Buttons, radios and options: name and value."""


class Reader:
    def __init__(self, html: str) -> None:
        self.forms: list[Form] = []
        self.select = ""
        # As octets: a text that declares an encoding would be refused. What is not empty keeps it from being so.
        self.root = etree.fromstring(b"<html>" + html.encode(), etree.HTMLParser(encoding="utf-8"))
        for element in self.root.iter("form", "select", "option", "button", "input"):
            self.handle_element(element.tag, element.attrib)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.root.itertext()).split())

    def handle_element(self, tag: str, attributes) -> None:
        name, value = attributes.get("name", ""), attributes.get("value", "")
        if tag == "form":
            self.forms.append(Form(attributes))
        if not self.forms:
            return
        form = self.forms[-1]
        if tag == "select":
            self.select = name
        elif tag == "option":
            form.choices.append((self.select, value))
        elif tag == "button" and name:
            form.choices.append((name, value))
        elif tag == "input":
            self.handle_input(form, attributes.get("type", "text"), name, value)

    def handle_input(self, form: Form, kind: str, name: str, value: str) -> None:
        if kind == "hidden":
            form.hidden[name] = value
        elif kind == "password":
            form.passwords.append(name)
        elif kind == "checkbox":
            form.boxes[name] = value
        elif kind in ("radio", "submit"):
            form.choices.append((name, value))
        else:
            form.texts.append(name)


def sign_in(http) -> None:
    # The whole address: a base URL may have a path, under which no page is.
    page = follow(http, http.get(urljoin(str(http.base_url), "/login")))
    filled = signing(page)
    if filled is not None:
        page = submit(http, page, filled)
    if filled is None or page.status_code >= 400:
        raise UserError(f"signing in was answered {page.status_code}")


def approve(http, grant) -> None:
    decide(http, grant, ALLOW)


def deny(http, grant) -> None:
    decide(http, grant, DENY)


def confirmation(http, grant):
    return until_question(http, grant)


def enter(http, user_code, verification_uri):
    page, _ = typed(http, verification_uri, user_code)
    return page


def decide(http, grant, words: set[str]) -> None:
    page = until_question(http, grant)
    for _ in range(3):
        filled = deciding(page, words)
        if filled is None:
            return
        page = submit(http, page, filled)
        if page.status_code >= 400:
            raise UserError(f"the decision was answered {page.status_code}: {description(page)}")
    raise UserError(f"the page asks again and again: {description(page)}")


def until_question(http, grant):
    page, asked = typed(http, grant.verification_uri, grant.user_code)
    if not asked or deciding(page, ALLOW) is None:
        raise UserError(f"the code was answered {page.status_code}: {description(page)}")
    return page


def typed(http, address: str, code: str):
    """The page after the code, signing in wherever it is asked for; whether the code could be typed."""
    page, done = follow(http, http.get(address)), False
    for _ in range(6):
        if (filled := signing(page)) is not None:
            page = submit(http, page, filled)
        elif not done and (filled := coding(page, code)) is not None:
            page, done = submit(http, page, filled), True
        else:
            break
    if not done:
        raise UserError(f"there is no field for the code, but {page.status_code}: {description(page)}")
    return page, page.status_code < 400


def signing(page):
    for form in read(page).forms:
        # A form with a choice in it decides, and only wants the password once more.
        if form.passwords and not form.choices:
            return form, {form.texts[0]: NAME, form.passwords[0]: PASSWORD}
    return None


def coding(page, code: str):
    for form in read(page).forms:
        if form.texts and not form.passwords:
            if len(form.texts) == 1:
                return form, {form.texts[0]: code}
            plain = "".join(letter for letter in code if letter.isalnum())
            half = len(plain) // 2
            return form, dict(zip(form.texts, (plain[:half], plain[half:]), strict=True))
    return None


def deciding(page, words: set[str]):
    for form in read(page).forms:
        for name, value in form.choices:
            if value.lower() in words:
                secret = {form.texts[0]: NAME, form.passwords[0]: PASSWORD} if form.passwords else {}
                return form, {name: value, **form.boxes, **secret}
    return None


def submit(http, page, filled):
    form, values = filled
    target = urljoin(str(page.url), form.action)
    data = form.hidden | values
    answer = http.post(target, data=data) if form.method == "post" else http.get(target, params=data)
    return follow(http, answer)


def follow(http, answer):
    for _ in range(6):
        if not answer.has_redirect_location:
            return answer
        answer = http.get(urljoin(str(answer.url), answer.headers["location"]))
    raise UserError("the pages redirect without end")


def read(page) -> Reader:
    return Reader(page.text if "html" in page.headers.get("content-type", "") else "")


def description(page) -> str:
    return read(page).words[:200]

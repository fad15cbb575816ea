"""A person without code at pages that script makes: a real browser, whose requests are the person's own."""

import json
import re
import shutil

import httpx
import pytest
from click.testing import CliRunner
from support import ROOT
from support.needs import needs
from support.sites import ACCOUNT, CODE, GRANT, Site

from device_grant.browser.chromium import Chromium
from device_grant.cli import cli
from device_grant.targets import UserError
from device_grant.targets.users.login import LoginUser

APP = """<!doctype html><title>App</title><div id="app">Loading…</div><script>
const app = document.getElementById("app");
const send = async (path, data) => (await fetch(path, { method: "POST", body: JSON.stringify(data) })).json();
const show = (html) => { app.innerHTML = html; };
const value = (id) => document.getElementById(id).value;
window.signIn = async () => {
  const answer = await send("@/api/login", { name: value("n"), password: value("p") });
  show(answer.ok
    ? `<input id="c" placeholder="Code"><div role="button" onclick="enter()">Next</div>`
    : `<p>Wrong password</p>${form}`);
};
window.enter = async () => {
  const answer = await send("/api/code", { code: value("c") });
  show(answer.ok
    ? `<p>Connect a TV?</p><label><input type="checkbox" id="s">Mail</label>
       <a href="#" onclick="decide(false)">Deny</a> <button onclick="decide(true)">Allow</button>`
    : `<p>No such code</p><input id="c" placeholder="Code"><button onclick="enter()">Next</button>`);
};
window.decide = async (allow) => {
  await send("/api/decide", { allow, mail: document.getElementById("s").checked });
  show(allow ? "<h1>Connected</h1>" : "<h1>Denied</h1>");
};
const form = `<input id="n" autocomplete="username"><input id="p" type="password">
  <button onclick="signIn()">Sign in</button>`;
fetch("/api/me").then(() => show(form));
</script>"""


class Application(Site):
    def answer(self, request):
        if request.url.path == "/device":
            return super().answer(request)
        held = json.loads(request.content or b"{}")
        self.sent.append((request.url.path, held))
        well = held.get("code", CODE) == CODE and held.get("password", ACCOUNT.password) == ACCOUNT.password
        return httpx.Response(200, json={"ok": well}, headers={"Set-Cookie": "session=1; Path=/"})


@pytest.fixture(scope="module")
def chromium():
    result = Chromium()
    yield result
    result.close()


@pytest.fixture
def site(chromium):
    class Seen(Application):
        def browser(self):
            result = super().browser()
            result.chromium = chromium
            return result

    return Seen({"GET /device": APP.replace("@", "")})


@needs("chromium")
@pytest.mark.parametrize(("action", "allow"), [("approve", True), ("deny", False)])
def test_script_is_used_as_people_use_it(site, action, allow):
    site.decide(action)
    assert site.sent[-1] == ("/api/decide", {"allow": allow, "mail": allow})
    assert dict(site.sent)["/api/login"] == {"name": "alice", "password": "open sesame"}
    assert dict(site.sent)["/api/code"] == {"code": CODE}


@needs("chromium")
def test_the_single_steps(site):
    user = LoginUser(ACCOUNT)
    assert "Connect a TV?" in site.step("confirmation", GRANT, user=user).text
    assert "No such code" in site.step("enter", "WRNG", GRANT.verification_uri, user=user).text
    with site.browser() as http:
        user.pages.sign_in(http)
        assert http.cookies["session"] == "1"
    with pytest.raises(UserError, match=r"the code was not accepted.*No such code"):
        site.decide("approve", user, grant=GRANT.__class__("WRNG", GRANT.verification_uri))


@needs("chromium")
def test_script_takes_the_password_nowhere_else(site):
    site.pages["GET /device"] = APP.replace("@", "https://thief.example")
    with pytest.raises(UserError, match=r"the password was not sent: the page wants it at https://thief\.example:443"):
        site.decide("approve")
    assert not any("password" in held for _, held in site.sent)


def test_without_a_browser_the_message_says_what_is_missing(monkeypatch):
    monkeypatch.setattr("device_grant.browser.chromium.has_playwright", lambda: False)

    class Seen(Application):
        def browser(self):
            result = super().browser()
            result.chromium = Chromium()
            return result

    with pytest.raises(UserError, match=r"made by script: needs a browser: Playwright is not installed .*\[browser\]"):
        Seen({"GET /device": APP.replace("@", "")}).decide("approve")
    with pytest.raises(UserError, match=r"made by script: .*no real browser"):
        Application({"GET /device": APP.replace("@", "")}).decide("approve")


@needs("chromium")
def test_script_that_takes_its_time_is_waited_for_and_silence_is_no_approval(site):
    slow = APP.replace("@", "").replace(
        "fetch(path,", "fetch((await new Promise((done) => setTimeout(done, 150)), path),"
    )
    site.pages["GET /device"] = slow
    site.decide("approve")
    assert site.sent[-1] == ("/api/decide", {"allow": True, "mail": True})
    site.pages["GET /device"] = APP.replace("@", "").replace("<h1>Connected</h1>", "<h1>Your devices</h1>")
    with pytest.raises(UserError, match="nothing says that the decision was taken"):
        site.decide("approve")


@needs("chromium", "glewlwyd", "libfaketime")
def test_pages_of_a_real_server_that_are_script_alone(tmp_path):
    """Glewlwyd's pages are an application in script; they have no way to refuse, and are not taken to have one."""
    folder = shutil.copytree(ROOT / "implementations" / "servers" / "glewlwyd", tmp_path / "glewlwyd")
    target = folder / "target.toml"
    text = target.read_text("utf-8")
    person = 'login = "alice"\npassword = "wonderland"'
    target.write_text(text.replace('module = "user.py"', person), encoding="utf-8")
    assert person in target.read_text("utf-8")
    result = CliRunner().invoke(cli, ["doctor", str(target)])
    assert re.search(r"^well +an approval$", result.output, re.MULTILINE), result.output
    assert re.search(r"^well +a token: 200 ok$", result.output, re.MULTILINE), result.output
    assert "no button to refuse" in " ".join(result.output.split())

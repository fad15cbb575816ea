"""What a phisher gets: measured by several checks, in one section, and in no file that is for others."""

import msgspec
import pytest
from support.needs import needs
from support.proof import BROWSER, catalogue, judges

from device_grant.browser.prominence import PHONE
from device_grant.engine import run_check
from device_grant.reference.embedded import embedded
from device_grant.report.pages.phishing import UNMEASURED, phished
from device_grant.results.lines import case_line
from device_grant.results.model import Case, Exposure
from device_grant.results.publish import _case
from device_grant.results.withhold import silenced, tells
from device_grant.server.session.run import new_run


def case(name="limits::test_many_starts", **measured):
    return Case(
        check=name, nodeid="", title="", card="", outcome="ran", duration=0.0, steps=[], exposure=Exposure(**measured)
    )


def facts(*cases):
    return dict(phished(cases).facts)


def test_the_parts_of_several_checks_come_together():
    one = facts(
        case(starts=20, served=19, took=0.25, refusal="429 slow_down", pause=10.0),
        case(code_life=600.0),
        case(scopes=["profile"], access_life=3600.0, refresh_life=None),
        case(warns=None, names_client=True, names_origin=False),
    )
    codes = "19 in 0.25 s, then 429 slow_down, Retry-After 10 s: about 114 codes a minute for who waits that long"
    assert one["Codes that one client may ask for"] == codes
    assert one["Time in which somebody has to believe"] == "10 min"
    assert (one["Scopes of the token"], one["Life of the access token"]) == ("profile", "1 h")
    assert one["Life of the refresh token"] == "there is one, and nothing names its end"
    assert one["They say to refuse what one did not start"] == "in words that have to be read"
    assert (one["The pages name the client"], one["They say from where the request came"]) == ("yes", "no")
    assert one["They say what it is for"] == UNMEASURED


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        ({"starts": 30, "served": 30, "took": 1.5, "refusal": ""}, "30 in 1.5 s, and none was refused"),
        ({"starts": 1, "served": 0, "refusal": "503 http-503"}, "0, then 503 http-503"),
        ({"served": 3}, UNMEASURED),
    ],
)
def test_starts_in_words(measured, said):
    assert facts(case(**measured))["Codes that one client may ask for"] == said


def test_nothing_measured_is_no_section():
    plain = msgspec.structs.replace(case(), exposure=msgspec.UNSET)
    assert phished([plain]) is None


def test_what_is_for_others_has_none_of_it():
    one = case(code_life=600.0)
    assert tells(one)
    assert silenced(one).exposure is msgspec.UNSET
    assert _case(one).exposure is msgspec.UNSET


def test_numbers_without_bounds_stay_readable():
    checks, _ = judges()
    with embedded("rfc8628") as target:
        run = new_run(target, "rfc8628", catalogue())
        trial = run_check(run, checks["lives::test_codes_are_short_lived"]).trial
        trial.exposed["code_life"] = 1e300
        line = case_line(trial, "", 0.0)
        run.close()
    assert msgspec.json.decode(msgspec.json.encode(line), type=Case).exposure.code_life == 1e18


@needs("chromium")
def test_the_picture_has_no_code():
    from device_grant.server.pages.window import Window

    html = "<p id=a>WDJB-MJHT</p><p id=b>W D J B M J H T</p><input value=wdjbmjht><p id=c>Allow?</p><canvas></canvas>"
    checks, _ = judges()
    with embedded("rfc8628") as target:
        run = new_run(target, "rfc8628", catalogue())
        run.chromium, own = BROWSER, run.chromium
        trial = run.trial(checks["lives::test_codes_are_short_lived"])
        with Window(trial) as window:
            window._tab.foreign = html
            window.open("http://attacker.example/")
            assert window.picture(["WDJB-MJHT"], PHONE).startswith(b"\xff\xd8")
            blurred = {name for name in ("#a", "#b", "#c", "input", "canvas") if window.has(f"{name}[style*=blur]")}
        run.chromium = own
        run.close()
    assert blurred == {"#a", "#b", "input", "canvas"}


@needs("chromium")
def test_the_picture_has_no_name_where_nobody_knows_it():
    from device_grant.server.pages.window import Window

    html = (
        "<div id=a>Signed in as <b id=b>Maria Muster</b> <img id=c src=x width=9 height=9></div>"
        "<a id=d href=/profile>Maria</a><input id=e value=Maria><form id=f>Hello, Maria <button id=g>Allow</button>"
        "<button id=h><span id=i>Deny</span></button></form><script>var name = 'Maria'</script>"
    )
    checks, _ = judges()
    with embedded("rfc8628") as target:
        run = new_run(target, "rfc8628", catalogue())
        run.chromium, own = BROWSER, run.chromium
        trial = run.trial(checks["lives::test_codes_are_short_lived"])
        with Window(trial) as window:
            window._tab.foreign = html
            window.open("http://attacker.example/")
            assert window.picture(["WDJB-MJHT"], PHONE, ["Allow", "Deny"]).startswith(b"\xff\xd8")
            veiled = {name for name in "abdfghi" if window.has(f"#{name} > span[style*=blur]")}
            blurred = {name for name in "abcdefghi" if window.has(f"#{name}[style*=blur]")}
        run.chromium = own
        run.close()
    assert (veiled, blurred) == ({"a", "b", "d", "f"}, {"c", "e"})

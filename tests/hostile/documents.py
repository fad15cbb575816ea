"""Lies of documents: JSON that is none or too much, and pages at which a person would give up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostile.framing import endless
from hostile.modes import REACHING, RFC, Mode, at, body, some

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostile.honest import Answer
    from hostile.wire import Exchange, Lie


def encoded(codec: str, mark: bytes = b"") -> Callable[[Exchange], bytes]:
    return lambda exchange: mark + exchange.answer.octets().decode().encode(codec)


def around(before: bytes, after: bytes = b"") -> Callable[[Exchange], bytes]:
    return lambda exchange: before + exchange.answer.octets() + after


def twice(exchange: Exchange) -> bytes:
    honest = exchange.answer.octets()
    return honest[:-1] + b"," + honest[1:-1].replace(b'": "', b'": "other-') + b"}"


def inside(before: bytes, after: bytes) -> Callable[[Exchange], bytes]:
    """The honest members with one besides."""
    return lambda exchange: exchange.answer.octets()[:-1] + b', "more": ' + before + after + b"}"


JSON = {
    "depth of a hundred thousand": b"[" * 100_000 + b"]" * 100_000,
    "depth of objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "depth without an end": b"[" * 500_000,
    "nothing": b"",
    "null": b"null",
    "number": b"7",
    "text": b'"text"',
    "list": b"[]",
    "list of objects": b'[{"device_code": "a"}]',
    "digits": b"1" * 200_000,
    "exponent": b"1e" + b"9" * 5000,
    "NUL": b"\0" * 1000,
    "half an escape": b'{"device_code": "\\ud8',
    "bad escape": b'{"device_code": "\\x41"}',
    "not UTF-8": b'{"device_code": "\xff\xfe\xc0\x80\xed\xa0\x80"}',
    "form": b"device_code=a&user_code=b&verification_uri=c",
    "XML": b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    "script": b"alert(1)",
    "comment": b'/* \x1b[2J */ {"device_code": "a"}',
}
MANY = {
    "duplicate members": twice,
    "byte order mark": around(b"\xef\xbb\xbf"),
    "UTF-16": encoded("utf-16"),
    "UTF-32": encoded("utf-32-be"),
    "UTF-7": encoded("utf-7"),
    "trailing text": around(b"", b" and so on"),
    "trailing object": around(b"", b"{}" * 1000),
    "lines before": around(b"\r\n" * 100_000),
    "in a list": around(b"[", b"]"),
    "in text": lambda exchange: repr(exchange.answer.octets().decode()).encode(),
    "deep member": inside(b"[" * 900, b"]" * 900),
    "deeper member": inside(b"[" * 20_000, b"]" * 20_000),
    "huge number": inside(b"-" + b"8" * 100_000, b""),
    "huge exponent": inside(b"1E+", b"99999999"),
    "name of a megabyte": lambda exchange: exchange.answer.octets()[:-1] + b', "' + b"n" * 1_000_000 + b'": 1}',
    "names that escape": lambda exchange: (
        exchange.answer.octets()[:-1] + b', "\\u001b]0;x\\u0007\\u009b2J": "\\u001b[2J", "\\ud800": 1}'
    ),
}


def page(text: str, *fields: tuple[str, str]) -> Callable[[Exchange], Answer]:
    made = text.encode("utf-8", "surrogatepass")
    html = ("Content-Type", "text/html; charset=utf-8")
    return lambda exchange: exchange.answer.replaced(status=200, members=None, body=made, headers=[html, *fields])


def growing(exchange: Exchange) -> Answer:
    """A form that asks for one field more each time."""
    number = exchange.server.honest.count.get("page", 0)
    made = "".join(f'<input name="field{n}">' for n in range(number))
    form = f'<form method=post action="/device?{number}"><input name=user_code>{made}<button>Continue</button></form>'
    return page(f"<title>{number}</title>{form}")(exchange)


def refreshing(exchange: Exchange) -> Answer:
    number = exchange.server.honest.count.get("page", 0)
    return page(f'<meta http-equiv=refresh content="0;url=/device?{number}">wait')(exchange)


def redirecting(exchange: Exchange) -> Answer:
    number = exchange.server.honest.count.get("page", 0)
    return exchange.answer.replaced(status=302, body=b"", members=None, headers=[("Location", f"/device?{number}")])


FORM = "<form method=post action=/device><input name=user_code><button>Continue</button></form>"
PAGES = {
    "depth of a million": page("<div>" * 1_000_000 + FORM),
    "a hundred thousand forms": page(FORM * 100_000),
    "a million inputs": page("<form method=post>" + "<input name=a>" * 1_000_000),
    "endless select": page("<form><select name=a>" + "<option>1" * 500_000),
    "attributes": page("<form " + " ".join(f"a{n}={n}" for n in range(200_000)) + ">" + FORM),
    "entities": page(
        "<!DOCTYPE html [" + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 20}">' for n in range(1, 40)) + "]>&a39;"
    ),
    "forms that grow": growing,
    "meta refresh": refreshing,
    "redirects that never repeat": redirecting,
    "form to javascript": page("<form method=post action='javascript:alert(1)'><input name=user_code><button>Go"),
    "form to a file": page("<form method=post action=file:///etc/passwd><input name=user_code><button>Go"),
    "form to a bad address": page("<form method=post action='http://[::1'><input name=user_code><button>Go"),
    "form to a surrogate": page("<form method=post action='http://&#xd800;/\ud800'><input name=user_code><button>Go"),
    "form to nowhere": page("<form method=post action='http://127.0.0.1:1/'><input name=user_code><button>Go"),
    "form of another method": page("<form method='\x1b[2J' action=/><input name='\x1b[2J\0'><button>\x1b[2J"),
    "base of another scheme": page("<base href='gopher://x/'>" + FORM),
    "download": page("PK\3\4" * 1000, ("Content-Disposition", 'attachment; filename="../../etc/passwd"')),
    "picture": page("\x89PNG\r\n", ("Content-Type", "image/png")),
    "escapes": page("<title>\x1b]0;x\x07\x9b2J\u202e</title><p>\x1b[2J error <b>\x1b[2J</b>" + FORM),
    "NUL": page("\0" * 100_000 + FORM),
    "nothing": page(""),
    "frames": page("<iframe src=/device></iframe>" * 1000),
    "pattern that never ends": page('<form><input name=user_code pattern="(a+)+$" maxlength=-1 minlength=99999999999>'),
    "length of a field": page("<form><input name=user_code maxlength=" + "9" * 5000 + "><button>Continue"),
}
SCRIPTS = {
    "script without an end": page("<script>for(;;);</script>" + FORM),
    "alerts": page("<script>for(;;)alert(1)</script>" + FORM),
    "windows": page("<script>setInterval(()=>open('/device'),1);onbeforeunload=()=>1</script>" + FORM),
    "script that grows": page("<script>let a=[];setInterval(()=>a.push('x'.repeat(1e6)+a.length),1)</script>" + FORM),
    "script that moves": page("<script>setInterval(()=>location='/device?'+Math.random(),1)</script>"),
    "script that asks": page("<script>for(;;)prompt('\\u001b[2J')</script>" + FORM),
    "script that prints": page("<script>for(;;)console.log('\\u001b[2J'.repeat(1e4))</script>" + FORM),
    "moves before it is there": page("<script>location='/device?'+Math.random()</script>"),
    "endless picture": page("<img src=/endless><img src=/endless?2>" + FORM),
    "endless script": page("<script src=/endless></script>" + FORM),
    "a hundred thousand requests": page("<script>for(let n=0;n<1e5;n++)fetch('/device?'+n)</script>" + FORM),
    "elements without end": page(
        "<script>setInterval(()=>{for(let n=0;n<1e4;n++)document.body.append('x'.repeat(99),'')},1)</script>" + FORM
    ),
    "buffers": page(
        "<script>let a=[];setInterval(()=>{let b=new Uint8Array(1e7).fill(1);a.push(b)},1)</script>" + FORM
    ),
    "a tampered page": page(
        "<script>Object.defineProperty(Element.prototype,'outerHTML',{get(){return 'x'.repeat(1e8)}});"
        "Node.prototype.toString=()=>{for(;;);};JSON.stringify=()=>{for(;;);}</script>" + FORM
    ),
    "script that is replaced": page("<script>document.open();for(;;)document.write('<p>a')</script>"),
}
"""Pages for a browser: it is started for those alone."""
BROWSER = ("page_browser::test_script_decides_nothing",)


def to_browsers(change: Callable[[Exchange], Answer | None], otherwise: Callable[..., Answer] | None = None) -> Lie:
    """The change for a real browser alone, and what never ends at `/endless`.

    Who reads the pages without script is answered honestly, or `otherwise`.
    """

    def chosen(exchange: Exchange) -> Answer | None:
        if "Chrome/" in exchange.request.headers.get("user-agent", ""):
            return change(exchange)
        return otherwise(exchange) if otherwise else exchange.answer

    def lie(exchange: Exchange) -> Answer | None:
        if exchange.request.path != "/endless":
            return at("page", chosen)(exchange)
        endless(exchange)
        return None

    return lie


BY_SCRIPT = page("<!doctype html><title>Device</title><div id=app></div><script>start()</script>")

MODES = [
    *some(2, (Mode(f"JSON: {name}", body("start", octets), checks=REACHING["start"]) for name, octets in JSON.items())),
    *some(2, (Mode(f"JSON everywhere: {name}", body("everywhere", change)) for name, change in MANY.items())),
    *some(4, (Mode(f"JSON of tokens: {name}", body("token", octets)) for name, octets in JSON.items())),
    *some(
        2,
        (
            Mode(f"page: {name}", at("page", change), checks=REACHING["page"], login=True)
            for name, change in PAGES.items()
        ),
    ),
    Mode("pages, whole run: escapes", at("page", PAGES["escapes"]), (RFC,), (), login=True, deadline=240, rare=True),
    *some(
        3,
        (
            Mode(f"browser: {name}", to_browsers(change), (RFC,), BROWSER, login=True, browser=True, deadline=240)
            for name, change in SCRIPTS.items()
        ),
    ),
    *some(
        7,
        (
            Mode(
                f"login in a browser: {name}",
                to_browsers(change, BY_SCRIPT),
                (RFC,),
                REACHING["page"][:1],
                login=True,
                browser=True,
                deadline=240,
            )
            for name, change in reversed(SCRIPTS.items())
        ),
    ),
]

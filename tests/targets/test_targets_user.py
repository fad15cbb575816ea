"""The three users: functions of a module, a command, a person at a terminal."""

import re

import httpx
import pytest

from device_grant.errors import UsageError
from device_grant.targets import CommandUser, GrantView, ModuleUser, PromptUser, UserError, open_target, resolve
from device_grant.targets.ports import Nobody, UserModuleError
from device_grant.targets.users import user_of

GRANT = GrantView("ABCD-EFGH", "http://target.test/device", "http://target.test/device?user_code=ABCD-EFGH")


@pytest.fixture
def http():
    def answer(request):
        if request.url.path == "/gone":
            raise httpx.ConnectError("connection refused", request=request)
        return httpx.Response(200, text=request.url.path)

    with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://target.test") as client:
        yield client


@pytest.fixture
def module(tmp_path):
    def module(source):
        file = tmp_path / "user.py"
        file.write_text(source)
        return ModuleUser(file)

    return module


BOTH = "def approve(http, grant):\n    {}\n\ndef deny(http, grant):\n    {}\n"


def test_functions_of_a_module_decide(module, http, tmp_path):
    (tmp_path / "words_of_user.py").write_text("LOG = 'decisions'\n")
    user = module(
        "import pathlib\nfrom words_of_user import LOG as NAME\n"
        "def note(http, grant, word):\n"
        "    file = pathlib.Path(__file__).with_name(NAME)\n"
        "    before = file.read_text() if file.exists() else ''\n"
        "    file.write_text(before + f'{word} {grant.user_code} {http.get(\"/page\").text};')\n"
        + BOTH.format("note(http, grant, 'yes')", "note(http, grant, 'no')")
    )
    user.approve(http, GRANT)
    user.deny(http, GRANT)
    assert (tmp_path / "decisions").read_text() == "yes ABCD-EFGH /page;no ABCD-EFGH /page;"


def test_a_missing_function_is_a_usage_error(module):
    with pytest.raises(UsageError, match="no function deny"):
        module("def approve(http, grant):\n    return\n")


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("def approve(:\n", "user.py:1: "),
        ("x = 1\nraise KeyError('boom')\n", "user.py:2: importing it raised KeyError"),
        ("open('/no/such/file')\n", "user.py:1: importing it raised"),
    ],
)
def test_a_module_that_cannot_be_imported_names_file_and_line(module, source, part):
    with pytest.raises(UserModuleError) as caught:
        module(source)
    assert part in str(caught.value)


def test_a_module_that_imports_from_the_old_place_is_told_the_new_one(module):
    with pytest.raises(UsageError, match=r"user\.py:1: there is no conformance\.targets.*from device_grant\.targets"):
        module("from conformance.targets.ports import UserError\n" + BOTH.format("return", "return"))


@pytest.mark.parametrize(
    "source",
    [
        "from device_grant.targets.ports import UserError\n",
        "import device_grant.targets.users.module\n",
        "if False:\n    from device_grant.targets.ports import GrantView\n",
    ],
)
def test_a_module_that_imports_what_is_internal_is_told_the_public_place(module, source):
    with pytest.raises(UsageError) as caught:
        module(source + BOTH.format("return", "return"))
    assert re.search(r"user\.py:[12]: device_grant\.targets\.\w+.* is internal: import UserError", str(caught.value))
    assert "\n" not in str(caught.value)


def test_user_errors_pass_and_other_exceptions_name_file_and_line(module, http):
    user = module(
        "from device_grant.targets import UserError\nimport json\n"
        + BOTH.format("raise UserError('code refused')", "json.loads(http)")
    )
    with pytest.raises(UserError, match="code refused"):
        user.approve(http, GRANT)
    with pytest.raises(UserModuleError, match=r"user\.py:7: deny raised TypeError"):
        user.deny(http, GRANT)


def test_a_page_that_does_not_answer_is_a_fact_about_the_target(module, http):
    user = module(BOTH.format("http.get('/gone')", "return"))
    with pytest.raises(UserError, match="did not answer: connection refused"):
        user.approve(http, GRANT)


def test_a_command_gets_the_placeholders(tmp_path, http):
    script = tmp_path / "decide"
    script.write_text('#!/bin/sh\necho "$@" >> said\n')
    script.chmod(0o755)
    user = CommandUser(
        ["./decide", "{action}", "{user_code}", "{verification_uri}", "{verification_uri_complete}"], tmp_path
    )
    user.approve(http, GRANT)
    user.deny(http, GrantView("X", "http://a/"))
    assert (tmp_path / "said").read_text().splitlines() == [
        f"approve ABCD-EFGH {GRANT.verification_uri} {GRANT.verification_uri_complete}",
        "deny X http://a/ ",
    ]


def test_a_failing_command_tells_its_last_line(tmp_path, http):
    user = CommandUser(["sh", "-c", "echo first >&2; echo '{action} refused' >&2; exit 1"], tmp_path)
    with pytest.raises(UserError, match=r"^approve refused$"):
        user.approve(http, GRANT)
    with pytest.raises(UserError, match="exit status 4"):
        CommandUser(["sh", "-c", "exit 4"], tmp_path).deny(http, GRANT)


def test_a_command_is_not_given_options_by_the_target(tmp_path, http):
    with pytest.raises(UserError, match="starts with a dash"):
        CommandUser(["echo", "{user_code}"], tmp_path).approve(http, GrantView("--help", "http://a/"))


def test_a_command_that_does_not_exist_is_a_usage_error(tmp_path, http):
    with pytest.raises(UsageError, match="absent is not there: build or install it"):
        CommandUser(["./absent"], tmp_path).approve(http, GRANT)


class Terminal:
    columns = 80

    def __init__(self, *answers):
        self.answers = list(answers)
        self.shown = ""

    def write(self, text):
        self.shown += text
        return len(text)

    def flush(self):
        return None

    def readline(self):
        return self.answers.pop(0) if self.answers else ""


def test_a_person_is_shown_code_address_and_qr_code(http):
    terminal = Terminal("\n", "\n")
    user = PromptUser(terminal)
    user.approve(http, GRANT)
    assert "ABCD-EFGH" in terminal.shown
    assert "http://target.test/device\n" in terminal.shown
    assert f"{GRANT.verification_uri_complete}\n" in terminal.shown, "the complete link, for those who can click"
    assert "Please ALLOW it" in terminal.shown
    assert any(block in terminal.shown for block in "█▀▄")
    user.deny(http, GrantView("CODE\x1b[2J", "http://a/"))
    assert "REFUSE" in terminal.shown
    assert "\x1b[2J" not in terminal.shown


def test_a_person_may_say_that_the_page_refuses(http):
    with pytest.raises(UserError, match="could not approve"):
        PromptUser(Terminal("n\n")).approve(http, GRANT)


@pytest.mark.parametrize(("answers", "reason"), [(("s\n",), "skipped the rest"), ((), "terminal was closed")])
def test_whoever_skips_or_leaves_is_not_asked_again(http, answers, reason):
    terminal = Terminal(*answers)
    user = PromptUser(terminal)
    for _ in range(2):
        with pytest.raises(Nobody, match=reason):
            user.approve(http, GRANT)
    assert terminal.shown.count("Decision ") == 1


def test_a_picture_is_shown_once_an_address_and_only_where_it_fits(http):
    terminal = Terminal("\n", "\n")
    user = PromptUser(terminal)
    for code in ("A", "B"):
        user.approve(http, GrantView(code, "http://a/device"))
    assert terminal.shown.count("▄▄▄▄▄▄▄") == len(re.findall("▄▄▄▄▄▄▄", terminal.shown.partition("Decision 2")[0]))
    narrow, none = Terminal("\n"), Terminal("\n")
    narrow.columns, none.columns = 20, 0
    for terminal in (narrow, none):
        PromptUser(terminal).approve(http, GRANT)
        assert "▄" not in terminal.shown
    assert "too narrow" in narrow.shown


def test_an_odd_typing_is_explained(http):
    terminal = Terminal("\n")
    PromptUser(terminal).approve(http, GrantView(" A-B ", "http://a/device", hint="between spaces, as copying adds"))
    assert '  code  " A-B "\nType just what is between the quotes: between spaces, as copying adds.\n' in terminal.shown


def test_nobody_opens_pages_that_are_at_no_address():
    app = "asgi:device_grant.reference.server.app:app"
    with pytest.raises(UsageError, match=r"called in process.*give its URL, or use --login NAME"):
        open_target(resolve(app), user=PromptUser(Terminal()))


def test_several_processes_do_not_ask_at_one_terminal(monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    with pytest.raises(UsageError, match="leave -n out"):
        PromptUser()


def test_an_address_too_long_for_a_qr_code_is_still_shown(http):
    terminal = Terminal("\n")
    PromptUser(terminal).approve(http, GrantView("C", "http://a/" + "x" * 5000))
    assert "too long for a QR code" in terminal.shown


def test_without_a_terminal_prompting_is_a_usage_error(monkeypatch):
    def refused(*_, **__):
        raise OSError(6, "No such device or address")

    monkeypatch.setattr("device_grant.targets.users.prompt.Path.open", refused)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    with pytest.raises(UsageError, match="no terminal"):
        PromptUser()


def test_the_user_of_an_option(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "me.py").write_text(BOTH.format("return", "return"))
    assert isinstance(user_of("me.py"), ModuleUser)
    with pytest.raises(UsageError, match="no such file"):
        user_of("you.py")


def test_a_target_has_the_user_of_its_file_unless_another_is_given(tmp_path):
    base = 'name = "t"\n[endpoints]\nbase = "http://127.0.0.1:1"\n'
    (tmp_path / "target.toml").write_text(base)
    located = resolve(str(tmp_path))
    assert open_target(located).user is None
    mine = PromptUser(Terminal())
    assert open_target(located, user=mine).user is mine
    (tmp_path / "target.toml").write_text(base + '[user]\ncommand = ["true"]\n')
    assert isinstance(open_target(resolve(str(tmp_path))).user, CommandUser)

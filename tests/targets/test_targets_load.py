"""target.toml and target specifications: what is accepted, and the one line for what is not."""

from pathlib import Path

import pytest

from device_grant import implementations
from device_grant.errors import UsageError
from device_grant.targets import known_servers, open_target, read_target, resolve

LIVE = 'name = "x"\n[endpoints]\nbase = "http://127.0.0.1:1"\n'
APP = 'name = "x"\n[serve]\napp = "asgi:app:app"\n'
COMMAND = 'name = "x"\n[serve]\ncommand = ["serve", "{port}"]\n'


@pytest.fixture
def write(tmp_path):
    def write(text, **files):
        for name, content in files.items():
            (tmp_path / name.replace("__", ".")).write_text(content)
        file = tmp_path / "target.toml"
        file.write_text(text)
        return file

    return write


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("name = \n", ["not TOML", "line 1"]),
        ('name = "x"\nnaem = 1\n' + LIVE[11:], ["naem: unknown key", "did you mean name?"]),
        (LIVE + '[serve]\ncomand = ["x"]\n', ["serve.comand: unknown key", "did you mean command?"]),
        (LIVE + '[[clients]]\nid = "a"\nauthentcation = "none"\n', ["clients[0].authentcation", "authentication?"]),
        (LIVE + "[user]\nzzzzzz = 1\n", ["user.zzzzzz: unknown key", "known here: module, command, prompt"]),
        (LIVE + '[lifetimes]\ninterval = "5"\n', ["lifetimes.interval", "got `str`"]),
        (LIVE + '[[clients]]\nid = "a"\n[[clients]]\nid = 7\n', ["clients[1].id", "got `int`"]),
        (LIVE + '[clock]\nkind = "sundial"\n', ["clock.kind: unknown value 'sundial'", "travel, faketime, real"]),
        (
            'language = "Pyhton"\n' + LIVE,
            ["language: unknown value 'Pyhton'", "did you mean python? (c, c++, c#, dart,"],
        ),
        ('language = "x\' - at `$.y`"\n' + LIVE, ["language: unknown value", "choose one of c, c++"]),
        (
            LIVE + '[[clients]]\nid = "a"\nauthentication = "none"\n[[clients]]\nid = "b"\nauthentication = "basic"\n',
            ["clients[1].authentication: unknown value 'basic'", "did you mean client_secret_basic?"],
        ),
        ('[endpoints]\nbase = "http://x"\n', ["missing the key `name`"]),
        ('name = "x"\n', ["endpoints.base: missing"]),
        ('name = " "\n' + LIVE[11:], ["name: empty"]),
        ('name = "x"\n[serve]\n', ["neither app nor command"]),
        (APP + 'command = ["a", "{port}"]\n', ["both app and command"]),
        ('name = "x"\n[serve]\napp = "app.py"\n', ["serve.app", "asgi:module:app"]),
        (APP + 'requirements = "r.txt"\n', ["for a command"]),
        ('name = "x"\n[serve]\ncommand = ["serve"]\n', ["free port"]),
        (COMMAND + 'ready = "health"\n', ["serve.ready", "starts with /"]),
        (COMMAND + "ready_timeout = 0\n", ["serve.ready_timeout"]),
        (COMMAND + 'requirements = "r.txt"\n', ["serve.requirements: there is no file"]),
        (COMMAND + 'package = "package.json"\n', ["serve.package: there is no file"]),
        ('name = "x"\n[endpoints]\nbase = "ftp://x"\n', ["not an http or https URL"]),
        ('name = "x"\n[endpoints]\nbase = "http://x:{port}"\n', ["known only to a launched command"]),
        ('name = "x"\n[endpoints]\nbase = "http://a:b@x"\n', ["no credentials"]),
        (LIVE + '[user]\nmodule = "u.py"\nprompt = true\n', ["module and prompt"]),
        (LIVE + '[user]\nmodule = "u.py"\n', ["user.module: there is no file", "u.py"]),
        (LIVE + '[clock]\nkind = "travel"\n', ["travel is for an app in process"]),
        (APP + '[clock]\nkind = "faketime"\n', ["faketime is for a launched command"]),
        (LIVE + '[[clients]]\nid = "a"\nsecret = "s"\n', ["clients[0]", "authentication none"]),
        (LIVE + '[[clients]]\nid = "a"\nauthentication = "client_secret_post"\n', ["needs a secret"]),
        (LIVE + '[[clients]]\nid = "a"\n[[clients]]\nid = "a"\n', ["clients[1].id", "occurs twice"]),
        (LIVE + "[lifetimes]\ninterval = -1\n", ["lifetimes.interval", ">= 0"]),
    ],
)
def test_a_mistake_is_one_line_with_file_key_and_reason(write, text, parts):
    file = write(text)
    with pytest.raises(UsageError) as caught:
        read_target(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert "\n" not in message
    assert not [part for part in parts if part not in message], message


def test_unreadable_files(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_target(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(UsageError, match="not UTF-8"):
        read_target(tmp_path / "latin.toml")


def test_a_missing_lock_file_is_named(write):
    file = write(COMMAND + 'package = "package.json"\n', package__json="{}")
    with pytest.raises(UsageError, match=r"package-lock\.json"):
        read_target(file)


def test_a_full_file_is_read(write):
    file = write(
        'name = "x"\ndialect = "aws-sso-oidc"\n[serve]\ncommand = ["a", "{port}"]\nenv = { A = "1" }\n'
        '[[clients]]\nid = "c"\nsecret = "s"\nauthentication = "client_secret_basic"\n'
        "[lifetimes]\ndevice_code = 600\n[claims]\nslow_down = false\n"
    )
    located = resolve(str(file))
    assert located.config.serve.command == ("a", "{port}")
    assert located.config.clients[0].secret == "s"
    assert located.config.lifetimes.device_code == 600
    assert located.config.claims == {"slow_down": False}
    assert (located.folder, located.spec, located.file) == (file.parent, str(file), file)


def test_a_folder_stands_for_its_file(write, tmp_path):
    write(LIVE)
    assert resolve(str(tmp_path)).file == tmp_path / "target.toml"


@pytest.mark.parametrize("spec", ["https://idp.example/tenant/", "http://127.0.0.1:8080"])
def test_urls_are_live_targets(spec):
    located = resolve(spec, dialect="aws-sso-oidc")
    assert located.config.endpoints.base == spec.rstrip("/")
    assert located.config.dialect == "aws-sso-oidc"
    assert located.config.serve is None
    assert open_target(located).baseline is None


def test_applications_live_on_a_travelled_clock():
    located = resolve("wsgi:package.module:make()")
    assert located.config.serve.app == "wsgi:package.module:make()"
    assert located.config.clock.kind == "travel"
    assert located.config.dialect == "rfc8628"


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        ("https://", "no host"),
        ("http://h:notaport/", "not a URL"),
        ("http://user:hunter2@h/", "holds credentials"),
        ("http://h/?a=b", "no query"),
        ("asgi:nothing", "asgi:module:app"),
        ("some/where/target.toml", "no such file"),
        ("nothing-known", "unknown target 'nothing-known'"),
        ("nothing-known", "a URL, asgi:module:app, wsgi:module:app or the path of a target.toml"),
        (".", "has no target.toml"),
    ],
)
def test_a_bad_specification_is_one_line(spec, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        resolve(spec)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_known_servers_are_found_by_name_and_suggested():
    assert {"nanoidp", "oidc-provider"} <= set(known_servers())
    assert resolve("nanoidp").config.name == "nanoidp"
    with pytest.raises(UsageError, match="did you mean nanoidp"):
        resolve("nano-idp")


def test_known_servers_of_an_installed_wheel(tmp_path, monkeypatch):
    folder = tmp_path / "servers" / "installed"
    folder.mkdir(parents=True)
    (folder / "target.toml").write_text(LIVE)
    monkeypatch.setattr(implementations, "_ROOTS", (tmp_path / "absent", tmp_path))
    assert known_servers() == {"installed": folder}
    assert resolve("installed").spec == "installed"


def test_the_dialect_option_may_not_contradict_the_file():
    with pytest.raises(UsageError, match="speaks rfc8628"):
        resolve("nanoidp", dialect="aws-sso-oidc")
    with pytest.raises(UsageError, match="unknown dialect"):
        resolve("http://h", dialect="soap")


def test_a_baseline_beside_the_file_is_found(write, tmp_path):
    file = write(LIVE, baseline__toml="")
    assert open_target(resolve(str(file))).baseline == tmp_path / "baseline.toml"


@pytest.mark.parametrize("name", sorted(known_servers()))
def test_shipped_servers_are_valid_and_have_a_user(name):
    located = resolve(name)
    assert open_target(located).user is not None
    assert Path(located.folder, "target.toml").is_file()


SECRETS = (
    LIVE + '[[clients]]\nid = "tv"\nsecret_env = "TV_SECRET"\nauthentication = "client_secret_basic"\n'
    '[registration]\ninitial_access_token_env = "TOKEN"\n'
)


def test_secrets_of_the_environment(write, monkeypatch):
    monkeypatch.setenv("TV_SECRET", "s3cret")
    monkeypatch.setenv("TOKEN", "t0ken")
    config = read_target(write(SECRETS)).config
    assert (config.clients[0].secret, config.registration.initial_access_token) == ("s3cret", "t0ken")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SECRETS, r"clients\[0\].secret_env: the environment has no TV_SECRET"),
        (SECRETS.replace('secret_env = "TV_SECRET"', 'secret = "x"'), "initial_access_token_env: the environment"),
        (SECRETS.replace("[registration]", 'secret = "x"\n[registration]'), "says the same as clients"),
    ],
)
def test_secrets_that_are_nowhere_or_twice(write, monkeypatch, text, said):
    monkeypatch.delenv("TV_SECRET", raising=False)
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(UsageError, match=said):
        read_target(write(text))

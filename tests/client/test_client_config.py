"""client.toml and what else names a client: every mistake is one line that says where and what to do."""

from __future__ import annotations

from types import UnionType
from typing import Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from support import ROOT

from device_grant.client.drivers.config import Claims, ClientConfig
from device_grant.client.drivers.embedded import EmbeddedDriver
from device_grant.client.drivers.load import baseline_of, known_clients, open_client, read_client
from device_grant.client.drivers.process import ProcessDriver
from device_grant.engine.options import Options
from device_grant.errors import UsageError
from device_grant.pytest_plugin.options import as_arguments

PAGE = ROOT / "docs" / "reference" / "client-toml.md"
LEAST = 'name = "x"\n[run]\ncommand = ["x"]\n'


def written(tmp_path, text):
    file = tmp_path / "client.toml"
    file.write_text(text, "utf-8")
    return file


def test_the_least_that_is_needed(tmp_path):
    located = read_client(written(tmp_path, LEAST))
    assert located.config.dialect == "rfc8628"
    assert (located.config.run.kind, located.config.connect.how, located.config.claims.shows) == (
        "flow",
        "endpoint",
        True,
    )
    assert located.folder == tmp_path


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('name = "x"\n', "missing the key `run`"),
        ('name = "x"\n[run]\n', "run.command: missing"),
        ('name = " "\n[run]\ncommand = ["x"]\n', "name: empty"),
        (LEAST + 'kin = "flow"\n', "run.kin: unknown key; did you mean kind?"),
        (LEAST + 'kind = "loop"\n', "run.kind: unknown value 'loop'"),
        ('language = "rusty"\n' + LEAST, "language: unknown value 'rusty'; did you mean rust? (c, c++"),
        (LEAST + '[claims]\nkeeps = ["token"]\n', "claims.keeps[0]: unknown value 'token'; did you mean tokens?"),
        (LEAST + "deadline = 0\n", "run.deadline: give a positive"),
        (LEAST + "side_by_side = 0\n", "run.side_by_side"),
        (LEAST + 'requirements = "none.txt"\n', "run.requirements: there is no file"),
        (LEAST + 'package = "package.json"\n', "run.package: there is no file"),
        (LEAST + '[connect]\nhow = "proxy"\n', "connect.hosts: missing"),
        (LEAST + '[connect]\nhosts = ["a.example"]\n', 'connect.hosts: are for how = "proxy"'),
        (LEAST + '[connect]\nhow = "proxy"\nhosts = ["https://a.example"]\n', "is no host name"),
        (LEAST + '[endpoints]\ntoken = "token"\n', "endpoints.token: 'token' is not a path"),
        (LEAST + '[[answers]]\npath = "userinfo"\n', "answers[0].path"),
        (LEAST + '[[files]]\npath = "/etc/x"\ncontent = ""\n', "files[0].path: '/etc/x' is not a path below HOME"),
        (LEAST + '[[files]]\npath = "a/../../x"\ncontent = ""\n', "files[0].path"),
        (
            LEAST + '[claims]\nid_token = true\n[response]\ntoken = { id_token = "x" }\n',
            "response.token.id_token: a fixed one cannot be checked: leave it out, or write {id_token}",
        ),
        (LEAST + "[clock]\nscale = 0.5\n", "clock.scale"),
        (LEAST + "[claims]\nrefresh = 1\n", "claims.refresh"),
        (LEAST + "[claims]\nexpiry = true\n", "claims.expiry: unknown key"),
        (LEAST + 'kind = "code"\n', "claims.authorization_code: is not tested in the dialect rfc8628"),
        (
            'dialect = "aws-sso-oidc"\n' + LEAST + 'kind = "operations"\n[claims]\nauthorization_code = true\n',
            "claims.authorization_code: is for a command that does a whole sign-in",
        ),
        (LEAST + "[claims]\nlogin = false\n", "claims.login: a client that cannot sign in"),
    ],
)
def test_mistakes_are_one_line(tmp_path, text, complaint):
    file = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_client(file)
    assert str(file) in str(caught.value)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_page_names_every_key():
    page = PAGE.read_text("utf-8")

    def keys(kind):
        for name, hint in get_type_hints(kind).items():
            yield name
            parts = get_args(hint) if get_origin(hint) in (tuple, Union, UnionType) else (hint,)
            for part in parts:
                if isinstance(part, type) and issubclass(part, msgspec.Struct):
                    yield from keys(part)

    collected = set(keys(ClientConfig))
    assert {"name", "deadline", "hosts", "keeps", "scale", "success", "content_type"} <= collected
    assert {key for key in collected if f"`{key}`" not in page and f"[{key}]" not in page} == set()


def test_what_names_a_client(tmp_path):
    assert isinstance(open_client("honest"), EmbeddedDriver)
    assert open_client("embedded:aws-sso-oidc:operations").config.run.kind == "operations"
    driver = open_client("-- ./login --now", dialect="aws-sso-oidc")
    assert isinstance(driver, ProcessDriver)
    assert (driver.config.run.command, driver.config.dialect) == (("./login", "--now"), "aws-sso-oidc")
    assert driver.spec == "-- ./login --now"
    assert open_client(str(written(tmp_path, LEAST).parent)).config.name == "x"


@pytest.mark.parametrize(
    ("spec", "options", "complaint"),
    [
        ("honst", {}, "did you mean honest?"),
        ("./none.toml", {}, "no such file"),
        ("-- ", {}, "needs a command"),
        ("-- 'open", {}, "not a command"),
        ("honest:rfc8628", {"dialect": "aws-sso-oidc"}, "contradicts"),
        ("honest:rfc8628:loop", {}, "unknown kind"),
        ("honest", {"faults": ["slow_down_ignord"]}, "did you mean slow_down_ignored"),
        ("-- x", {"faults": ["slow_down_ignored"]}, "--fault is for the reference client"),
        ("-- x", {"claims": ["meta"]}, "--claim meta: unknown claim: did you mean metadata? (registration, refresh"),
        ("honest", {"claims": ["metadata"]}, "--claim is for a command behind --"),
    ],
)
def test_wrong_names(spec, options, complaint):
    with pytest.raises(UsageError) as caught:
        open_client(spec, **options)
    assert complaint in str(caught.value)


def test_a_command_can_claim():
    assert open_client("-- x", claims=["metadata", "refresh"]).config.claims == Claims(metadata=True, refresh=True)
    assert open_client("-- x").config.claims == Claims()
    options = Options(target="-- x", party="client", claims=("metadata",))
    assert "--grant-claim=metadata" in as_arguments(options)
    assert options.rest == ("--claim", "metadata")


def test_an_empty_folder_and_another_dialect(tmp_path):
    with pytest.raises(UsageError, match=r"has no client\.toml"):
        open_client(str(tmp_path))
    with pytest.raises(UsageError, match="contradicts"):
        open_client(str(written(tmp_path, LEAST)), dialect="aws-sso-oidc")


def test_the_baseline_beside_it(tmp_path):
    file = written(tmp_path, LEAST)
    assert baseline_of(str(file)) is None
    (tmp_path / "baseline.toml").write_text("")
    assert baseline_of(str(file)) == tmp_path / "baseline.toml"
    assert baseline_of(str(tmp_path)) == tmp_path / "baseline.toml"
    assert baseline_of("honest") is None
    assert baseline_of("-- x") is None


@pytest.mark.parametrize("name", known_clients())
def test_clients_that_come_with_the_suite_are_read(name):
    assert read_client(known_clients()[name] / "client.toml").config.name

"""What names a target or a client on the command line, in every form."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import ROOT

from device_grant.errors import UsageError
from device_grant.targets.spec import SpecForm, parse_client, parse_target

SERVER = ROOT / "implementations" / "servers" / "nanoidp"
CLIENT = ROOT / "implementations" / "clients"


@pytest.mark.parametrize(
    ("text", "form", "dialect", "path"),
    [
        ("embedded", SpecForm.EMBEDDED, "", Path()),
        ("embedded:aws-sso-oidc", SpecForm.EMBEDDED, "aws-sso-oidc", Path()),
        ("https://idp.example/tenant", SpecForm.LIVE, "", Path()),
        ("HTTP://127.0.0.1:1", SpecForm.LIVE, "", Path()),
        ("asgi:module:app", SpecForm.APPLICATION, "", Path()),
        ("wsgi:module:make()", SpecForm.APPLICATION, "", Path()),
        ("cassette:a/b:c", SpecForm.CASSETTE, "", Path("a/b:c")),
        ("nanoidp", SpecForm.DESCRIBED, "", SERVER / "target.toml"),
        (str(SERVER), SpecForm.DESCRIBED, "", SERVER / "target.toml"),
        (str(SERVER / "target.toml"), SpecForm.DESCRIBED, "", SERVER / "target.toml"),
    ],
)
def test_forms_of_targets(text, form, dialect, path):
    spec = parse_target(text)
    assert (spec.text, spec.form, spec.dialect, spec.path) == (text, form, dialect, path)


@pytest.mark.parametrize(
    ("text", "form", "dialect", "operations"),
    [
        ("honest", SpecForm.EMBEDDED, "", False),
        ("embedded:rfc8628", SpecForm.EMBEDDED, "rfc8628", False),
        ("honest:aws-sso-oidc:operations", SpecForm.EMBEDDED, "aws-sso-oidc", True),
        ("honest::operations", SpecForm.EMBEDDED, "", True),
        ("-- ./client login", SpecForm.COMMAND, "", False),
    ],
)
def test_forms_of_clients(text, form, dialect, operations):
    spec = parse_client(text)
    assert (spec.form, spec.dialect, spec.operations) == (form, dialect, operations)
    assert spec.command == text.partition("-- ")[2]


def test_clients_that_come_with_the_suite_have_names():
    folder = next(CLIENT.glob("*/client.toml")).parent
    assert parse_client(folder.name).path == parse_client(str(folder)).path == folder / "client.toml"


@pytest.mark.parametrize(
    ("parse", "text", "part"),
    [
        (parse_target, "embedded:klingon", "unknown dialect"),
        (parse_target, "nano-idp", "did you mean nanoidp"),
        (parse_target, "embbeded", "did you mean embedded"),
        (parse_target, "honest", "unknown target 'honest'"),
        (parse_target, "a/b", "no such file or folder"),
        (parse_client, "honest:klingon", "unknown dialect"),
        (parse_client, "honest:rfc8628:nonsense", "unknown kind 'nonsense'"),
        (parse_client, "http://idp.example/", "no such file or folder"),
        (parse_client, "onest", "did you mean honest"),
        (parse_client, "unheard-of", "else give honest, the path of a client.toml, or -- and a command"),
    ],
)
def test_what_nothing_is_called_is_one_line(parse, text, part):
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_option_may_not_contradict_the_name():
    assert parse_target("embedded").spoken("rfc8628") == "rfc8628"
    assert parse_target("embedded:rfc8628").spoken(None) == "rfc8628"
    assert parse_target("embedded").spoken(None) is None
    with pytest.raises(UsageError, match="which --dialect aws-sso-oidc contradicts"):
        parse_target("embedded:rfc8628").spoken("aws-sso-oidc")

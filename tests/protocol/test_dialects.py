"""Dialects: the registry, and a third one that a user adds, which goes through the checks like those of the suite."""

import pytest

from device_grant.catalogue import Verdict, load
from device_grant.engine import run_check
from device_grant.errors import UsageError
from device_grant.judging import all_checks, applies
from device_grant.judging.loading import import_checks
from device_grant.protocol import (
    AWS_SSO_OIDC,
    RFC8628,
    Operation,
    Response,
    default_dialect,
    dialect,
    known_dialects,
    register,
    spoken,
)
from device_grant.protocol.dialects import FORM_TYPE, Rfc8628Dialect, registry
from device_grant.targets import resolve
from tests.support.github import GitHubDialect, github


@pytest.fixture
def third(monkeypatch):
    monkeypatch.setattr(registry, "_DIALECTS", dict(registry._DIALECTS))
    return register(GitHubDialect())


def verdicts_of(fault, *names):
    """The worst verdict of each check with its findings, invariants included."""
    with github(fault) as target:
        return {name: run_check(target, name) for name in names}


def polling_checks(spoken_here):
    import_checks("server")
    return [
        entry.name
        for entry in all_checks()
        if entry.name.startswith("polling::") and applies(entry, spoken_here, load().get)
    ]


def test_the_registry_has_the_dialects_of_the_suite_the_default_one_first():
    assert [one.name for one in known_dialects()] == [RFC8628, AWS_SSO_OIDC]
    assert default_dialect() is dialect(RFC8628)
    assert spoken("somebody-elses") is default_dialect()


def test_unknown_names_are_refused_with_the_list(third):
    with pytest.raises(UsageError, match=r"unknown dialect 'rfc8629': did you mean rfc8628\? \(rfc8628, aws-sso-oidc"):
        dialect("rfc8629")
    with pytest.raises(UsageError, match="unknown dialect"):
        resolve("http://127.0.0.1:1", dialect="rfc8629")
    assert resolve("http://127.0.0.1:1", dialect=third.name).config.dialect == third.name


def test_a_name_is_registered_once(third):
    class Other(Rfc8628Dialect):
        name = third.name

    assert register(GitHubDialect()) is third
    with pytest.raises(UsageError, match="dialect 'github' is registered twice"):
        register(Other())


def test_a_file_may_name_registered_dialects_alone(third, tmp_path):
    file = tmp_path / "target.toml"
    text = 'name = "x"\ndialect = "{}"\n[endpoints]\nbase = "http://127.0.0.1:1"\n'
    file.write_text(text.format(third.name))
    assert resolve(str(file)).config.dialect == third.name
    file.write_text(text.format("rfc8629"))
    with pytest.raises(UsageError, match=r"target.toml: dialect: unknown dialect 'rfc8629': did you mean rfc8628"):
        resolve(str(file))


def test_requirements_bind_a_dialect_that_does_not_depart_from_them(third):
    catalogue = load()
    assert third.binds(catalogue.get("rfc8628-3.5-access-denied"))
    assert not third.binds(catalogue.get("aws-token-pending"))
    [departed] = third.departures
    assert dialect(RFC8628).binds(catalogue.get(departed))
    assert not third.binds(catalogue.get(departed))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"error=authorization_pending", "authorization_pending"),
        (b"error=incorrect_device_code&error_description=Wrong", "invalid_grant"),
        (b"access_token=gho_1&token_type=bearer&scope=repo%2Cgist", "ok"),
        (b"", "http-200"),
    ],
)
def test_forms_are_read_where_a_server_answers_by_forms(third, content, code):
    response = Response(200, (("Content-Type", f"{FORM_TYPE}; charset=utf-8"),), content)
    assert third.decode(Operation.TOKEN, response).code == code


def test_an_honest_server_of_the_third_dialect_passes_the_polling_checks(third):
    names = polling_checks(third)
    assert len(names) >= 10
    for name, outcome in verdicts_of("", *names).items():
        assert outcome.stop is None, (name, outcome.stop)
        assert outcome.worst is not Verdict.FAIL, (name, outcome.claims, outcome.broken_invariants)
        assert Verdict.PASS in outcome.verdicts.values(), name


@pytest.mark.parametrize(
    ("fault", "name", "requirement"),
    [
        ("pending_is_empty", "polling::test_pending", "rfc8628-3.5-authorization-pending"),
        ("pending_is_empty", "polling::test_polite_polling", "rfc8628-3.5-pending-is-not-terminal"),
        ("denial_ignored", "user_decision::test_denial_is_final", "rfc8628-3.5-access-denied"),
    ],
)
@pytest.mark.usefixtures("third")
def test_a_broken_server_of_the_third_dialect_fails(fault, name, requirement):
    assert verdicts_of("", name)[name].verdicts[requirement] is Verdict.PASS
    assert verdicts_of(fault, name)[name].verdicts[requirement] is Verdict.FAIL


@pytest.mark.usefixtures("third")
def test_statuses_are_judged_as_the_dialect_has_them():
    """The same answers, judged as those of the RFC dialect, have a wrong status."""
    with github() as target:
        own = run_check(target, "polling::test_pending").invariants
    with github(judged_as=RFC8628) as target:
        other = run_check(target, "polling::test_pending").broken_invariants
    assert own["invariants::device_grant_error_status"] == {"rfc8628-3.5-error-format": Verdict.PASS}
    assert other["invariants::device_grant_error_status"] == frozenset({"rfc8628-3.5-error-format"})

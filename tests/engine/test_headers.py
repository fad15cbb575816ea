"""What the first line of the results tells of a target: its language, its product, how a client is run."""

from types import SimpleNamespace

import msgspec
import pytest

from device_grant.catalogue import load
from device_grant.client.drivers.config import ClientConfig, RunSection
from device_grant.client.drivers.load import known_clients, read_client
from device_grant.engine.headers import of_client, of_server
from device_grant.results import Report, publish
from device_grant.targets import known_servers, read_target
from device_grant.targets.config import TargetConfig

NAMED = SimpleNamespace(name="rfc8628")


def server_header(**given):
    config = TargetConfig(name="x", **given)
    target = SimpleNamespace(config=config, spec="x", clock=SimpleNamespace(title="real"))
    run = SimpleNamespace(target=target, name="x", catalogue=load(), dialect=NAMED, profile=NAMED, seed=None)
    return of_server(run, "device-grant run x")


def client_header(kind="flow", **given):
    config = ClientConfig(name="x", run=RunSection(command=("x",), kind=kind), **given)
    driver = SimpleNamespace(spec="x", clock="real", network="")
    run = SimpleNamespace(driver=driver, config=config, catalogue=load(), dialect=NAMED, registers=False)
    return of_client(run, "device-grant client x")


def written(header):
    return msgspec.to_builtins(publish(Report(header=header, cases=(), results=(), footer=None)).header)


def test_language_and_product_are_written_and_published():
    assert written(server_header(language="go", product="dex")).items() >= {"language": "go", "product": "dex"}.items()
    of_operations = written(client_header(kind="operations", language="c++", product="oidc"))
    assert of_operations.items() >= {"language": "c++", "product": "oidc", "client_kind": "operations"}.items()


def test_what_is_not_said_is_absent():
    assert not {"language", "product", "client_kind"} & set(written(server_header()))
    assert not {"language", "product"} & set(written(client_header()))
    assert written(client_header())["client_kind"] == "flow"


@pytest.mark.parametrize(
    ("folders", "read", "file"),
    [(known_servers(), read_target, "target.toml"), (known_clients(), read_client, "client.toml")],
)
def test_all_that_comes_with_the_suite_has_a_language(folders, read, file):
    assert [name for name, folder in folders.items() if not read(folder / file).config.language] == []


def test_versions_of_one_product_have_different_versions_and_the_same_dialect():
    configs = [read_target(folder / "target.toml").config for folder in known_servers().values()]
    clients = [read_client(folder / "client.toml").config for folder in known_clients().values()]
    for members in (configs, clients):
        for product in {one.product for one in members} - {""}:
            versions = [one for one in members if one.product == product]
            assert len({one.version for one in versions}) == len(versions)
            assert len({one.dialect for one in versions}) == 1

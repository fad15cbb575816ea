"""What strangers can make the reference server keep: so much and no more, and never what others use."""

import dataclasses

import pytest

from device_grant.reference.server.faults import Faults
from device_grant.reference.server.registered import Clients
from device_grant.reference.server.settings import Settings
from device_grant.reference.server.store import RegisteredClient, Store

LIMITS = "device_grant.reference.server.registered"


def store(**settings):
    return Store(Settings(**settings), Faults(), lambda: 1_700_000_000.0)


def test_registrations_are_bounded_and_those_in_use_stay(monkeypatch):
    monkeypatch.setattr(f"{LIMITS}.MOST_CLIENTS", 10)
    kept = store()
    known = list(kept.clients)
    assert known
    for number in range(100):
        kept.add_client(RegisteredClient(id=f"c{number}"))
        kept.clients.used("c0")
    assert len(kept.clients) == 10 + len(known)
    assert set(known) | {"c0", "c99"} <= set(kept.clients)
    assert "c1" not in kept.clients


def test_what_registrations_say_is_bounded_too(monkeypatch):
    monkeypatch.setattr(f"{LIMITS}.MOST_OCTETS", 1_000_000)
    kept = store()
    for number in range(50):
        kept.add_client(RegisteredClient(id=f"c{number}", name="n" * 100_000))
    assert sum(len(client.name) for client in kept.clients.values()) <= 1_000_000
    assert "c49" in kept.clients


def test_one_that_is_larger_than_all_room_is_kept_alone(monkeypatch):
    monkeypatch.setattr(f"{LIMITS}.MOST_OCTETS", 1_000)
    clients = Clients([RegisteredClient(id="known")])
    clients.add(RegisteredClient(id="a"))
    clients.add(RegisteredClient(id="b", name="n" * 5_000))
    assert list(clients) == ["known", "b"]
    clients.add(RegisteredClient(id="c"))
    assert list(clients) == ["known", "c"]


def test_room_that_is_left_is_used_again(monkeypatch):
    monkeypatch.setattr(f"{LIMITS}.MOST_OCTETS", 1_000)
    clients = Clients([])
    for number in range(100):
        client = RegisteredClient(id=f"c{number}", name="n" * 300)
        clients.add(client)
        clients.add(dataclasses.replace(client, name="n" * 200))
        clients.drop(client.id)
    clients.add(RegisteredClient(id="a", name="n" * 300))
    clients.add(RegisteredClient(id="b", name="n" * 300))
    assert list(clients) == ["a", "b"]


@pytest.mark.parametrize("kept", ["refresh_tokens", "access_tokens", "revoked_families", "last_polls"])
def test_records_without_a_grant_are_bounded(monkeypatch, kept):
    monkeypatch.setattr("device_grant.reference.server.store.MOST", 5)
    held = store()
    client = RegisteredClient(id="c")
    from device_grant.reference.server.grants import Grants
    from device_grant.reference.server.issued.terms import Terms

    grants = Grants(held)
    for number in range(30):
        held.revoked_families[f"f{number}"] = None
        held.last_polls[f"c{number}"] = 0.0
        grants.tokens.issue(client, ("profile",), Terms(subject="alice"))
    assert len(getattr(held, kept)) <= 6

"""The real command starts servers and clients that turn against it: what they write, whom they leave, how they die."""

import pytest

from hostile import clients, server_room
from hostile.room import cases, clean


@pytest.mark.parametrize(("mode", "dialect"), cases("launched"))
def test_hostile_launched_server(tmp_path, mode, dialect):
    clean(server_room.meet(mode, dialect, tmp_path), mode)


@pytest.mark.parametrize(("mode", "dialect"), cases("clients"))
def test_hostile_client(tmp_path, mode, dialect):
    clean(clients.meet(mode, dialect, tmp_path), mode)

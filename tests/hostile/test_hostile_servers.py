"""The real command meets servers that lie: it ends in time and within its memory, and leaves nothing behind."""

import pytest

from hostile.room import cases, clean
from hostile.server_room import meet


@pytest.mark.parametrize(("mode", "dialect"), cases("servers"))
def test_hostile_server(tmp_path, mode, dialect):
    clean(meet(mode, dialect, tmp_path), mode)

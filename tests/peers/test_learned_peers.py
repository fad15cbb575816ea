"""Honest but odd servers are learned, and no edge of theirs is red, but for what a peer says of itself."""

import os
import zlib

import pytest
from peer_room import FOLDER, PEERS, target_toml
from support import varieties
from support.learned import learned_of

from device_grant.learning.endings import NotLearnableError
from device_grant.learning.machine import spoken
from device_grant.targets.load import read_target
from device_grant.targets.transports.in_process import AsgiTarget
from device_grant.targets.users import ModuleUser

ALL = "DEVICE_GRANT_ALL_PEERS"
"""Set: every peer is learned. Otherwise a tenth of them."""
FREE = {
    "FewCodes": "bounds how many codes live",
    "LaggingReplicas": "knows of a decision two intervals later",
}


def chosen():
    return [name for name in PEERS if os.environ.get(ALL) or name in FREE or zlib.crc32(name.encode()) % 10 == 0]


def accused(target, deviations=()):
    said = []
    for result in learned_of(target, "basic").values():
        said += [
            f"{edge.requirement.id}: {spoken(edge.word, edge.answers)}"
            for edge in result.red
            if edge.requirement.id not in deviations
        ]
        said += [f"{' '.join(word)}: {seen}" for word, seen in result.disagreements.items()]
    return said


@pytest.mark.parametrize("name", chosen())
def test_a_learned_peer_is_not_accused(name, tmp_path):
    file = tmp_path / "target.toml"
    file.write_text(target_toml(PEERS[name]))
    located = read_target(file)
    target = AsgiTarget(located, ModuleUser(FOLDER / located.config.user.module), app=PEERS[name]())
    try:
        assert accused(target, PEERS[name].deviations) == []
    except NotLearnableError as reason:
        # Not every server has a client for the asking.
        assert "no client" in str(reason)  # noqa: PT017 - what it says is the point


def test_a_server_that_limits_the_rate_of_requests_is_not_accused(tmp_path):
    file = tmp_path / "target.toml"
    user = FOLDER.parent.parent / "conformance/device_grant/reference/server/user.py"
    file.write_text(
        'name = "limited"\n[serve]\napp = "asgi:support.varieties:rate_limited"\n'
        f'[user]\nmodule = "{user}"\n[clock]\nkind = "travel"\n'
    )
    assert accused(AsgiTarget(read_target(file), ModuleUser(user), app=varieties.rate_limited)) == []

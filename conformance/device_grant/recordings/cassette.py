"""Cassettes: a recorded run that can be judged again without the server it was recorded from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.recordings.formats.cassette import Cassette, Manifest, read, write
from device_grant.recordings.record.recorder import Recorder, RecordingTarget
from device_grant.recordings.replay.player import Player, ReplayTarget

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Cassette",
    "Manifest",
    "Player",
    "Recorder",
    "RecordingTarget",
    "ReplayTarget",
    "open_cassette",
    "read",
    "write",
]


def open_cassette(folder: Path, spec: str) -> ReplayTarget:
    """The target that a cassette was recorded from, to be replayed; raises UsageError as `read` does."""
    cassette = read(folder)
    return replay_target(cassette.manifest, Player(cassette.tapes), spec, cassette.baseline)


def replay_target(manifest: Manifest, player: Player, spec: str, baseline: Path | None) -> ReplayTarget:
    """A target that plays what a manifest describes."""
    return ReplayTarget(
        player,
        manifest.target,
        spec=spec,
        base=manifest.base,
        clock=manifest.clock,
        in_process=manifest.in_process,
        user=manifest.user,
        steps=manifest.steps,
        baseline=baseline,
    )

"""Replays a recorded run: a target that answers from what was kept."""

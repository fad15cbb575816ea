"""Runs checks against what is under test and collects their verdicts."""

"""Captures judged without the command: the worst result by requirement."""

from __future__ import annotations

import msgspec

from device_grant.catalogue import Verdict, load
from device_grant.protocol import Secrets
from device_grant.recordings.judge import find, read_capture
from device_grant.recordings.judge.judging import CaptureJudge
from device_grant.recordings.judge.secrets import learn
from device_grant.results import Baseline
from device_grant.results.collector import Collector


def judged(tmp_path, text, *, name="traffic.har", parties=None):
    """The worst result by requirement, as results.jsonl has it."""
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    findings = find(read_capture(file))
    [dialect] = findings.dialects
    secrets = Secrets()
    learn(findings.exchanges, secrets)
    description = parties or findings.capture.parties
    judge = CaptureJudge(findings, dialect, load(), lambda *_: False, secrets, description, words=(str(file),))
    collector = Collector(secrets, Baseline())
    for one in judge.judged():
        collector.add(one.case, [], one.results)
    collected: dict[str, dict] = {}
    for result in collector._invariants.values():
        known = collected.get(result.requirement)
        if known is None or Verdict.from_label(result.verdict) > Verdict.from_label(known["verdict"]):
            collected[result.requirement] = msgspec.to_builtins(result)
    return collected


def verdicts(result):
    """The labels by requirement."""
    return {name: one["verdict"] for name, one in result.items()}


def failing(result):
    """The requirements that fail."""
    return {name for name, one in result.items() if one["verdict"] == "fail"}

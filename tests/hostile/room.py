"""Which modes run, in which dialect, and which of them every day."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hostile import clients, server_room

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

    from hostile.clients import ClientMode
    from hostile.modes import Mode
    from hostile.running import Run

ALL = bool(os.environ.get("DEVICE_GRANT_ALL_HOSTILE"))
"""All modes in all their dialects, in half an hour."""
BOTH = frozenset({"endless chunks", "gzip bomb"})
"""Modes that run in both dialects; of the others each runs in one, in turn, so that a gate has time for all."""
DAILY = frozenset({
    "endless chunks",
    "body that drips",
    "interval 1e308",
    "device_code lone surrogate",
    "metadata: token_endpoint bracket",
    "device codes that are 'test'",
    "launched: escapes",
    "client: daemon, early",
    "JSON: depth of a hundred thousand",
})  # fmt: skip
"""One of each kind."""
RARE = frozenset({
    "100 MB at registration",
    "Date beyond all",
    "body that drips at the token endpoint",
    "brotli that is none",
    "browser: script that grows",
    "browser: script that prints",
    "browser: script without an end",
    "charset that is none",
    "client: children, early",
    "client: closes its outputs, early",
    "client: crashed, early",
    "client: false length, early",
    "client: killed, late",
    "client: large field, early",
    "client: long line, early",
    "client: many lines, early",
    "client: many markers, early",
    "client: noise, early",
    "client: raw octets, early",
    "client: stubborn children, late",
    "deflate bomb",
    "endless body without a length",
    "endless chunks at the token endpoint",
    "endless trailers",
    "gzip bomb at the token endpoint",
    "launched, dies: daemon",
    "launched: children",
    "launched: crashed",
    "launched: ends well",
    "launched: late escapes",
    "launched: late killed",
    "launched: long line",
    "launched: noise",
    "launched: raw octets",
    "launched: stubborn",
    "pages that redirect to a file",
    "redirect of a megabyte",
    "silence after the head",
    "silence at the token endpoint",
    "status line that drips",
})  # fmt: skip
"""Modes that have a near relative, and are left out like those that are rare in their table."""
KNOWN: dict[str, str] = {
    "client: daemon without a name, early": "a daemon that gave up session and environment is not ended",
}
"""What the suite does not bear yet, by the name of the mode, and what happens."""


def cases(kind: str) -> list[ParameterSet]:
    """Parameters of one kind: `servers`, `launched` or `clients`."""
    modes = {
        "servers": [mode for mode in server_room.modes() if not mode.launched],
        "launched": server_room.modes("launched"),
        "clients": clients.MODES,
    }[kind]
    made = []
    for number, mode in enumerate(modes):
        if (mode.rare or mode.name in RARE) and not ALL and mode.name not in DAILY:
            continue
        both = ALL or mode.name in BOTH
        dialects = mode.dialects if both else (mode.dialects[number % len(mode.dialects)],)
        for dialect in dialects:
            marks = [] if mode.name in DAILY and dialect == dialects[0] else [pytest.mark.hostile]
            if mode.browser:
                marks.append(pytest.mark.needs("chromium"))
            if mode.name in KNOWN:
                marks.append(pytest.mark.xfail(reason=KNOWN[mode.name], strict=True))
            made.append(pytest.param(mode, dialect, marks=[*marks, pytest.mark.long], id=f"{mode.name}-{dialect}"[:90]))
    return made


def clean(run: Run, mode: Mode | ClientMode) -> None:
    """Assert that the run was as it should be; its output is the message."""
    problems = run.problems(terminal=mode.terminal)
    assert not problems, f"{'; '.join(problems)}\n{run.output[-3000:]!a}"

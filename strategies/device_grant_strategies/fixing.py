"""Members that a caller fixes: `create_token_requests(clientId="…", deviceCode=None)`."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import DrawFn, SearchStrategy

Members = dict[str, Any]
Strategies = Mapping[str, SearchStrategy[Any]]


def reject_unknown(where: str, names: Collection[str], known: Collection[str]) -> None:
    """Raise InvalidArgument for a name that is not a known one, with the closest known names."""
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or sorted(known)
            raise InvalidArgument(f"{where}: there is no {name!r}; did you mean {', '.join(close)}?")


def requests(required: Strategies, optional: Strategies, fixed: Mapping[str, object]) -> SearchStrategy[Members]:
    """Dicts with all required and some optional members.

    A fixed member has the given value, or is drawn if the value is a strategy, or is absent if it is None.
    """
    always = {name: strategy for name, strategy in required.items() if name not in fixed}
    always |= {name: _strategy(value) for name, value in fixed.items() if value is not None}
    sometimes = {name: strategy for name, strategy in optional.items() if name not in fixed}
    return _requests(tuple(always.items()), tuple(sometimes.items()))


@st.composite
def _requests(
    draw: DrawFn,
    always: Sequence[tuple[str, SearchStrategy[Any]]],
    sometimes: Sequence[tuple[str, SearchStrategy[Any]]],
) -> Members:
    # One number says which optional members are there: a draw for each would cost more than their values.
    present = draw(st.integers(0, 2 ** len(sometimes) - 1)) if sometimes else 0
    members = {name: draw(strategy) for name, strategy in always}
    members |= {name: draw(strategy) for bit, (name, strategy) in enumerate(sometimes) if present >> bit & 1}
    return members


def _strategy(value: object) -> SearchStrategy[Any]:
    if isinstance(value, SearchStrategy):
        return value
    if isinstance(value, list | dict):
        # One example must not see what another one did to its list.
        return st.builds(copy.deepcopy, st.just(value))
    return st.just(value)

"""What a check may ask for by the name of a parameter, and what it then gets."""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING, Any

from device_grant.errors import SuiteError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "server": {
        "device": "A device whose client is the primary one. `device.start()` begins a grant; `device.user` decides.",
        "other": "A device of a second client. Where there is none, the check is untestable.",
        "confidential": "A device whose client has a secret that the server must check. Where there is none, the check "
        "is untestable.",
        "verify": "Says whether a requirement holds: `verify(requirement, exchange, accepted=[...])`, or "
        "`verify.that(requirement, holds, problem, exchange)` of what is no outcome.",
        "fuzz": "Runs a judge over generated examples, and shrinks the first that fails.",
        "case": "The case itself, for what the others do not do: sends any request, waits on the target's clock, "
        "registers clients.",
    },
    "client": {
        "client": "The client under test. Each of its methods runs it once, against a script, and gives the attempt.",
        "verify": "Says whether a requirement holds: `verify.that(requirement, holds, problem, attempt)`, or "
        "`verify.by_rules(attempt, requirement)` for what the rules say of it.",
    },
}
"""By the party that the check judges, and by name."""


def parameters_of(function: Callable[..., Any], check: str, party: str) -> tuple[str, ...]:
    """Names of what a check asks for; raises SuiteError with a list of what there is if one is unknown."""
    offered = PARAMETERS.get(party)
    if offered is None:
        raise SuiteError(f"{check} judges {party!r}; a check judges one of {', '.join(PARAMETERS)}")
    names = tuple(inspect.signature(function).parameters)
    for name in names:
        if name not in offered:
            nearest = difflib.get_close_matches(name, offered, n=1)
            meant = f" (did you mean {nearest[0]}?)" if nearest else ""
            raise SuiteError(f"{check} asks for {name!r}{meant}; a check of a {party} may ask for {', '.join(offered)}")
    return names

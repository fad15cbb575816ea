"""What the faults of the reference server and those of the reference client have in common."""

from __future__ import annotations

import difflib
from dataclasses import field, fields
from typing import Any, ClassVar, Self

from device_grant.errors import UsageError
from device_grant.protocol import AWS_SSO_OIDC, RFC8628

RFC = (RFC8628,)
AWS = (AWS_SSO_OIDC,)
BOTH = RFC + AWS
"""Dialects that the reference server and the reference client speak."""


def fault(documentation: str, dialects: tuple[str, ...] = BOTH) -> Any:
    """A field for one fault: off, with what it does and the dialects in which it shows."""
    # Documentation as data: it is shown on the command line too, and must survive python -OO.
    return field(default=False, metadata={"documentation": documentation, "dialects": dialects})


class Misbehaviour:
    """Base of a frozen dataclass whose fields are all made by `fault`."""

    kind: ClassVar[str]
    """How a message calls one of them."""
    listing: ClassVar[str]
    """Where a message says that all of them are listed."""

    @classmethod
    def named(cls, *names: str) -> Self:
        """Just these faults on; raises UsageError for a name that does not exist."""
        known = [name for name, _, _ in cls.catalogue()]
        for name in names:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
                hint = f"did you mean {', '.join(close)}?" if close else f"{cls.listing} lists them all"
                raise UsageError(f"unknown {cls.kind} {name!r}: {hint}")
        return cls(**dict.fromkeys(names, True))

    @classmethod
    def catalogue(cls) -> list[tuple[str, tuple[str, ...], str]]:
        """Every fault: name, dialects in which it shows, documentation."""
        return [
            (entry.name, entry.metadata["dialects"], entry.metadata["documentation"])
            for entry in fields(cls)  # type: ignore[arg-type]  # every subclass is a dataclass
        ]

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the faults that are on."""
        return tuple(name for name, _, _ in self.catalogue() if getattr(self, name))

"""What a requirement is: one normative statement, as data, and how a broken one is judged."""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec

RFC8628 = "rfc8628"
"""Name of the dialect of the RFCs themselves."""
AWS_SSO_OIDC = "aws-sso-oidc"
"""Name of the dialect of AWS SSO OIDC."""
DIALECTS = (RFC8628, AWS_SSO_OIDC)
"""Dialects of which the catalogue has requirements; what they mean, the protocol room says."""


class Level(StrEnum):
    """Requirement levels of RFC 2119; REQUIRED is folded into MUST, RECOMMENDED into SHOULD, OPTIONAL into MAY."""

    MUST = "MUST"
    MUST_NOT = "MUST NOT"
    SHOULD = "SHOULD"
    SHOULD_NOT = "SHOULD NOT"
    MAY = "MAY"
    IMPLIED = "IMPLIED"
    """A rule that follows from the text without a keyword of RFC 2119; the entry says how breaking it is judged."""


class Party(StrEnum):
    """Who is bound by the requirement."""

    CLIENT = "client"
    AUTHORIZATION_SERVER = "authorization-server"
    BOTH = "both"
    USER_INTERACTION = "user-interaction"
    """The authorization server's pages for the end user."""


class Verdict(IntEnum):
    """Verdicts on a requirement, ordered: merging two takes the greater one.

    What was seen to be broken, at whatever level, outranks what could not be told: no doubt elsewhere makes it undone.
    What could not be told outranks what was seen to hold.
    """

    PASS = 0
    NOT_APPLICABLE = 1
    INCONCLUSIVE = 2
    UNTESTABLE = 3
    OBSERVED = 4
    WARN = 5
    FAIL = 6

    @property
    def label(self) -> str:
        """The word used in results and reports, for example `not-applicable`."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def from_label(cls, label: str) -> Verdict:
        """Read a label back; raises KeyError for an unknown one."""
        return cls[label.upper().replace("-", "_")]


class Status(StrEnum):
    """Whether the suite covers a requirement; `tested` is derived from the checks that name it."""

    TESTED = "tested"
    EXCLUDED = "excluded"
    OPEN = "open"


class Requirement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the catalogue."""

    id: str
    """Stable slug, for example `rfc8628-3.5-access-denied`."""
    section: str
    """Section of the source, or the operation or test name where the source has no sections."""
    level: Level
    party: Party
    statement: str
    """Our paraphrase, never the source's text."""
    dialects: tuple[str, ...]
    """Dialects in which the requirement applies, of those in DIALECTS."""
    broken: str = ""
    """For IMPLIED entries, and only for them: the verdict when broken, one of `fail`, `warn`, `observed`."""
    caveat: str = ""
    """Ambiguity or legitimate variation that a check must allow for."""
    aws_note: str = msgspec.field(default="", name="aws")
    """How the AWS dialect differs, by design or in practice."""
    how: str = ""
    """How it can be observed from outside."""
    why: str = ""
    """What goes wrong for people when it is broken."""
    seen_in: tuple[str, ...] = ()
    """Public reports of implementations that broke it: addresses with https, in the order of their age."""
    needs: tuple[str, ...] = ()
    """Prerequisites beyond an endpoint, for example `approver`, `second-client`, `clock`."""
    tags: tuple[str, ...] = ()
    """`security` marks results that are withheld for third parties."""
    excluded: str = ""
    """Reason why no check can or should test it; empty for the others."""
    source: str = ""
    """Name of the source document; filled in by the loader from the file's head."""
    url: str = ""
    """Link to the section; filled in by the loader."""

    @property
    def verdict_if_broken(self) -> Verdict:
        """FAIL, WARN or OBSERVED, from the level alone (for IMPLIED: from the entry)."""
        match self.level:
            case Level.MUST | Level.MUST_NOT:
                return Verdict.FAIL
            case Level.SHOULD | Level.SHOULD_NOT:
                return Verdict.WARN
            case Level.MAY:
                return Verdict.OBSERVED
            case Level.IMPLIED:
                return Verdict.from_label(self.broken)

    @property
    def security(self) -> bool:
        """Whether results for third parties are withheld from files."""
        return "security" in self.tags

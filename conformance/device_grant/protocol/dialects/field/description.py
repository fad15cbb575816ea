"""What a dialect of the field is described by: the form of the files in `data/`."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from device_grant.protocol.exchange import DEVICE_CODE_GRANT


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class TakenRequests(_Part, frozen=True, kw_only=True):
    """What its servers take of clients."""

    encodings: tuple[Literal["form", "json", "query"], ...] = ("form",)
    """How parameters may be sent."""
    names: dict[str, str] = {}
    """Canonical names of parameters by the other names that they may have, for example `code` for `device_code`."""
    grant_types: tuple[str, ...] = (DEVICE_CODE_GRANT,)
    """Values of grant_type in a poll; an empty one where a poll need have none."""
    repeatable: tuple[str, ...] = ()
    """Parameters of its own that may come in the query and in the body."""
    demands: tuple[str, ...] = ()
    """Parameters, canonical names, without which a device authorization request is refused."""
    secret: bool = False
    """Whether public clients have a client_secret, which they send with each poll."""
    secret_with_start: bool = False
    """Whether they send it with the device authorization request too."""
    refreshes_elsewhere: bool = False
    """Whether refresh tokens are for another endpoint than polls."""
    constants: dict[str, str] = {}
    """Parameters of every device authorization request that have one value, for example `response_type`."""


class GivenAnswers(_Part, frozen=True, kw_only=True):
    """What its servers answer to what succeeds."""

    names: dict[str, str] = {}
    """Names of members by their canonical ones, for example `verification_url` for `verification_uri`."""
    absent: tuple[str, ...] = ()
    """Members of RFC 8628 section 3.2 and RFC 6749 section 5.1 that never come, canonical names."""
    device_authorization: dict[str, Any] = {}
    """Further members, or other texts of known ones; the placeholders of client.toml's `[response]` are filled in."""
    token: dict[str, Any] = {}
    """The same for token responses."""
    scope: Literal["", "spaces", "commas", "list"] = ""
    """How the scope that was granted is said, always; empty: it is said only where it is not the one asked for."""
    nested: str = ""
    """Member of a token response in which its members are; empty: they are at the top."""
    numbers_are_texts: bool = False
    """Whether numbers are JSON strings of digits."""
    nulls: bool = False
    """Whether members without a value are sent as null."""
    form_unless_json_is_accepted: bool = False
    """Whether answers, errors too, are forms where the Accept header does not name JSON."""


class GivenState(_Part, frozen=True, kw_only=True):
    """How one error, or state of a code, is said."""

    name: str = ""
    """Its name on the wire; empty: the RFC's."""
    status: int = 0
    """Its HTTP status; 0: that of the other errors."""
    subcode: int = 0
    """Facebook's number."""


class GivenErrors(_Part, frozen=True, kw_only=True):
    """What its servers answer to what fails."""

    form: Literal["oauth", "message", "graph", "status"] = "oauth"
    """`oauth`: the member `error`. `message`: the member `message` beside the status. `graph`: an object `error` with
    numbers, as Facebook has it. `status`: the HTTP status alone, with an empty body."""
    status: int = 400
    states: dict[str, GivenState] = {}
    """By their names in RFC 8628 section 3.5 and RFC 6749 section 5.2."""
    others: dict[str, str] = {}
    """By further names, or statuses where those say all, the names that the RFCs have for what they say."""
    members: dict[str, Any] = {}
    """Further members of every error."""
    ending: str = ""
    """What every error_description ends with."""
    slow_down_says_interval: bool = False
    """Whether slow_down has the interval that holds from then on."""
    also_in: str = ""
    """Another member in which an error may stand, as text; empty: there is none."""


class Recognised(_Part, frozen=True, kw_only=True):
    """By what requests to its servers are known: patterns of shells, in which `*` stands for anything."""

    hosts: tuple[str, ...] = ()
    """The provider's own, lower case, without a port."""
    device_authorization: tuple[str, ...]
    """Paths of the device authorization endpoint."""
    token: tuple[str, ...]
    """Paths of the token endpoint."""
    elsewhere: Literal["never", "signs", "paths"] = "never"
    """At other hosts, custom domains say. `never`: it is not spoken there. `signs`: by these paths and at least one
    answer that the RFC's servers do not send. `paths`: by the paths, which nobody else has."""


class Description(_Part, frozen=True, kw_only=True):
    """One dialect of the field."""

    title: str
    """Whose it is, for people."""
    sources: tuple[str, ...]
    """Where it is written: addresses, or which programs agree on it."""
    confidence: Literal["documented", "agreed", "single"]
    """`documented`: the provider's own documentation or source was read. `agreed`: several independent clients or
    fixtures agree. `single`: one page or program says it."""
    remark: str = ""
    """What is not known of it, or known with less confidence than the rest."""
    device_authorization: str
    """Path of the device authorization endpoint; of several, the one that a scripted server has."""
    token: str
    """Path of the token endpoint."""
    metadata: bool = False
    """Whether its servers describe themselves (RFC 8414, OpenID Connect Discovery)."""
    recognised: Recognised
    requests: TakenRequests = TakenRequests()
    responses: GivenAnswers = GivenAnswers()
    errors: GivenErrors = GivenErrors()
    departures: dict[str, str] = {}
    """Requirements of the catalogue that its servers or clients break on purpose, by id, with how."""

"""What a script is made of: each step turns the honest answer into the one that is sent."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from device_grant.client.scripted.replies import Reply, json_reply, reply_in
from device_grant.protocol import REFRESH_TOKEN_GRANT, service_model
from device_grant.protocol.reading import value_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from device_grant.client.scripted.identity import IdTokenLie
    from device_grant.client.scripted.replies import Fate, Framing
    from device_grant.protocol import Dialect, Request

Channel = Literal["start", "token", "refresh", "registration", "metadata", "authorize", "redeem", "revocation"]
"""What a request is for; a refresh, and the redemption of a code, are told from a poll by their grant types."""

_DESCRIPTION = "error_description"
AWS_SUFFIX = ":http://internal.amazon.com/coral/com.amazonaws.sso.oidc/"
"""How the real service goes on after the exception's name in `x-amzn-ErrorType`."""


@dataclass(frozen=True)
class Moment:
    """What a step may look at."""

    dialect: Dialect
    request: Request
    base: str
    elsewhere: str
    """Base URL of another origin."""
    honest: Callable[[], Reply]
    """Makes the honest answer, with all that it changes at the server (a code is issued, a grant redeemed)."""
    error_members: Mapping[str, Any] = field(default_factory=dict)
    """What client.toml adds to every error."""
    insisted: Mapping[str, Any] = field(default_factory=dict)
    """Members that client.toml has for this answer, wire names: no script changes them."""
    error_status: int = 0
    """Status that client.toml wants of every error; 0: the usual ones."""
    id_token: Callable[[str, IdTokenLie], str] | None = None
    """Makes an ID token for the client that asks, beside that access token."""


Step = Callable[[Moment], Reply]
"""One answer of a script."""


@dataclass(frozen=True)
class Script:
    """Answers by channel, in order; after them the honest ones, or the last one for ever."""

    steps: Mapping[Channel, Sequence[Step]] = field(default_factory=dict)
    forever: frozenset[Channel] = frozenset()
    """Channels whose last step goes on."""

    def step(self, channel: Channel, number: int) -> Step:
        """The step for the request of that number, counted from 0."""
        steps = self.steps.get(channel, ())
        if number < len(steps):
            return steps[number]
        return steps[-1] if steps and channel in self.forever else honest()


def honest() -> Step:
    """The honest answer as it is."""
    return lambda moment: moment.honest()


def pending(status: int | None = None) -> Step:
    """authorization_pending."""
    return error("authorization_pending", status=status)


def slow_down() -> Step:
    """slow_down."""
    return error("slow_down")


ErrorForm = Literal["both", "suffix", "header", "body", "type", "code", "namespace"]
"""Where an AWS error is named: header and body (the default, with or without the real service's suffix), the header
alone, the OAuth body alone, `__type`, `code`, or the header with a namespace before a hash."""


def error(
    code: str, *, form: ErrorForm = "suffix", status: int | None = None, description: bool = True, **members: Any
) -> Step:
    """An OAuth error; in the AWS dialect also its exception, in one of the forms that the model allows."""

    def reply(moment: Moment) -> Reply:
        said: dict[str, Any] = {"error": code}
        if description:
            said[_DESCRIPTION] = f"The scripted server says {code}."
        said |= {name: value for name, value in moment.error_members.items() if description or name != _DESCRIPTION}
        wanted = moment.error_status or status
        if moment.dialect.error_member_is_owed:
            refresh = value_of(moment.request, "grant_type") == REFRESH_TOKEN_GRANT
            whole = moment.dialect.error_members(code, {**said, **members}, refresh=refresh)
            return reply_in(
                moment.dialect, moment.request, whole, wanted or moment.dialect.statuses_on_the_wire(code)[-1]
            )
        shape = service_model.errors_by_code().get(code)
        name = shape.name if shape else "".join(part.capitalize() for part in code.split("_")) + "Exception"
        in_header = {
            "suffix": name + AWS_SUFFIX,
            "both": name,
            "header": name,
            "namespace": f"com.amazonaws.ssooidc#{name}",
        }.get(form)
        headers = (("x-amzn-ErrorType", in_header),) if in_header else ()
        instead: dict[str, dict[str, Any]] = {
            "header": {},
            "namespace": {},
            "type": {"__type": name},
            "code": {"code": name},
        }
        said = instead.get(form, said)
        return json_reply({**said, **members}, wanted or (shape.status if shape else 400), headers)

    return reply


def change(**members: Any) -> Step:
    """The honest answer with members replaced, added, or removed by `...`; canonical names.

    Those that client.toml has for the answer stay as they are there.
    """
    return changed(honest(), **members)


def changed(step: Step, **members: Any) -> Step:
    """That step's answer with members replaced, added, or removed by `...`; canonical names."""

    def reply(moment: Moment) -> Reply:
        before = step(moment)
        result = before.members
        for name, value in members.items():
            wire = moment.dialect.wire_name(name)
            if wire in moment.insisted:
                continue
            if value is ...:
                result.pop(wire, None)
            else:
                result[wire] = value.replace("{base}", moment.base) if isinstance(value, str) else value
        return before.with_members(result)

    return reply


def identified(lie: IdTokenLie) -> Step:
    """The honest answer with an ID token that differs from an honest one in this way."""

    def reply(moment: Moment) -> Reply:
        before = moment.honest()
        members = before.members
        token = members.get(moment.dialect.wire_name("access_token"))
        if moment.id_token is not None and isinstance(token, str):
            members[moment.dialect.wire_name("id_token")] = moment.id_token(token, lie)
        return before.with_members(members)

    return reply


def shuffled() -> Step:
    """The honest answer with its members in another order and white space between them."""

    def reply(moment: Moment) -> Reply:
        import json

        before = moment.honest()
        names = sorted(before.members, reverse=True)
        # A fixed order that is neither the usual one nor sorted.
        random.Random(8628).shuffle(names)  # noqa: S311 - an order of members, not a secret
        ordered = {name: before.members[name] for name in names}
        if before.is_form:
            return before.with_members(ordered)
        text = json.dumps(ordered, indent=3)
        return replace(before, content=text.replace("\n", "\r\n").encode())

    return reply


def text(content: str | bytes, media_type: str = "text/html", status: int = 200) -> Step:
    """Something other than what was asked for: a page, an empty body, half a JSON text."""
    octets = content if isinstance(content, bytes) else content.encode()
    headers = (("Content-Type", media_type),) if media_type else ()
    return lambda _moment: Reply(status, headers, octets)


def fails(fate: Fate) -> Step:
    """No answer: the connection is reset, closed, or stays silent. The request is not carried out."""
    return lambda _moment: Reply(fate=fate)


def lost() -> Step:
    """The request is carried out, its answer lost."""
    return lambda moment: replace(moment.honest(), fate="reset")


def framed(framing: Framing) -> Step:
    """The honest answer, framed in that way."""
    return lambda moment: replace(moment.honest(), framing=framing)


def truncated(padding: int = 64) -> Step:
    """The honest answer followed by white space that is promised and never sent: the JSON text itself is whole."""
    return lambda moment: replace((before := moment.honest()), content=before.content + b" " * padding, cut=padding)


def half() -> Step:
    """The first half of the honest answer, promised whole."""
    return lambda moment: replace((before := moment.honest()), cut=len(before.content) // 2)


def delayed(seconds: float, step: Step | None = None) -> Step:
    """That step (default: honest) after so many seconds."""
    return lambda moment: replace((step or honest())(moment), delay=seconds)


def status(code: int, step: Step | None = None, **headers: str) -> Step:
    """That step (default: an empty error page) with another status and further headers, `_` standing for `-`."""

    def reply(moment: Moment) -> Reply:
        before = step(moment) if step else Reply(headers=(("Content-Type", "text/plain"),), content=b"")
        for name, value in headers.items():
            before = before.with_header(name.replace("_", "-"), value)
        return replace(before, status=code)

    return reply


def labelled(media_type: str | None, step: Step | None = None) -> Step:
    """That step (default: honest) with another Content-Type, or none."""
    return lambda moment: (step or honest())(moment).with_header("Content-Type", media_type)


def redirect(code: int, location: str) -> Step:
    """A redirect; `{path}` and `{query}` are the request's own, `{base}` is our origin, `{elsewhere}` another one.

    The query comes with its question mark; a request without one has an empty query.
    """

    def reply(moment: Moment) -> Reply:
        from urllib.parse import urlsplit

        asked = urlsplit(moment.request.url)
        target = location.replace("{base}", moment.base).replace("{elsewhere}", moment.elsewhere)
        target = target.replace("{path}", asked.path).replace("{query}", f"?{asked.query}" if asked.query else "")
        return Reply(code, (("Location", target), ("Content-Type", "text/plain")))

    return reply

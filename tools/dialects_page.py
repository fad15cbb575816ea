"""The page of the dialects of the field: what each description says, and which providers have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.protocol import DEVICE_CODE_GRANT, field_dialects
from tools.markdown import NOTICE, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from device_grant.cli.requirements.coverage import Coverage
    from device_grant.protocol.dialects.field import Description, FieldDialect

CONFIDENCE = {
    "documented": "by the provider's own documentation or source",
    "agreed": "by several independent clients or fixtures that agree",
    "single": "by one page or program only",
}
ELSEWHERE = {
    "never": "",
    "signs": "at other hosts where an answer is said as only its servers say it",
    "paths": "at other hosts by the paths alone",
}
ERRORS = {
    "message": "the member `message`",
    "graph": "the numbers of an object `error`",
    "status": "the status alone",
}
UNDESCRIBED = {
    "AWS IAM Identity Center": "It is the dialect `aws-sso-oidc`, with a source of its own in the catalogue.",
    "Azure AD B2C": "It has no device grant, says its documentation; a proxy of the community has its own protocol.",
    "OpenIddict": "On the wire it is RFC 8628. That an undecided code stays pending after its end is no dialect but a "
    "deviation, which is blamed.",
    "Slack": "It has no device authorization endpoint that anything public shows; its command line pastes a ticket.",
}
"""Providers that one might look for, and why there is no description of them."""


def dialects_page(_: Coverage) -> str:
    """Every description, in the order of their names."""
    lines = [
        "# Dialects of the field",
        NOTICE,
        "",
        "Large providers speak the device grant each in their own way. What is known of theirs is data: a file each in",
        "`conformance/device_grant/protocol/dialects/field/data/`. Whatever a description does not name is as in",
        "RFC 8628, and is judged so: one-time use, binding, expiry and the person's decision are everywhere.",
        "",
        "- `device-grant run --dialect NAME`, or `dialect` in [target.toml](target-toml.md): the server is asked as",
        "  the provider's servers are, and its answers are judged by what they say. Clients go under `[[clients]]`.",
        "- `device-grant judge` recognises them by itself, by hosts and paths; `--dialect NAME` overrules it, and",
        "  `--dialect rfc8628` judges by the letter.",
        "- `device-grant client --speaks NAME`, or [`[speaks]`](client-toml.md#speaks) in client.toml: a client is",
        "  answered so.",
        "",
        "An answer that is neither the RFC's nor the provider's is blamed as ever. Evidence in reports is what came",
        "over the wire.",
        "",
        "| name | whose | known | recognised |",
        "|---|---|---|---|",
    ]
    for name, dialect in sorted(field_dialects().items()):
        said = dialect.description
        cells = (f"[`{name}`](#{name})", text(said.title), said.confidence, _recognised(said))
        lines.append(f"| {' | '.join(cells)} |")
    for name, dialect in sorted(field_dialects().items()):
        lines += ["", f"## {name}", "", *_description(dialect)]
    lines += ["", "## Not described", ""]
    lines += [f"- {name}: {text(why)}" for name, why in UNDESCRIBED.items()]
    return "\n".join(lines) + "\n"


def _recognised(said: Description) -> str:
    known = said.recognised
    parts = [_codes(known.hosts), ELSEWHERE[known.elsewhere]]
    return "; ".join(part for part in parts if part)


def _description(dialect: FieldDialect) -> Iterator[str]:
    said = dialect.description
    yield f"{text(said.title)}, known {CONFIDENCE[said.confidence]}. {text(said.remark)}".rstrip()
    yield ""
    yield f"- Endpoints: {_codes((*said.recognised.device_authorization, *said.recognised.token))}"
    yield from _requests(said)
    yield from _answers(said)
    yield from _errors(said)
    for requirement, how in sorted(said.departures.items()):
        yield f"- `{requirement}` does not bind: {text(how)}"
    for source in said.sources:
        yield f"- Source: {f'<{source}>' if source.startswith('https://') else text(source)}"


def _requests(said: Description) -> Iterator[str]:
    asked = said.requests
    if asked.encodings != ("form",):
        yield f"- Requests are {' or '.join(asked.encodings)}"
    for wire, name in asked.names.items():
        yield f"- Requests have `{wire}` for `{name}`"
    if asked.grant_types != (DEVICE_CODE_GRANT,):
        yield f"- grant_type is {' or '.join(f'`{one}`' if one else 'left out' for one in asked.grant_types)}"
    if asked.secret:
        place = "each request" if asked.secret_with_start else "each poll"
        yield f"- Public clients have a client_secret, which goes with {place}"
    for name, value in asked.constants.items():
        yield f"- Every start has `{name}={value}`"
    if asked.demands:
        yield f"- A start is refused without {_codes(asked.demands)}"
    if asked.refreshes_elsewhere:
        yield "- Refresh tokens are for another endpoint than polls"


def _answers(said: Description) -> Iterator[str]:
    given = said.responses
    for name, wire in given.names.items():
        yield f"- Answers have `{wire}` for `{name}`"
    if given.absent:
        yield f"- Answers never have {_codes(given.absent)}"
    if given.nested:
        yield f"- The tokens are in the member `{given.nested}`"
    if given.numbers_are_texts:
        yield "- Numbers are texts"
    if given.nulls:
        yield "- Members without a value are null"
    if given.scope in ("commas", "list"):
        yield f"- The scope of a token is {'a list' if given.scope == 'list' else 'separated by commas'}"
    if given.form_unless_json_is_accepted:
        yield "- Answers are forms unless Accept names JSON"
    further = [*given.device_authorization, *given.token]
    if further:
        yield f"- Further members, or other texts: {_codes(further)}"


def _errors(said: Description) -> Iterator[str]:
    errors = said.errors
    if errors.form in ERRORS:
        yield f"- Errors are told by {ERRORS[errors.form]}"
    if errors.status != 400 and errors.form != "status":  # noqa: PLR2004 - the RFC's
        yield f"- Errors have status {errors.status}"
    for code, state in errors.states.items():
        parts = [f"`{state.name}`" if state.name else "", f"status {state.status}" if state.status else ""]
        parts.append(f"subcode {state.subcode}" if state.subcode else "")
        yield f"- `{code}` is {', '.join(part for part in parts if part)}"
    for other, code in errors.others.items():
        yield f"- `{other}` means `{code}`"
    if errors.also_in:
        yield f"- An error may be in `{errors.also_in}`"
    if errors.slow_down_says_interval:
        yield "- slow_down has the interval that holds from then on"


def _codes(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)

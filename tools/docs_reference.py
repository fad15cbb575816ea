"""The generated pages of docs/reference/ on the command line and on results.jsonl: made from click and the model."""

from __future__ import annotations

import inspect
import textwrap
from copy import copy
from typing import TYPE_CHECKING, Any, cast

import click
import msgspec

from device_grant.cli.schema import notes
from tools.markdown import NOTICE, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.cli.requirements.coverage import Coverage

_PROGRAM = "device-grant"


def cli_page(_: Coverage) -> str:
    """Every command with its arguments and options, and the exit codes."""
    from device_grant.cli import cli
    from device_grant.errors import ExitCode

    context = cli.make_context(_PROGRAM, [], resilient_parsing=True)
    names = cli.list_commands(context)
    commands = {name: copy(cast("click.Command", cli.get_command(context, name))) for name in names}
    for command in commands.values():
        # Click keeps the help option of whoever asked first, which need not be the whole program.
        command._help_option = None  # noqa: SLF001 - as above
    lines = [
        "# The command line",
        NOTICE,
        "",
        "What `device-grant COMMAND --help` prints. What a target is, and what a client is, is described with",
        "[target.toml](target-toml.md) and [client.toml](client-toml.md).",
        "",
        "| command | |",
        "|---|---|",
    ]
    lines += [
        f"| [`{name}`](#{_PROGRAM}-{name}) | {text(commands[name].get_short_help_str(limit=200))} |" for name in names
    ]
    lines += ["", "## Exit codes", "", "| exit code | meaning |", "|---|---|"]
    meanings = notes(ExitCode)
    lines += [f"| {int(code)} | {text(meanings[code.name])} |" for code in ExitCode]
    lines += ["", "Where a command has exit codes of its own, its section says so. Ctrl-C ends any of them with 130."]
    for name, command in commands.items():
        lines += ["", f"## {_PROGRAM} {name}", "", *_command(command, click.Context(command, context, name))]
    return "\n".join(lines) + "\n"


def parameters_page(_: Coverage) -> str:
    """What a check may ask for by the name of a parameter, by the party that it judges."""
    from device_grant.client.session.case import ClientCase
    from device_grant.judging import PARAMETERS
    from device_grant.server.session.case import ServerCase

    lines = [
        "# Parameters of checks",
        NOTICE,
        "",
        "What a check may ask for, by the name of a parameter of its function: see",
        "[the card of a check](../../CONTRIBUTING.md#the-card-of-a-check). Another name is refused when the check is",
        "registered.",
    ]
    cases = {"server": ServerCase, "client": ClientCase}
    for party, offered in PARAMETERS.items():
        lines += ["", f"## Checks on {party}s", "", "| parameter | type | what it is |", "|---|---|---|"]
        for name, meaning in offered.items():
            kind = inspect.signature(getattr(cases[party], name).fget).return_annotation
            lines.append(f"| `{name}` | `{kind}` | {text(meaning)} |")
    return "\n".join(lines) + "\n"


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    pieces = " ".join([_PROGRAM, str(context.info_name), *command.collect_usage_pieces(context)])
    yield from ("```text", pieces, "```", "")
    help_text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    for paragraph in help_text.split("\n\n"):
        # The width of the pages that people write.
        yield from textwrap.wrap(_prose(paragraph), 118, break_long_words=False, break_on_hyphens=False)
        yield ""
    yield from ("| option | meaning |", "|---|---|")
    for option in command.get_params(context):
        if isinstance(option, click.Option) and (record := option.get_help_record(context)):
            name = record[0].replace("|", "\\|")
            yield f"| `{name}` | {text(record[1])} |"


def _prose(paragraph: str) -> str:
    """Help text as Markdown: as it is but for line ends and what Markdown would take for emphasis or a tag."""
    return " ".join(paragraph.split()).replace("*", "\\*").replace("<", "\\<")


def results_page(_: Coverage) -> str:
    """Every member of every line of results.jsonl: types from the JSON Schema, meanings from the model."""
    from device_grant.results import model
    from device_grant.results.schema import schema

    definitions: dict[str, dict[str, Any]] = schema()["$defs"]
    lines = [
        "# results.jsonl",
        NOTICE,
        "",
        "One JSON object a line: a header, then cases and results, then a footer. A file without a footer comes from",
        "an interrupted run. The [JSON Schema](../../conformance/device_grant/results/schema.json) of a line is part",
        "of the package. Readers ignore members that they do not know; members are only added. Members that are not",
        "required are left out where they have their default.",
    ]
    for name, definition in definitions.items():
        struct = getattr(model, name)
        meanings = notes(struct)
        names = {field.encode_name: field.name for field in msgspec.structs.fields(struct)}
        # The tag that tells lines apart is no field of the Struct.
        tag = "" if struct.__struct_config__.tag is None else f' `kind` is `"{struct.__struct_config__.tag}"`.'
        lines += ["", f"## {name}", "", f"{definition['description']}{tag}"]
        lines += ["", "| member | type | default | meaning |", "|---|---|---|---|"]
        for member, described in definition["properties"].items():
            if member in names:
                default = "required" if member in definition["required"] else _default(described)
                note = text(meanings.get(names[member], ""))
                lines.append(f"| `{member}` | {_type(described)} | {default} | {note} |")
    return "\n".join(lines) + "\n"


def _default(described: dict[str, Any]) -> str:
    return f"`{msgspec.json.encode(described['default']).decode()}`" if "default" in described else "absent"


def _type(described: dict[str, Any]) -> str:
    """A type of the schema in a few words; `$ref` becomes a link to its section."""
    if "$ref" in described:
        name = described["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in described:
        return ", ".join(f"`{msgspec.json.encode(value).decode()}`" for value in described["enum"])
    if "anyOf" in described:
        return " or ".join(_type(one) for one in described["anyOf"])
    if "prefixItems" in described:
        return f"[{', '.join(_type(one) for one in described['prefixItems'])}]"
    items = {"array": "items", "object": "additionalProperties"}.get(described["type"])
    if items is not None:
        return f"{'list' if items == 'items' else 'object'} of {_type(described[items])}"
    return f"{described['type']}, {described['format']}" if "format" in described else str(described["type"])

"""`device-grant openapi`: the OpenAPI document of a dialect."""

from __future__ import annotations

from pathlib import Path

import click

from device_grant.catalogue.model import DIALECTS, RFC8628
from device_grant.errors import UsageError


@click.command()
@click.option("--dialect", default=RFC8628, show_default=True, help=f"{' or '.join(DIALECTS)}.")
@click.option("--base", metavar="URL", help="URL of the server [default: where `device-grant serve` listens].")
@click.option("--format", "form", type=click.Choice(["json", "yaml"]), default="json", show_default=True)
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Write to a file instead of the terminal.")
def openapi(dialect: str, base: str | None, form: str, out: Path | None) -> None:
    """Print the OpenAPI 3.1 document of a dialect, each constraint with the requirement behind it."""
    from device_grant.protocol import dialect as known_dialect
    from device_grant.protocol.openapi import DEFAULT_BASE, document

    result = document(known_dialect(dialect), base=DEFAULT_BASE if base is None else base)
    if form == "json":
        import json

        text = json.dumps(result, indent=2) + "\n"
    else:
        import yaml

        text = yaml.safe_dump(result, sort_keys=False, allow_unicode=True, width=100)
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"--out {out}: cannot be written ({error.strerror}); name a file in a folder that exists"
        ) from None
    click.echo(f"{dialect} document written to {out}", err=True)

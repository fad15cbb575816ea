"""`device-grant serve`: the reference server on a local port."""

from __future__ import annotations

import click

from device_grant.catalogue.model import DIALECTS, RFC8628


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8628, show_default=True, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--allow-host",
    "hosts",
    metavar="NAME",
    multiple=True,
    help="Answer requests for this name too, such as that of a container; * is any. Otherwise: addresses, localhost, "
    "--host, and the name of this machine.",
)
@click.option("--dialect", default=RFC8628, show_default=True, help=f"{' or '.join(DIALECTS)}.")
@click.option("--interval", type=click.IntRange(min=1), help="Seconds between polls [default: 5, AWS 1].")
@click.option("--expires-in", type=click.IntRange(min=1), default=600, show_default=True, help="Seconds a code lives.")
@click.option("--fault", "faults", metavar="NAME", multiple=True, help="Misbehave in one named way; may be repeated.")
@click.option("--faults", "list_faults", is_flag=True, help="List the faults and exit.")
def serve(  # noqa: PLR0913, PLR0917 - each parameter is an option of the command
    port: int,
    host: str,
    hosts: tuple[str, ...],
    dialect: str,
    interval: int | None,
    expires_in: int,
    faults: tuple[str, ...],
    list_faults: bool,  # noqa: FBT001 - click passes flags by name
) -> None:
    """Serve a local AWS SSO OIDC or RFC 8628 authorization server until Ctrl-C."""
    from device_grant.reference.server.faults import Faults

    if list_faults:
        _print_faults()
        return
    from device_grant.reference.server.front import Front
    from device_grant.reference.server.serve import serve as serve_reference
    from device_grant.reference.server.settings import Settings
    from device_grant.reference.server.usual import usual

    defaults = usual(dialect)
    settings = Settings(dialect=dialect, interval=interval, expires_in=expires_in, early_polls=defaults.early_polls)
    named = Faults.named(*faults)

    def announce(base: str) -> None:
        front = Front(settings, base)
        click.echo(f"{dialect} authorization server at {base} (Ctrl-C stops it; its front page says the same)")
        for what, where in front.facts().items():
            click.echo(f"  {what:<21} {where}")
        for what, command in front.requests():
            click.echo(f"{what}:\n  {command}")
        if defaults.environment:
            click.echo(f"for SDKs and AWS CLI: export {front.environment()}")
        if faults:
            click.echo(f"misbehaving on purpose: {', '.join(faults)}")

    serve_reference(settings, named, host=host, port=port, ready=announce, hosts=hosts)


def _print_faults() -> None:
    from rich.table import Table

    from device_grant.reference.server.faults import Faults
    from device_grant.report.terminal.console import Screen

    table = Table(box=None, pad_edge=False)
    for title in ("fault", "dialects", "what it does wrong"):
        table.add_column(title, overflow="fold")
    for name, dialects, text in Faults.catalogue():
        table.add_row(name, ", ".join(dialects), text)
    Screen().print(table)

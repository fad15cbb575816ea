"""What stands behind `--` on the command line: a command of somebody else, or arguments of pytest."""

from __future__ import annotations

import click

_BEHIND = "device_grant.behind"
"""Where the context keeps it."""


class WithBehind(click.Command):
    """Keeps it apart from the command's own arguments, of which none may be meant by it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Cut it off before the options are read."""
        if "--" in args:
            at = args.index("--")
            ctx.meta[_BEHIND] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The usage with what stands behind."""
        return [*super().collect_usage_pieces(ctx), "[-- ...]"]


def behind() -> tuple[str, ...]:
    """The words behind `--` of the command that runs; none where there is no `--`."""
    words: tuple[str, ...] = click.get_current_context().meta.get(_BEHIND, ())
    return words

"""Data in the form of a class, and what is wrong with it in words that name the key."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from device_grant.files.octets import UnreadableFileError

T = TypeVar("T")


def formed(data: Any, form: type[T], where: object, *, cure: str = "", strict: bool = True) -> T:
    """The data in that form; raises UnreadableFileError that names the key."""
    cure = f": {cure}" if cure else ""
    try:
        return msgspec.convert(data, form, strict=strict)
    except msgspec.ValidationError as error:
        path, reason = reason_of(error)
        raise UnreadableFileError(f"{where}: {path}{': ' if path else ''}{reason}{cure}") from None
    except (RecursionError, OverflowError, ValueError) as error:
        raise UnreadableFileError(f"{where}: not in the form that is wanted ({error}){cure}") from None


def reason_of(error: msgspec.ValidationError) -> tuple[str, str]:
    """The key, as a person would write it (`request.url`), and what msgspec says of it ("Expected `str`, got null")."""
    # The last one: what is quoted before it may say anything.
    reason, _, where = str(error).rpartition(" - at `$")
    path = where.removesuffix("`").removeprefix(".") if reason else ""
    reason = reason or str(error)
    # Who reads it knows no regular expression of ours.
    return path, "has characters that cannot be there" if " matching regex " in reason else reason

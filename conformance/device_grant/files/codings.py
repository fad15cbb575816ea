"""Bodies without their content coding (RFC 9110 section 8.4.1), within a bound: few octets may stand for gigabytes."""

from __future__ import annotations

import zlib

import httpx

_GZIP, _ZLIB, _BARE = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
"""Window sizes of zlib, which also say what surrounds the compressed octets."""
_WINDOWS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (_ZLIB, _BARE)}
_MOST_CODINGS = 4
_PORTION = 64
"""Compressed octets of other codings that are given to their libraries at a time, none of which has a bound."""


class TooLargeError(ValueError):
    """What is coded is longer than the bound."""


def decoded(content: bytes, coding: str, most: int) -> bytes | None:
    """The content without its codings (`gzip`, or several with commas); None where they cannot be undone here.

    Raises TooLargeError if it is longer than `most` octets.
    """
    codings = [one.strip().lower() for one in coding.split(",") if one.strip()]
    codings = [one for one in codings if one != "identity"]
    if len(codings) > _MOST_CODINGS:
        return None
    result: bytes | None = content
    for one in reversed(codings):
        if result is None:
            break
        result = _expanded(result, _WINDOWS[one], most) if one in _WINDOWS else _by_library(result, one, most)
    return result


def _expanded(content: bytes, windows: tuple[int, ...], most: int) -> bytes | None:
    for window in windows:
        try:
            return _members(content, window, most)
        except (zlib.error, EOFError):
            continue
    return None


def _members(content: bytes, window: int, most: int) -> bytes:
    """All members of a gzip file, or the one stream of the others."""
    collected = bytearray()
    while content:
        decoder = zlib.decompressobj(window)
        collected += decoder.decompress(content, most + 1 - len(collected))
        if len(collected) > most:
            raise TooLargeError
        if not decoder.eof:
            raise EOFError
        # Zeros may fill up what is behind a member (RFC 1952); anything else is another member.
        content = decoder.unused_data.lstrip(b"\0") if window == _GZIP else b""
    return bytes(collected)


def _by_library(content: bytes, coding: str, most: int) -> bytes | None:
    """By what httpx does with it, if that knows the coding: a few octets at a time."""
    decoder_class = httpx._decoders.SUPPORTED_DECODERS.get(coding)  # noqa: SLF001 - the public way decodes without a bound
    if decoder_class is None:
        return None
    collected = bytearray()
    try:
        decoder = decoder_class()
        for begin in range(0, len(content), _PORTION):
            collected += decoder.decode(content[begin : begin + _PORTION])
            if len(collected) > most:
                raise TooLargeError
        collected += decoder.flush()
    except httpx.DecodingError:
        return None
    if len(collected) > most:
        raise TooLargeError
    return bytes(collected)

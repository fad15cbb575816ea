"""Files that no reader knows: what they look like, and how to get a HAR file instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from device_grant.errors import UsageError

if TYPE_CHECKING:
    from device_grant.recordings.formats.opened import OpenedFile

READ = (
    "a HAR file, a cassette (vcrpy, Betamax, VCR, go-vcr, device-grant record), a debug log of the AWS CLI, the output "
    "of curl -v, or what nock, WireMock, Postman, the Azure test proxy, Charles, Fiddler or mitmproxy save"
)
_BROWSER = "in a browser, the network panel of the developer tools has `Save all as HAR`"
_ANY = f"capture the login once more with a proxy such as mitmproxy, and export HAR; {_BROWSER}"


class UnknownFormatError(UsageError):
    """A file that is no capture that is read here."""


_BY_OCTETS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd4\xc3\xb2\xa1", "a packet capture (pcap)", f"what it has is encrypted; {_ANY}"),
    (b"\xa1\xb2\xc3\xd4", "a packet capture (pcap)", f"what it has is encrypted; {_ANY}"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture (pcapng)", f"what it has is encrypted; {_ANY}"),
    (b"\xac\xed\x00\x05", "a session of Charles (.chls)", "in Charles: File, Export Session, HTTP Archive (.har)"),
    (b"\x1f\x8b", "a gzip file", "unpack it (gunzip), and give what is in it"),
    (b"BZh", "a bzip2 file", "unpack it (bunzip2), and give what is in it"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file", "unpack it (unzstd), and give what is in it"),
    (b"SQLite format 3", "a SQLite database", f"it is the store of some program; {_ANY}"),
    (b"\x89PNG", "a picture", "a picture of traffic is no traffic: save the traffic itself as HAR"),
    (b"\xff\xd8\xff", "a picture", "a picture of traffic is no traffic: save the traffic itself as HAR"),
    (b"%PDF", "a PDF file", "save the traffic itself as HAR"),
    (b"\x7fELF", "a program", _ANY),
    (b"bplist", "a property list of Apple's (a session of Proxyman, or a web archive)", "export it as HAR there"),
)
_BY_TEXT: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"<items\s+burpVersion"),
        "requests saved by Burp",
        "in Burp's Logger export HAR, or use its extension",
    ),
    (re.compile(r"\s*<\?xml[\s\S]{0,400}<charles-session"), "a Charles session in XML", "File, Export Session, HAR"),
    (re.compile(r"\s*(?:<!DOCTYPE html|<html)", re.IGNORECASE), "a web page", f"a page is no traffic; {_BROWSER}"),
    (re.compile(r"\s*<\?xml"), "XML of some kind", f"export HAR where it comes from; {_BROWSER}"),
    (re.compile(r"CLIENT_RANDOM [0-9a-f]{64} "), "the keys of TLS connections", f"they are no traffic; {_ANY}"),
    (
        re.compile(r"^(?:###.*|@\w+ *=.*|(?:GET|POST) https?://\S+)\s*$", re.MULTILINE),
        "an .http file: requests that are yet to be sent",
        "send them, and save what went over the network as HAR",
    ),
    (
        re.compile(r"^\s*(?:import|const|let|var|require|module\.exports|def |class |func |package )\b", re.MULTILINE),
        "a program",
        f"run it, and capture what it sends: {_ANY}",
    ),
    (
        re.compile(r"^.{0,80}\b(?:DEBUG|INFO|TRACE|WARN(?:ING)?)\b", re.MULTILINE),
        "a log that has no HTTP messages as a whole",
        f"nothing can be judged by it; {_ANY}",
    ),
)
_BY_MEMBERS: tuple[tuple[frozenset[str], str, str], ...] = (
    (frozenset({"consumer", "provider", "interactions"}), "a Pact contract", f"a contract is no traffic; {_ANY}"),
    (frozenset({"constants", "events"}), "a net-log of Chromium", _BROWSER),
    (
        frozenset({"_type", "__export_format"}),
        "an export of Insomnia",
        "its responses are not in it: use `Copy as HAR`",
    ),
    (frozenset({"openapi"}), "an OpenAPI description", f"a description is no traffic; {_ANY}"),
    (frozenset({"swagger"}), "an OpenAPI description", f"a description is no traffic; {_ANY}"),
    (frozenset({"resourceSpans"}), "traces of OpenTelemetry", f"spans have no bodies; {_ANY}"),
    (
        frozenset({"values", "_postman_variable_scope"}),
        "an environment of Postman",
        "export the collection, with saved answers",
    ),
    (frozenset({"imposters"}), "stubs of mountebank", f"stubs are no traffic; {_ANY}"),
    (
        frozenset({"issuer", "token_endpoint"}),
        "the metadata of a server",
        "judge a login, or test the server: device-grant run URL",
    ),
    (
        frozenset({"device_code", "user_code"}),
        "the body of one answer",
        f"its headers and request belong to it; {_ANY}",
    ),
    (frozenset({"access_token"}), "the body of one answer", f"its headers and request belong to it; {_ANY}"),
)


def unknown(file: OpenedFile) -> UsageError:
    """What to say of a file that no format fits."""
    if not file.octets.strip():
        return UnknownFormatError(f"{file.path}: empty: give {READ}")
    look, cure = _look(file)
    if look:
        return UnknownFormatError(f"{file.path}: it looks like {look}: {cure}")
    if file.problem is not None:
        return file.problem
    return UnknownFormatError(f"{file.path}: {_described(file.data)}: give {READ}; {_BROWSER}")


def _look(file: OpenedFile) -> tuple[str, str]:
    return _by_octets(file) or _by_members(file) or _by_text(file) or ("", "")


def _by_octets(file: OpenedFile) -> tuple[str, str] | None:
    for beginning, look, cure in _BY_OCTETS:
        if file.octets.startswith(beginning):
            return look, cure
    if file.octets.startswith(b"PK\x03\x04"):
        if b"trace.network" in file.octets or b".network" in file.octets[-4096:]:
            return "a trace of Playwright", "record HAR instead (recordHar), or open the trace and save HAR"
        return "a zip that Fiddler has not written", "unpack it, and give what is in it"
    if file.text is not None or (file.problem is not None and file.seems_data):
        return None
    return "no text and no archive that is known", _ANY


def _by_members(file: OpenedFile) -> tuple[str, str] | None:
    data = file.data
    if isinstance(data, list):
        data = data[0] if data else None
        if isinstance(data, dict) and "request" in data:
            return "a list, as cassettes of vcrpy before 1.0 were", "record it again"
    for members, look, cure in _BY_MEMBERS if isinstance(data, dict) else ():
        if members <= data.keys():
            return look, cure
    return None


def _by_text(file: OpenedFile) -> tuple[str, str] | None:
    if file.data is not None or file.problem is not None:
        return None
    text = (file.text or "")[:100_000]
    return next(((look, cure) for form, look, cure in _BY_TEXT if form.search(text)), None)


def _described(data: Any) -> str:
    if isinstance(data, dict):
        names = ", ".join(str(name)[:40] for name in list(data)[:3])
        return f"no capture that is known here (it begins with {names})" if names else "an empty object"
    return "no capture that is known here"

"""Clients that send anything: the reference client, whose octets are changed on their way as Hypothesis draws it."""

from __future__ import annotations

import re
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

from hypothesis import strategies as st

from device_grant.client.drivers import embedded
from device_grant.engine.client_subject import ClientSubject
from device_grant.engine.options import Options
from device_grant.engine.payloads import decoded, encoded
from device_grant.engine.scheduling import Task
from device_grant.engine.session import CheckSession
from device_grant.report import REPORT_FORMS
from support.client_proof import scenarios
from support.hostile import BODIES, VALUES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy

END = b"\r\n\r\n"
NAMES = (
    b"grant_type",
    b"client_id",
    b"device_code",
    b"scope",
    b"client_secret",
    b"refresh_token",
    b"resource",
    b"",
    b"%00",
)
TEXTS = (
    b"",
    b"%00",
    b"%zz",
    b"%ff%fe",
    b"a" * 5000,
    b"%ED%A0%80",
    b"+",
    b"\xff\xfe",
    b"\x00",
    b"a=b",
    b"\x1b[31m",
    b"<script>",
)
FIELDS = (b"Accept", b"User-Agent", b"Cookie", b"Host", b"Content-Encoding", b"Authorization", b"Content-Type", b"DPoP")
FIELD_VALUES = (
    *(
        b"",
        b"\xff",
        b"a" * 3000,
        b"gzip",
        b"=,;",
        b"\x1b[2J",
        b"Basic",
        b"Basic ====",
        b"Basic /////w==",
        b"Basic Og==",
    ),
    *(b"Bearer x", b'Digest username="', b"application/json", b"multipart/form-data; boundary=", b"[::1"),
)
TARGETS = (
    *(
        b"*",
        b"[",
        b"@[",
        b"http://[::1",
        b"http://[::1$T",
        b"//[$T",
        b"$T?",
        b"$T?%ff=%00",
        b"$T#x",
        b"\xff",
        b"http://x$T",
    ),
    *(b"$T?grant_type=x&client_secret=y", b"/" + b"a" * 20_000),
)
METHODS = (b"GET", b"PUT", b"OPTIONS", b"X" * 500, b"HEAD", b"post", b"!")
MEMBERS = (
    b"grant_type",
    b"client_id",
    b"device_code",
    b"scope",
    b"client_name",
    b"redirect_uris",
    b"software_id",
    b"grantType",
)


@dataclass(frozen=True)
class Mutation:
    """What is done to every request."""

    kind: str
    """body, json, parameter, field, target, method."""
    name: bytes = b""
    value: bytes = b""

    def applied(self, octets: bytes) -> bytes:
        """The request with the change, framed as before."""
        head, _, body = octets.partition(END)
        line, _, fields = head.partition(b"\r\n")
        method, target, version = line.split(b" ", 2)
        match self.kind:
            case "body":
                body = self.value
            case "json":
                body = b"{" + b", ".join(b'"%s": %s' % (name, self.value) for name in MEMBERS) + b"}"
            case "parameter":
                body += b"&" + self.name + b"=" + self.value
            case "field":
                fields = re.sub(rb"(?im)^%s:.*\r\n" % self.name, b"", fields + b"\r\n") + self.name + b": " + self.value
            case "target":
                target = self.value.replace(b"$T", target)
            case _:
                method = self.value
        fields = re.sub(rb"(?i)(content-length: *)\d+", rb"\g<1>%d" % len(body), fields)
        return b" ".join((method, target, version)) + b"\r\n" + fields + END + body


def mutations() -> SearchStrategy[Mutation]:
    def of(kind: str, values: Any, names: Any = (b"",)) -> SearchStrategy[Mutation]:
        return st.builds(Mutation, st.just(kind), st.sampled_from(names), st.sampled_from(values))

    texts = [value.encode("utf-8", "surrogatepass") for value in VALUES]
    return st.one_of(
        of("body", BODIES),
        of("json", texts),
        of("parameter", TEXTS, NAMES),
        of("field", FIELD_VALUES, FIELDS),
        of("target", TARGETS),
        of("method", METHODS),
    )


@contextmanager
def changed(mutation: Mutation) -> Iterator[None]:
    """Within: the embedded client sends what the mutation makes of its requests."""
    whole = embedded._Socket.makefile

    def makefile(self: Any, *arguments: Any) -> Any:
        self._sent = mutation.applied(self._sent)
        return whole(self, *arguments)

    with mock.patch.object(embedded._Socket, "makefile", makefile):
        yield


def run_client(
    target: str, mutation: Mutation, folder: Path, keep: Callable[[str], bool] = lambda _: True
) -> list[str]:
    """Run the scenarios that are kept and write every form of report; returns the errors of the suite."""
    options = Options(target=target, party="client", report=folder / "report")
    session, errors = CheckSession(options, ClientSubject(options)), []
    session.start()
    try:
        selection = session.selection()
        kept = [check for name, check in scenarios().items() if keep(name) and selection.keeps(check)]
        tasks = [Task(f"hostile::{check.name}", check) for check in kept]
        session.begin(tasks)
        with changed(mutation):
            for task in tasks:
                finished, payload = session.run(task)
                if finished.error is not None:
                    errors.append(task.check.name + "".join(traceback.format_exception(finished.error)[-4:]))
                session.take(decoded(encoded(payload)))
        session.finish()
        assert session.collector is not None
        for form in REPORT_FORMS.values():
            form.render(session.collector.report)
    finally:
        session.stop()
        if session.collector is not None and session.collector.writer is not None:
            session.collector.writer.close()
    return errors

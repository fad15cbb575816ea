"""Certificates for the scripted server: good ones, and the two kinds that a client must refuse."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Literal

import trustme

if TYPE_CHECKING:
    from pathlib import Path

Certificate = Literal["good", "untrusted", "wrong-name"]


class Certificates:
    """One authority that the clients are told to trust, and one that they are not."""

    def __init__(self, folder: Path, hosts: tuple[str, ...]) -> None:
        trusted, untrusted = trustme.CA(), trustme.CA()
        self.file = folder / "ca.pem"
        """The trusted authority, for the client's environment."""
        trusted.cert_pem.write_to_path(self.file)
        names = ("127.0.0.1", "localhost", *hosts)
        self._leaves = {
            "good": trusted.issue_cert(*names),
            "untrusted": untrusted.issue_cert(*names),
            "wrong-name": trusted.issue_cert("another-host.example"),
        }

    def context(self, kind: Certificate) -> ssl.SSLContext:
        """TLS settings of a server that shows that certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._leaves[kind].configure_cert(context)
        return context

"""Certificates for the scripted server: good ones, and the two kinds that a client must refuse."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING, Literal

import trustme

if TYPE_CHECKING:
    from pathlib import Path

Certificate = Literal["good", "untrusted", "wrong-name"]


class Certificates:
    """One authority that the clients are told to trust, and one that they are not."""

    def __init__(self, folder: Path, hosts: tuple[str, ...]) -> None:
        trusted, untrusted = trustme.CA(), trustme.CA()
        self._folder, self._trusted, self._lock = folder, trusted, threading.Lock()
        self.file = folder / "ca.pem"
        """The trusted authority, for the client's environment."""
        trusted.cert_pem.write_to_path(self.file)
        names = ("127.0.0.1", "localhost", *hosts)
        self._leaves = {
            "good": trusted.issue_cert(*names),
            "untrusted": untrusted.issue_cert(*names),
            "wrong-name": trusted.issue_cert("another-host.example"),
        }

    def context(self, kind: Certificate, *, asks: bool = False) -> ssl.SSLContext:
        """TLS settings of a server that shows that certificate, and `asks` clients for one of the trusted authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._leaves[kind].configure_cert(context)
        if asks:
            context.load_verify_locations(self.file)
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def of_client(self) -> tuple[str, str]:
        """Files with the certificate of the client and with its key, in PEM; the same for all runs.

        The subject has no client_id: a server that looked for one there would find none.
        """
        with self._lock:
            certificate, key = self._folder / "client.pem", self._folder / "client.key"
            if not certificate.exists():
                leaf = self._trusted.issue_cert("device.example", common_name="a device")
                key.touch(0o600)
                leaf.private_key_pem.write_to_path(key)
                leaf.cert_chain_pems[0].write_to_path(certificate)
        return str(certificate), str(key)

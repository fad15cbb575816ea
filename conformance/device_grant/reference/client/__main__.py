"""`python -m device_grant.reference.client`: the reference client as a program."""

from __future__ import annotations

import os
import sys

from device_grant.reference.client.faults import ClientFaults
from device_grant.reference.client.login import Login
from device_grant.reference.client.network import RealNetwork
from device_grant.reference.client.settings import ClientSettings


def main(arguments: list[str]) -> int:
    """Run once; the arguments are names of faults."""
    network = RealNetwork(os.environ.get("SSL_CERT_FILE", ""))
    return Login(ClientSettings.of(os.environ), network, ClientFaults.named(*arguments), sys.stdout).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

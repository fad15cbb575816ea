"""Starts the Keycloak that was built, on 127.0.0.1 and a copy of the database that was made with it.

Each run has a copy of its own, so that several may go on at once and none sees what another left.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

DATABASE = "keycloakdb.mv.db"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of the distribution")
    parser.add_argument("--database", type=Path, required=True, help="folder of the database with the realm")
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args()
    # An exception where the default action would end this process at once and leave server and folder behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with tempfile.TemporaryDirectory(prefix="keycloak-") as folder:
        shutil.copy(chosen.database / DATABASE, folder)
        command = [
            str(chosen.home / "bin" / "kc.sh"),
            "start",
            "--optimized",
            # Without this it opens ports for a cluster on every address of the machine.
            "--cache=local",
            f"--db-url=jdbc:h2:file:{folder}/keycloakdb;NON_KEYWORDS=VALUE",
            "--http-enabled=true",
            "--http-host=127.0.0.1",
            f"--http-port={chosen.port}",
            "--hostname-strict=false",
        ]
        server = subprocess.Popen(command)  # noqa: S603 - the program that this file is about
        try:
            return server.wait()
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    sys.exit(main())

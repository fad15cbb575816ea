"""Starts nanoidp on 127.0.0.1 with the clients and the user that target.toml relies on.

Environment: DEVICE_CODE_LIFETIME and POLLING_INTERVAL, in seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from nanoidp.__main__ import main as nanoidp


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    # An exception where the default action would end the process at once and leave the folder behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with tempfile.TemporaryDirectory(prefix="nanoidp-") as folder:
        # JSON is YAML: nothing needs to be installed for writing it.
        Path(folder, "settings.yaml").write_text(json.dumps(settings(port, folder)), encoding="utf-8")
        Path(folder, "users.yaml").write_text(json.dumps(users()), encoding="utf-8")
        sys.argv = ["nanoidp", "--host", "127.0.0.1", "--port", str(port), "--config", folder]
        nanoidp()


def settings(port: int, folder: str) -> dict[str, object]:
    clients = [
        {"client_id": "pub", "token_endpoint_auth_method": "none"},
        {"client_id": "pub2", "token_endpoint_auth_method": "none"},
        {
            "client_id": "conf",
            "client_secret": "conf-secret",
            "token_endpoint_auth_method": "client_secret_basic",
        },
    ]
    return {
        "config_version": 1,
        "server": {"host": "127.0.0.1", "port": port},
        "oauth": {
            "issuer": f"http://127.0.0.1:{port}",
            "audience": "conformance",
            "clients": clients,
            # A run registers more clients than the default of 100 allows.
            "dynamic_registration": {"enabled": True, "max_clients": 10_000},
        },
        # Its default is a folder in the working directory.
        "jwt": {"keys_dir": str(Path(folder, "keys"))},
        "device_flow": {
            "code_expiry_seconds": int(os.environ["DEVICE_CODE_LIFETIME"]),
            "polling_interval": int(os.environ["POLLING_INTERVAL"]),
        },
    }


def users() -> dict[str, object]:
    return {"config_version": 1, "users": {"alice": {"password": "wonderland", "email": "alice@example.org"}}}


if __name__ == "__main__":
    main()

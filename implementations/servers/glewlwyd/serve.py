"""Starts Debian's glewlwyd on 127.0.0.1 with a database of its own, and sets it up through its administration API.

Made through the API, as its guide does in the administration pages: the OpenID Connect plugin with the device grant,
open registration, introspection, revocation, DPoP and resource indicators; the clients that target.toml names; two
scopes that users must grant; the user of user.py. Tokens are signed by a key that is made for this start. The pages
that come with the package are served by glewlwyd itself, so that the verification page exists. The rest is left as it
comes.

Environment: DEVICE_CODE_LIFETIME and POLLING_INTERVAL, in seconds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

PACKAGES = Path("/usr/lib/glewlwyd")
SCHEMA = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
PAGES = Path("/usr/share/glewlwyd/webapp")
TEMPLATES = Path("/usr/share/glewlwyd/templates")
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder with a random name of its own is made there
"""Where the folder for the database goes if possible: each request writes, and each write waits for its disk."""
START_TIMEOUT = 20.0
RESOURCES = ["https://api.example.com/orders", "https://api.example.com/invoices"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    program = shutil.which("glewlwyd")
    if program is None or not SCHEMA.is_file():
        sys.exit("glewlwyd is not installed: apt-get install glewlwyd sqlite3")
    # An exception where the default action would end this process at once and leave server and folder behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="glewlwyd-", dir=place) as folder:
        database = Path(folder, "glewlwyd.db")
        with closing(sqlite3.connect(database)) as connection:
            connection.executescript(SCHEMA.read_text(encoding="utf-8"))
        # Glewlwyd follows no links out of the folder of its pages, and the package has links there to libraries.
        pages = Path(shutil.copytree(PAGES, Path(folder, "pages"), ignore=shutil.ignore_patterns("config.json")))
        # Where the link for this leads, the package makes a folder with the file in it.
        shutil.copy(TEMPLATES / "config.json", pages)
        configuration = Path(folder, "glewlwyd.conf")
        configuration.write_text(settings(port, database, pages), encoding="utf-8")
        command = [program, f"--config-file={configuration}"]
        server = subprocess.Popen(command)  # noqa: S603 - the program that this file is about
        try:
            set_up(server, f"http://127.0.0.1:{port}")
            return server.wait()
        finally:
            server.kill()
            server.wait()


def settings(port: int, database: Path, pages: Path) -> str:
    """The configuration file; what is not in it keeps its default."""
    modules = {"user": "user", "client": "client", "user_auth_scheme": "scheme", "plugin": "plugin"}
    paths = [f'{name}_module_path = "{PACKAGES / folder}"' for name, folder in modules.items()]
    types = {".html": "text/html", ".js": "application/javascript", ".css": "text/css", ".json": "application/json"}
    pairs = ", ".join(f'{{ extension = "{ending}", mime_type = "{kind}" }}' for ending, kind in types.items())
    return "\n".join(
        [
            f"port = {port}",
            'bind_address = "127.0.0.1"',
            # Without the slash of the sample configuration: paths are appended with one of their own.
            f'external_url = "http://127.0.0.1:{port}"',
            'login_url = "login.html"',
            'api_prefix = "api"',
            f'static_files_path = "{pages}"',
            f"static_files_mime_types = ({pairs})",
            'log_mode = "console"',
            'log_level = "WARNING"',
            "cookie_secure = 0",
            'session_key = "GLEWLWYD2_SESSION_ID"',
            'admin_scope = "g_admin"',
            'profile_scope = "g_profile"',
            *paths,
            'hash_algorithm = "SHA512"',
            f'database = {{ type = "sqlite3", path = "{database}" }}',
            "",
        ]
    )


def set_up(server: subprocess.Popen[bytes], base: str) -> None:
    with httpx.Client(base_url=f"{base}/api", timeout=10, trust_env=False) as http:
        await_answer(server, http)
        # The account that the schema of the package creates.
        tell(http, "/auth/", {"username": "admin", "password": "password"})
        for scope in ("read", "write"):
            tell(http, "/scope/", {"name": scope, "display_name": scope, "password_required": True})
        tell(http, "/user/?source=database", user())
        for client in clients():
            tell(http, "/client/?source=database", client)
        # Last: target.toml waits for its metadata, and everything else must be there by then.
        tell(http, "/mod/plugin/", plugin(base))


def await_answer(server: subprocess.Popen[bytes], http: httpx.Client) -> None:
    deadline = time.perf_counter() + START_TIMEOUT
    while True:
        try:
            http.get("/auth/")
        except httpx.TransportError:
            if server.poll() is not None or time.perf_counter() > deadline:
                sys.exit("glewlwyd did not start")
            time.sleep(0.02)
        else:
            return


def tell(http: httpx.Client, path: str, what: dict[str, object]) -> None:
    answer = http.post(path, json=what)
    if answer.status_code != httpx.codes.OK:
        sys.exit(f"glewlwyd refused its set-up: {path} answered {answer.status_code} {answer.text[:300]}")


def user() -> dict[str, object]:
    return {
        "username": "alice",
        "name": "Alice",
        "email": "alice@example.org",
        "password": "wonderland",
        "scope": ["openid", "read", "write", "g_profile"],
        "enabled": True,
    }


def clients() -> list[dict[str, object]]:
    device = {
        "enabled": True,
        "confidential": False,
        "redirect_uri": ["http://127.0.0.1/callback"],
        "authorization_type": ["device_authorization", "refresh_token"],
    }
    secret = {
        "confidential": True,
        "client_secret": "conf-secret",
        "token_endpoint_auth_method": ["client_secret_basic"],
    }
    named: dict[str, dict[str, object]] = {
        "pub": device,
        "other": device,
        "conf": device | secret,
        "nogrant": device | secret | {"client_secret": "nogrant-secret", "authorization_type": ["code"]},
    }
    return [{"client_id": name, "name": name, **members} for name, members in named.items()]


def plugin(base: str) -> dict[str, object]:
    parameters = {
        "iss": f"{base}/api/oidc",
        "jwt-type": "ecdsa",
        "jwt-key-size": "256",
        **keys(),
        "auth-type-device-enabled": True,
        "device-authorization-expiration": int(os.environ["DEVICE_CODE_LIFETIME"]),
        "device-authorization-interval": int(os.environ["POLLING_INTERVAL"]),
        "register-client-allowed": True,
        "introspection-revocation-allowed": True,
        "introspection-revocation-auth-scope": [],
        "introspection-revocation-allow-target-client": True,
        "resource-allowed": True,
        "resource-scope": {"read": RESOURCES, "write": RESOURCES},
        "oauth-dpop-allowed": True,
        # From here on as the administration page fills in its form for a new plugin.
        "register-client-management-allowed": True,
        "access-token-duration": 3600,
        "refresh-token-duration": 1209600,
        "code-duration": 600,
        "refresh-token-rolling": True,
        "refresh-token-one-use": "never",
        "allow-non-oidc": False,
        "auth-type-code-enabled": True,
        "auth-type-token-enabled": True,
        "auth-type-id-token-enabled": True,
        "auth-type-none-enabled": True,
        "auth-type-password-enabled": False,
        "auth-type-client-enabled": True,
        "auth-type-refresh-enabled": True,
        "jwks-show": True,
        "allowed-scope": ["openid"],
        "name-claim": "on-demand",
        "request-parameter-allow": True,
        "client-jwks-parameter": "jwks",
        "client-jwks_uri-parameter": "jwks_uri",
        "resource-client-property": "",
        "resource-scope-and-client-property": False,
        "oauth-dpop-iat-duration": 10,
        "oauth-dpop-dpop_bound_access_tokens-property": "dpop_bound_access_tokens",
        "oauth-dpop-nonce-mandatory": False,
        "oauth-dpop-nonce-counter": 10,
    }
    return {"module": "oidc", "name": "oidc", "display_name": "oidc", "enabled": True, "parameters": parameters}


def keys() -> dict[str, str]:
    """A pair of keys by P-256, in PEM."""
    private = ec.generate_private_key(ec.SECP256R1())
    plain = serialization.NoEncryption()
    key = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {"key": key.decode(), "cert": public.decode()}


if __name__ == "__main__":
    sys.exit(main())

"""mutt_oauth2.py, edited as its README asks: endpoints and identifier of ours, and files that are not encrypted."""

from __future__ import annotations

import io
import os
import runpy
import sys
from pathlib import Path

SCRIPT = Path("/usr/share/doc/mutt/examples/mutt_oauth2.py")
SETTINGS_END = "ap = argparse.ArgumentParser"
ANSWERS = "ours\ndevicecode\nperson@example.org\n"
"""To its questions for registration, flow and address."""


def given(name: str) -> str:
    return os.environ.get(f"DEVICE_GRANT_{name}", "")


registration = {
    "devicecode_endpoint": given("DEVICE_AUTHORIZATION_ENDPOINT"),
    "token_endpoint": given("TOKEN_ENDPOINT"),
    "sasl_method": "XOAUTH2",
    # It always sends one.
    "scope": given("SCOPE") or "openid",
    "client_id": given("CLIENT_ID"),
    "client_secret": given("CLIENT_SECRET"),
}
settings = f'ENCRYPTION_PIPE = DECRYPTION_PIPE = ["cat"]\nregistrations = {{"ours": {registration!r}}}\n'
edited = Path(os.environ["TMPDIR"], "mutt_oauth2.py")
edited.write_text(SCRIPT.read_text("utf-8").replace(SETTINGS_END, settings + SETTINGS_END, 1), "utf-8")
sys.argv = [str(edited), "--verbose", "--authorize", "token"]
sys.stdin = io.StringIO(ANSWERS)
runpy.run_path(str(edited), run_name="__main__")

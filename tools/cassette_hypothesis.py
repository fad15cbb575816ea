"""Replays cassettes in environments with different releases of Hypothesis; run by `tox -e cassettes-hypothesis`.

Not a test of the ordinary run: it makes two virtual environments and installs the project into each.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELEASES = ("6.140.0", "6.150.0")
"""Releases that generate different examples; what the lock of the day has is a third one."""


def main(releases: tuple[str, ...]) -> int:
    """Replay all cassettes with each release; 0 if nothing is judged otherwise."""
    cassettes = sorted(str(path.parent) for path in ROOT.glob("cassettes/*/cassette.yaml"))
    for release in releases:
        with tempfile.TemporaryDirectory() as folder:
            venv.create(folder, with_pip=True)
            python = Path(folder) / "bin" / "python"
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, f"hypothesis=={release}", str(ROOT)], check=True)  # noqa: S603 - our own words
            result = subprocess.run(  # noqa: S603 - our own words
                [str(python), "-m", "device_grant", "replay", "--brief", *cassettes], cwd=folder, check=False
            )
            sys.stdout.write(f"Hypothesis {release}: {'replayed' if result.returncode == 0 else 'CHANGED'}\n")
            if result.returncode:
                return result.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:]) or RELEASES))

"""Takes the pictures of this folder: `.venv/bin/python docs/images/make.py`, after a report has changed its looks.

Runs a part of the suite against the reference server with two faults and photographs the report in Chromium, which is
found like that of the checks (docs/how-to/check-pages-in-a-browser.md). The pictures are written beside this file.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from device_grant.browser.chromium import candidates

FOLDER = Path(__file__).resolve().parent
FAULTS = ("slow_down_polite", "json_as_html")
FAILURE = "rfc8628-3.5-server-no-slow-down-when-polite"
WIDTH = 1120
"""Pixels: wide enough for two columns, and small enough to be read where a page shows it narrower."""


def main() -> None:
    """Run, render and photograph."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        command = [sys.executable, "-m", "device_grant", "run", "embedded:rfc8628", "--report", folder]
        command += [word for fault in FAULTS for word in ("--fault", fault)]
        # The faults are found, so it ends with 1.
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False, timeout=600)  # noqa: S603 - our own command
        browser = driver.chromium.launch(executable_path=next(candidates()), chromium_sandbox=os.geteuid() != 0)
        page = browser.new_page(viewport={"width": WIDTH, "height": 920}, color_scheme="light")
        page.goto((Path(folder) / "index.html").as_uri())
        page.screenshot(path=FOLDER / "report.png")
        # What fails is folded but for the first, and so is a long story.
        page.evaluate("name => { location.hash = name }", FAILURE)
        page.evaluate("for (const one of document.querySelectorAll('.story')) one.open = true")
        # It would lie over the top of whatever is scrolled there.
        page.evaluate("document.getElementById('part-filter').hidden = true")
        page.set_viewport_size({"width": WIDTH, "height": 1400})
        page.locator(f'[id="{FAILURE}"]').screenshot(path=FOLDER / "failure.png")
        browser.close()


if __name__ == "__main__":
    main()

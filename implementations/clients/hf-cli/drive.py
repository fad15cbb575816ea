"""`hf auth login` as a person types it, or the refresh that the library does by itself of a token about to expire."""

from __future__ import annotations

import os
import sys


def login() -> None:
    from huggingface_hub.cli.hf import main

    sys.argv = ["hf", "auth", "login"]
    main()


def refresh() -> None:
    """It renews what has less than a day to live; the scripted server's tokens live an hour."""
    from huggingface_hub import get_token
    from huggingface_hub._login import _save_token, _set_active_token

    given = os.environ.get("DEVICE_GRANT_REFRESH_TOKEN")
    if given:
        _save_token("old", "given", refresh_token=given, expires_at=0)
        _set_active_token("given", add_to_git_credential=False)
    print("device-grant: token", get_token())


if os.environ["DEVICE_GRANT_OPERATION"] == "refresh":
    refresh()
else:
    login()

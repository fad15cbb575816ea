"""Starts a Django project with django-oauth-toolkit on 127.0.0.1, with the clients and user of target.toml.

Environment: PORT.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

import django
import waitress
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application


def main() -> None:
    # An exception where the default action would end the process at once and leave the folder behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with tempfile.TemporaryDirectory(prefix="django-oauth-toolkit-") as folder:
        os.environ["DATABASE"] = str(Path(folder, "db.sqlite3"))
        os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
        django.setup()
        call_command("migrate", verbosity=0)
        populate()
        # Threads for as many requests as checks send at the same moment.
        waitress.serve(get_wsgi_application(), host="127.0.0.1", port=int(os.environ["PORT"]), threads=16)


def populate() -> None:
    # Models can be imported only now that the settings are known.
    from django.contrib.auth.models import User
    from oauth2_provider.models import Application

    # Django's admin lets nobody sign in who has no business there.
    User.objects.create_user("alice", password="wonderland", is_staff=True)  # noqa: S106 - the demo account of the fixture
    clients = [
        ("pub", "", Application.GRANT_DEVICE_CODE),
        ("other", "", Application.GRANT_DEVICE_CODE),
        ("conf", "conf-secret", Application.GRANT_DEVICE_CODE),
        ("nogrant", "nogrant-secret", Application.GRANT_CLIENT_CREDENTIALS),
    ]
    for client_id, secret, grant in clients:
        Application.objects.create(
            client_id=client_id,
            client_secret=secret,
            client_type=Application.CLIENT_CONFIDENTIAL if secret else Application.CLIENT_PUBLIC,
            authorization_grant_type=grant,
            name=f"Conformance {client_id}",
        )


if __name__ == "__main__":
    main()

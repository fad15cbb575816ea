"""Starts a Django project with allauth's OpenID provider on 127.0.0.1, with the clients and user of target.toml.

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
    with tempfile.TemporaryDirectory(prefix="django-allauth-") as folder:
        os.environ["DATABASE"] = str(Path(folder, "db.sqlite3"))
        os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
        django.setup()
        call_command("migrate", verbosity=0)
        populate()
        waitress.serve(
            get_wsgi_application(),
            host="127.0.0.1",
            port=int(os.environ["PORT"]),
            # For as many requests as checks send at the same moment.
            threads=16,
            # As behind a proxy: target.toml gives each browser an address of its own, since allauth limits how many
            # codes come from one, and the people of a whole run would share it.
            trusted_proxy="127.0.0.1",
            trusted_proxy_headers={"x-forwarded-for"},
        )


def populate() -> None:
    # Models can be imported only now that the settings are known.
    from allauth.idp.oidc.models import Client
    from django.contrib.auth.models import User

    User.objects.create_user("alice", password="wonderland")  # noqa: S106 - the demo account of the fixture
    device = [Client.GrantType.DEVICE_CODE, Client.GrantType.REFRESH_TOKEN]
    clients = [
        ("pub", "", device),
        ("other", "", device),
        ("conf", "conf-secret", device),
        ("nogrant", "nogrant-secret", [Client.GrantType.CLIENT_CREDENTIALS]),
    ]
    for client_id, secret, grants in clients:
        client = Client(
            id=client_id,
            name=f"Conformance {client_id}",
            type=Client.Type.CONFIDENTIAL if secret else Client.Type.PUBLIC,
        )
        client.set_grant_types(grants)
        client.set_scopes(["openid", "profile", "email"])
        client.set_default_scopes(["openid"])
        if secret:
            client.set_secret(secret)
        client.save()


if __name__ == "__main__":
    main()

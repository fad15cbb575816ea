"""Clients of a few lines that are run as processes, and what a client.toml would say of them."""

import sys
import textwrap

from device_grant.catalogue import load
from device_grant.client.drivers.config import ClientConfig, LocatedClient, RunSection
from device_grant.client.session.run import ClientRun
from device_grant.protocol import dialect

HONEST = textwrap.dedent(
    """
    import json, os, sys, time, urllib.parse, urllib.request
    E = os.environ
    def post(url, **members):
        body = urllib.parse.urlencode(members).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body), timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)
    me = E["DEVICE_GRANT_CLIENT_ID"]
    started = post(E["DEVICE_GRANT_DEVICE_AUTHORIZATION_ENDPOINT"], client_id=me)
    print("Open", started["verification_uri"], "and type", started["user_code"])
    while True:
        time.sleep(started.get("interval", 5))
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        code = started["device_code"]
        token = post(E["DEVICE_GRANT_TOKEN_ENDPOINT"], client_id=me, grant_type=grant, device_code=code)
        if token.get("error") != "authorization_pending":
            break
    sys.exit("error" in token)
    """
)


def located(source, folder, **sections):
    (folder / "client.py").write_text(source, "utf-8")
    run = {"command": (sys.executable, "-S", "{dir}/client.py"), "deadline": 8.0, **sections.pop("run", {})}
    config = ClientConfig(name="x", run=RunSection(**run), **sections)
    return LocatedClient(config=config, folder=folder, spec="x")


def run_of(driver):
    return ClientRun(driver, dialect(driver.config.dialect), load())

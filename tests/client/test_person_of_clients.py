"""What reaches the terminal and the browser of a client that is a process, and a client that is suspended."""

from __future__ import annotations

import sys
import textwrap

import pytest

from device_grant.catalogue import load
from device_grant.client.drivers.config import ClientConfig, LocatedClient, RunSection
from device_grant.client.drivers.process import ProcessDriver
from device_grant.client.session.run import ClientRun
from device_grant.engine import run_check
from device_grant.protocol import dialect

pytestmark = pytest.mark.long

TERMINAL = "rfc8628-3.3-client-terminal-safe"
ONLY_WEB, NO_SHELL = "rfc8628-3.3-client-opens-web-addresses", "rfc8628-3.3-client-opens-without-shell"
WAITS = "rfc8628-3.5-client-waits-before-each-request"

CLIENT = textwrap.dedent(
    """
    import json, os, subprocess, sys, time, urllib.error, urllib.parse, urllib.request
    MODE = sys.argv[1]
    def post(name, **members):
        body = urllib.parse.urlencode({"client_id": os.environ["DEVICE_GRANT_CLIENT_ID"], **members}).encode()
        url = os.environ["DEVICE_GRANT_" + name + "_ENDPOINT"]
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body), timeout=9) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)
    def clean(text):
        if MODE == "raw" or (MODE == "raw-in-files" and not sys.stdout.isatty()):
            return text
        return "".join(one if one.isprintable() else "." for one in text)
    said = post("DEVICE_AUTHORIZATION")
    uri, interval = said["verification_uri_complete"], said["interval"]
    if MODE == "marks":
        print("device-grant: shows", said["user_code"], uri)
    print("\\x1b[1mOpen\\x1b[0m", clean(said["verification_uri"]), "and type", clean(said["user_code"]), flush=True)
    if MODE == "opens" and uri.startswith(("http://", "https://")):
        subprocess.run(["xdg-open", uri])
    elif MODE == "opens-all":
        subprocess.run([os.environ["BROWSER"], uri])
    elif MODE.startswith("shell"):
        quote = MODE[5:]
        subprocess.run("xdg-open " + quote + uri + quote, shell=True)
    began = time.monotonic()
    due = began + interval
    while True:
        time.sleep(max(0.0, due - time.monotonic()))
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        token = post("TOKEN", grant_type=grant, device_code=said["device_code"])
        if token.get("error") != "authorization_pending":
            break
        if MODE == "ticks":
            due += interval
            while due + interval < time.monotonic():
                due += interval
        else:
            due = time.monotonic() + interval
    if "error" in token:
        print("refused:", clean(token.get("error_description", "")), file=sys.stderr)
        sys.exit(1)
    """
)


KEEPER = """
import sys, time
MODE = sys.argv[1]
def keep(token):
    home = os.environ["HOME"] + "/.config/keeper"
    os.makedirs(home, 0o700 if MODE == "closed folder" else 0o755)
    path = home + "/token"
    if MODE == "closed":
        file = os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w")
    else:
        file = open(path, "w")
    if MODE == "closed before":
        os.chmod(path, 0o600)
    if MODE == "filled later":
        file.write("{}")
        file.flush()
        os.chmod(path, 0o600)
    file.write(token)
    file.close()
    if MODE == "closed after":
        time.sleep(0.1)  # what comes between the two calls in a client that does more, or on a slow disk
    if MODE != "open":
        os.chmod(path, 0o600)
"""


def verdicts(mode, check, folder, source=CLIENT):
    (folder / "client.py").write_text(source, "utf-8")
    command = (sys.executable, "-S", "{dir}/client.py", mode)
    config = ClientConfig(name=mode, run=RunSection(command=command, deadline=15.0))
    with ProcessDriver(LocatedClient(config=config, folder=folder, spec=mode)) as driver:
        run = ClientRun(driver, dialect(config.dialect), load())
        return {name: verdict.label for name, verdict in run_check(run, check).verdicts.items()}


@pytest.mark.parametrize(
    ("mode", "verdict"), [("clean", "pass"), ("raw-in-files", "pass"), ("marks", "pass"), ("raw", "warn")]
)
def test_what_reaches_the_terminal(mode, verdict, tmp_path):
    """One that cleans for terminals alone is as good as any; what an adapter marks is the adapter's."""
    assert verdicts(mode, "person::test_text_for_a_terminal", tmp_path) == {TERMINAL: verdict}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("opens", ("pass", "pass")),
        ("opens-all", ("warn", "pass")),
        ("shell", ("warn", "fail")),
        ('shell"', ("warn", "fail")),
        ("shell'", ("warn", "fail")),
        ("none", ("not-applicable", "not-applicable")),
    ],
)
def test_what_is_opened(mode, expected, tmp_path):
    said = verdicts(mode, "person::test_addresses_that_are_opened", tmp_path)
    assert (said[ONLY_WEB], said[NO_SHELL]) == expected


@pytest.mark.parametrize(("mode", "verdict"), [("clean", "pass"), ("ticks", "fail")])
def test_a_client_that_is_suspended(mode, verdict, tmp_path):
    assert verdicts(mode, "waiting::test_suspended_client", tmp_path) == {WAITS: verdict}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of files in time")
@pytest.mark.parametrize(
    ("mode", "verdict"),
    [
        ("closed", "pass"),
        ("closed folder", "pass"),
        ("closed before", "pass"),
        ("filled later", "pass"),
        ("closed after", "warn"),
        ("open", "warn"),
    ],
)
def test_a_file_that_is_open_for_a_moment(mode, verdict, tmp_path):
    """The moment lies between two calls of the system; where they follow at once, it is missed now and then."""
    source = KEEPER + CLIENT.replace("MODE = sys.argv[1]", "") + 'keep(token["access_token"])\n'
    source = "import os\n" + source
    assert verdicts(mode, "keeping::test_files", tmp_path, source)["rfc6819-5.3.3-secure-storage"] == verdict

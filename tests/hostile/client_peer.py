"""A client that does its login honestly, and one deed before or after it; `WHEN DEED`, the rest by the environment."""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from hostile.deeds import DEEDS, ESCAPES
from hostile.honest import GRANT, camel

AWS = os.environ["DEVICE_GRANT_DIALECT"] == "aws-sso-oidc"
BASE = os.environ["DEVICE_GRANT_ENDPOINT"]


def ask(path, members, **fields):
    if AWS:
        body, kind = json.dumps({camel(name): value for name, value in members.items()}), "application/json"
    else:
        body, kind = urllib.parse.urlencode(members), "application/x-www-form-urlencoded"
    request = urllib.request.Request(BASE + path, body.encode(), {"Content-Type": kind, **fields})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def login():
    client = {"client_id": os.environ.get("DEVICE_GRANT_CLIENT_ID", "")}
    if AWS:
        given = ask("/client/register", {"client_name": "hostile", "client_type": "public"})
        client = {"client_id": given["clientId"], "client_secret": given["clientSecret"]}
    more = {"start_url": os.environ.get("DEVICE_GRANT_START_URL", "")} if AWS else {}
    given = ask("/device_authorization", {**client, **more})
    name = camel if AWS else str
    print(f"device-grant: shows {given[name('user_code')]} {given[name('verification_uri')]}", flush=True)
    code = given[name("device_code")]
    for _ in range(20):
        time.sleep(given.get("interval", 5))
        got = ask("/token", {**client, "grant_type": GRANT, "device_code": code})
        if name("access_token") in got:
            print("device-grant: token", got[name("access_token")], flush=True)
            return
        if got.get("error") not in ("authorization_pending", "slow_down"):
            sys.exit(1)


def many_requests():
    for number in range(2000):
        ask("/token", {"grant_type": str(number)})


def large_request():
    ask("/device_authorization", {"client_id": "c" * 30_000_000})


def large_field():
    ask("/device_authorization", {"client_id": "c"}, **{"X-Large": "v" * 60_000})


def lying_markers():
    for line in (
        f"token {ESCAPES}",
        "token",
        "shows",
        f"error {ESCAPES}",
        "started \ud800",
        "done " * 10_000,
        "unsupported",
    ):
        sys.stdout.buffer.write(f"device-grant: {line}\n".encode("utf-8", "surrogatepass"))


def many_markers():
    print("device-grant: token t\n" * 200_000)


def unsupported():
    print(f"device-grant: unsupported {ESCAPES}")
    sys.exit(75)


def escapes_in_requests():
    ask("/device_authorization", {"client_id": ESCAPES, ESCAPES: "\ud800".encode("utf-8", "surrogatepass")})


def raw_request(octets):
    import socket

    host, _, port = urllib.parse.urlsplit(BASE).netloc.partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(octets)
        connection.settimeout(3)
        try:
            connection.recv(1000)
        except OSError:
            return


def no_http():
    raw_request(b"\x16\x03\x01\x00\xff" + bytes(range(256)))


def endless_head():
    raw_request(b"POST /token HTTP/1.1\r\nX: " + b"a" * 5_000_000)


def false_length():
    raw_request(b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\ngrant_type")


def deep_json():
    raw_request(
        b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
        + b"[" * 100_000
    )


def odd_target():
    raw_request(b"POST /\x1b]0;owned\x07\x9b\xff?\x00 HTTP/1.1\r\nHost: \x1b[2J\r\nUser-Agent: \x1b[2J\x9b\r\n\r\n")


OWN = {
    work.__name__.replace("_", " "): work
    for work in (
        many_requests, large_request, large_field, lying_markers, many_markers, unsupported, escapes_in_requests,
        no_http, endless_head, false_length, deep_json, odd_target,
    )
}  # fmt: skip

if __name__ == "__main__":
    when, deed = sys.argv[1:3]
    if when == "late":
        login()
    (OWN | DEEDS)[deed]()
    if when == "early":
        login()

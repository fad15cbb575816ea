"""A small device grant server whose clock is wrong in a way: `clock_server.py PORT KIND`.

The file that CLOCK_AHEAD names has the seconds that the clock is ahead of the real one. `honest` follows it, `undated`
too but sends no Date, `fronted` too but has a Date of its own, `still` does not look at it, `half` looks when a code is
polled and not when it is issued.
"""

import json
import os
import sys
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

KIND = sys.argv[2]
AHEAD = Path(os.environ["CLOCK_AHEAD"])
LIFETIME = 60
issued = {}


def now(*, polled=True):
    follows = KIND in ("honest", "undated", "fronted") or (KIND == "half" and polled)
    return time.time() + (float(AHEAD.read_text("ascii")) if follows else 0.0)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(404, {"error": "not_found"})

    def do_POST(self):
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        if self.path == "/device_authorization":
            code = f"code-{len(issued)}"
            issued[code] = now(polled=False)
            body = {"device_code": code, "user_code": "ABCD-EFGH", "expires_in": LIFETIME, "interval": 1}
            self.answer(200, body | {"verification_uri": f"http://{self.headers['Host']}/device"})
        elif form.get("device_code") not in issued:
            self.answer(400, {"error": "invalid_grant"})
        else:
            over = now() - issued[form["device_code"]] > LIFETIME
            self.answer(400, {"error": "expired_token" if over else "authorization_pending"})

    def answer(self, status, members):
        body = json.dumps(members).encode()
        self.send_response_only(status)
        if KIND != "undated":
            self.send_header("Date", formatdate(time.time() if KIND == "fronted" else now(polled=False), usegmt=True))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        return None


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

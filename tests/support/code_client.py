"""A client of AWS SSO OIDC that signs in by the authorization code grant, as a process; odd and broken ones of it."""

from __future__ import annotations

import textwrap

from device_grant.client.drivers.config import Claims
from device_grant.client.drivers.process import ProcessDriver
from device_grant.engine import run_check
from support.process_client import located, run_of

SOURCE = textwrap.dedent(
    """
    import base64, hashlib, http.server, json, os, secrets, socket, subprocess, sys, urllib.parse, urllib.request
    E, BASE = os.environ, os.environ["DEVICE_GRANT_ENDPOINT"]
    HOST, BIND, PATH, REGISTERED = "127.0.0.1", "127.0.0.1", "/oauth/callback", "http://127.0.0.1/oauth/callback"
    EXTRA, FIRST, LATER = "", "", ""
    SCOPES, ASKED = ["sso:account:access"], "sso:account:access"
    def state():
        return secrets.token_urlsafe(24)
    def verifier():
        return secrets.token_urlsafe(48)
    def challenge(made):
        return base64.urlsafe_b64encode(hashlib.sha256(made.encode()).digest()).decode().rstrip("=")
    def opened(url):
        subprocess.Popen([E["BROWSER"], url])
    def right(said):
        return said.get("state", [""])[0] == STATE
    def next_try(said, number):
        return False
    def proof(made):
        return {"codeVerifier": made}
    def method():
        return "S256"
    def post(path, **members):
        kind = {"Content-Type": "application/json"}
        request = urllib.request.Request(BASE + path, json.dumps(members).encode(), kind)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)
    #ODD
    me = post("/client/register", clientName="small", clientType="public", redirectUris=[REGISTERED],
              grantTypes=["authorization_code", "refresh_token"], scopes=SCOPES)
    came, tries = {}, 0
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urllib.parse.urlsplit(self.path)
            said = urllib.parse.parse_qs(parts.query)
            hit = (parts.path.rstrip("/") or "/") == (PATH.rstrip("/") or "/") and {"code", "error"} & said.keys()
            if hit:
                came.update(said)
            self.send_response(200 if hit else 404)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")
        def log_message(self, *_):
            pass
    class Server(http.server.HTTPServer):
        address_family = socket.AF_INET6 if ":" in BIND else socket.AF_INET
    server = Server((BIND, 0), Page)
    host = f"[{HOST}]" if ":" in HOST else HOST
    back = f"http://{host}:{server.server_port}{PATH}"
    while True:
        STATE, made = state(), verifier()
        asked = {"response_type": "code", "client_id": me["clientId"], "redirect_uri": back, "state": STATE,
                 "code_challenge_method": method(), "code_challenge": challenge(made), "scopes": ASKED}
        url = f"{BASE}/authorize?{FIRST}{urllib.parse.urlencode({k: v for k, v in asked.items() if v})}{EXTRA}"
        print("Open", url, flush=True)
        opened(url)
        while not came:
            server.handle_request()
        tries += 1
        if "error" not in came or not next_try(came, tries):
            break
        came.clear()
    server.server_close()
    if "error" in came:
        sys.exit("refused: " + came["error"][0])
    if not right(came):
        sys.exit("another state")
    token = post("/token", clientId=me["clientId"], clientSecret=me["clientSecret"], grantType="authorization_code",
                 code=came["code"][0], redirectUri=back, **proof(made))
    if "accessToken" not in token:
        sys.exit("no token: " + str(token.get("error")))
    print("device-grant: token", token["accessToken"])
    """
)


def verdicts_of(folder, odd: str, *checks: str) -> dict[str, str]:
    """The verdicts of these scenarios, and of the rules that are broken in them, on the client with these words."""
    source = SOURCE.replace("#ODD", odd)
    run = {"kind": "code", "deadline": 8.0}
    config = {"dialect": "aws-sso-oidc", "claims": Claims(authorization_code=True)}
    with ProcessDriver(located(source, folder, run=run, **config)) as driver:
        client = run_of(driver)
        client.handshake()
        verdicts = {}
        for check in checks:
            said = run_check(client, check)
            verdicts |= {name: verdict.label for name, verdict in said.verdicts.items()}
            broken = {name for by_one in said.broken_invariants.values() for name in by_one}
            verdicts |= dict.fromkeys(broken, "broken")
        return verdicts

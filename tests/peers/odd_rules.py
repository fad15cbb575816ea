"""Peers of the RFC dialect that differ in what they decide: codes, polling, tokens, scopes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time

from peer_pages import WINDOW
from peer_records import DEVICE, Client, Grant, Refused
from peer_rfc import Honest
from peer_wire import Answer, Request, json_answer

NINETY_DAYS = 90 * 86400


class LateApproval(Honest):
    """A decision reaches the token endpoint 300 ms later: replicas (nothing in RFC 8628 says when it counts)."""

    behind = 0.3

    def redeem(self, form: dict[str, str], client: Client) -> Answer:
        grant = self.grants.get(form.get("device_code", ""))
        if (
            grant
            and grant.client is client
            and grant.state in ("approved", "denied")
            and time.time() < grant.decided + self.behind
        ):
            raise Refused("authorization_pending", "the user has not decided yet")
        return super().redeem(form, client)


class LaggingReplicas(LateApproval):
    """The same after more than two intervals: the token endpoint reads from a replica that is far behind."""

    behind = 12.0


class NineDigits(Honest):
    """Nine digits, the example of RFC 8628 section 6.1; wrong codes are throttled."""

    alphabet = "0123456789"
    code_length = 9
    group = 3


class LongCodes(Honest):
    """Twelve letters, and a device code of 500 characters: RFC 8628 bounds neither."""

    code_length = 12

    def new_device_code(self) -> str:
        return secrets.token_urlsafe(375)


class OddDeviceCodes(Honest):
    """Device codes with characters that a form has to encode: RFC 8628 leaves their alphabet open."""

    def new_device_code(self) -> str:
        return f"{secrets.token_hex(20)}+/=%20&;~ {secrets.token_hex(4)}"


class LowerCaseCodes(Honest):
    """User codes are shown in lower case; upper case is taken too (RFC 8628 section 6.1)."""

    def new_user_code(self) -> str:
        return super().new_user_code().lower()


class DottedCodes(Honest):
    """Dots instead of dashes: punctuation is the server's choice (RFC 8628 section 6.1)."""

    separator = "."


class SpacedCodes(Honest):
    """Spaces instead of dashes."""

    separator = " "


class BareCodes(Honest):
    """No punctuation at all."""

    separator = ""


class LookAlikes(Honest):
    """Letters and digits without O, I and L, which are read as 0, 1 and 1 (RFC 8628 section 6.1, after Crockford)."""

    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    deviations = {"rfc8628-6.1-charset-usable": "section 6.1 would rather have letters or digits alone"}

    def plain(self, typed: str) -> str:
        return super().plain(typed.upper().replace("O", "0").replace("I", "1").replace("L", "1"))


class EarlyThrottle(Honest):
    """The second wrong code within a minute is answered 429: RFC 8628 section 5.1 leaves the limit to the server."""

    wrong_codes_allowed = 1


class Lockout(Honest):
    """Too many wrong codes shut the field for ten minutes, without Retry-After."""

    wrong_codes_allowed = 8

    def throttled(self) -> Answer:
        return self.message(403, "slower")

    def guarded(self, request: Request, code: str, go_on) -> Answer:
        person, now = self.person(request), time.time()
        if (
            len(self.wrong_codes.get(person, [])) >= self.wrong_codes_allowed
            and now < self.wrong_codes[person][-1] + 600
        ):
            return self.throttled()
        return super().guarded(request, code, go_on)


class WaitingRoom(Honest):
    """Too many wrong codes are told by a page with status 200, as many web applications do."""

    def throttled(self) -> Answer:
        return self.message(200, "slower")


class NoInterval(Honest):
    """No interval: five seconds then (RFC 8628 section 3.2)."""

    def started(self, code: str, grant: Grant) -> dict:
        members = super().started(code, grant)
        del members["interval"]
        return members


class IntervalOne(Honest):
    """An interval of one second."""

    interval = 1


class IntervalThirty(Honest):
    """An interval of half a minute."""

    interval = 30


class OneMinute(Honest):
    """Codes live for a minute (RFC 8628 section 3.2 sets no least)."""

    lifetime = 60
    interval = 3


class HalfHour(Honest):
    """Codes live for half an hour, the interval is ten seconds."""

    lifetime = 1800
    interval = 10


class NeverSlowDown(Honest):
    """Answers authorization_pending at any speed: nothing in RFC 8628 section 3.5 makes a server send slow_down."""

    def waiting(self, grant: Grant, now: float) -> Refused:
        return Refused("authorization_pending")


class LeakyBucket(Honest):
    """Three polls may come at once; then slow_down until one interval a poll is kept, which does not grow."""

    def waiting(self, grant: Grant, now: float) -> Refused:
        grant.polled = max(grant.polled, now - 3 * grant.interval)
        if grant.polled + grant.interval > now + 0.01:
            return Refused("slow_down")
        grant.polled += grant.interval
        return Refused("authorization_pending")


class SlowDownStays(Honest):
    """Remembers the increased interval for ever and counts early polls from the last one that was in time."""

    def waiting(self, grant: Grant, now: float) -> Refused:
        if grant.polled and now - grant.polled < grant.interval:
            grant.interval += self.step
            grant.polled = now
            return Refused("slow_down", "slower, please")
        grant.polled = now
        return Refused("authorization_pending")


class SpeedAfterDecision(Honest):
    """Too fast is too fast, also after the approval: the poll is put off, the token is kept (RFC 8628 section 3.5)."""

    def redeem(self, form: dict[str, str], client: Client) -> Answer:
        grant = self.grants.get(form.get("device_code", ""))
        if grant and grant.client is client and grant.state == "approved" and time.time() < grant.ends:
            refused = self.waiting(grant, time.time())
            if refused.error == "slow_down":
                raise refused
        return super().redeem(form, client)


class ForgetsExpired(Honest):
    """Expired codes are forgotten: invalid_grant (RFC 6749 section 5.2 names expired grants)."""

    deviations = {"rfc8628-3.5-expired-token": "section 3.5 has a code of its own for it"}

    def expired(self, code: str) -> Refused:
        del self.grants[code]
        return Refused("invalid_grant", "the device code is unknown")


class ToldOnce(Honest):
    """Denial and expiry are told once; then the code is unknown, invalid_grant."""

    def denied(self, grant: Grant) -> Refused:
        self.grants = {code: kept for code, kept in self.grants.items() if kept is not grant}
        return super().denied(grant)

    def expired(self, code: str) -> Refused:
        del self.grants[code]
        return super().expired(code)


class NoRefresh(Honest):
    """No refresh tokens: RFC 6749 section 1.5 makes them optional."""

    grant_types = (DEVICE,)

    def registration(self, request: Request) -> dict:
        wanted = super().registration(request)
        # RFC 7591 section 3.2.1: what is not to be had is replaced.
        if "refresh_token" in wanted.get("grant_types", []) and DEVICE in wanted["grant_types"]:
            wanted["grant_types"] = [DEVICE]
        return wanted


class KeptRefresh(Honest):
    """Refresh tokens of confidential clients are not rotated (RFC 9700 section 4.14 binds public clients)."""

    def refresh(self, form: dict[str, str], client: Client) -> Answer:
        if not client.secret:
            return super().refresh(form, client)
        answer = super().refresh(form, client)
        known = self.refreshes[form["refresh_token"]]
        known.used = False
        members = json.loads(answer.body)
        del self.refreshes[members["refresh_token"]]
        members["refresh_token"] = form["refresh_token"]
        return json_answer(200, members, *answer.headers[1:])


class NoRepeatedRefresh(Honest):
    """A refresh answers without refresh_token where the old one goes on, for confidential clients (section 6)."""

    def refresh(self, form: dict[str, str], client: Client) -> Answer:
        answer = super().refresh(form, client)
        if client.secret:
            members = json.loads(answer.body)
            del self.refreshes[members.pop("refresh_token")]
            self.refreshes[form["refresh_token"]].used = False
            return json_answer(200, members, *answer.headers[1:])
        return answer


class JwtTokens(Honest):
    """Access tokens are signed JWTs (RFC 9068), by a key that its resource servers share; refresh tokens are opaque."""

    deviations = {
        "rfc9068-4-asymmetric": "section 4 would rather have signatures that anybody can verify",
        "rfc9068-4-keys-published": "nor are keys published then",
    }

    def new_token(self, client: Client, scope: str) -> str:
        now = int(time.time())
        claims = {"iss": self.base, "sub": "maria", "aud": "https://api.test", "client_id": client.id, "scope": scope}
        claims |= {"iat": now, "exp": now + self.token_lifetime, "jti": secrets.token_hex(16)}
        parts = [{"alg": "HS256", "typ": "at+jwt"}, claims]
        signed = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
        signature = hmac.new(self.key, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


class ShortTokens(Honest):
    """Opaque tokens and codes of 160 bits, 27 characters, as RFC 6749 section 10.10 prefers them."""

    def new_token(self, client: Client, scope: str) -> str:
        return secrets.token_urlsafe(20)

    def new_device_code(self) -> str:
        return secrets.token_urlsafe(20)


class ScopeOmitted(Honest):
    """Leaves scope out where it is what was asked for (RFC 6749 section 5.1)."""

    def scope(self, asked: str, client: Client) -> str:
        self.asked = asked
        return super().scope(asked, client)

    def start(self, request: Request) -> Answer:
        answer = super().start(request)
        self.wanted = getattr(self, "wanted", {})
        self.wanted[json.loads(answer.body)["device_code"]] = self.asked
        return answer

    def redeem(self, form: dict[str, str], client: Client) -> Answer:
        answer = super().redeem(form, client)
        members = json.loads(answer.body)
        if members["scope"] == self.wanted[form["device_code"]]:
            del members["scope"]
        return json_answer(200, members, *answer.headers[1:])


class ScopeReplaced(Honest):
    """Ignores scopes that it does not know, and says what was granted instead (RFC 6749 section 3.3)."""

    def scope(self, asked: str, client: Client) -> str:
        known = [word for word in dict.fromkeys(asked.split()) if word in client.scope.split()]
        return super().scope(" ".join(known), client)


class OneScopeForAll(Honest):
    """Registers everybody for one scope, and grants it whatever is asked for; always says so (sections 3.3 and 5.1)."""

    scopes = ("profile",)

    def scope(self, asked: str, client: Client) -> str:
        return "profile"


class NoScopes(Honest):
    """Knows no scopes: any is refused, none is needed, and metadata has none (RFC 6749 section 3.3)."""

    scopes = ()
    default_scope = ""

    def metadata_members(self) -> dict:
        members = super().metadata_members()
        del members["scopes_supported"]
        return members

    def registered(self, client: Client, wanted: dict) -> dict:
        members = super().registered(client, wanted)
        del members["scope"]
        return members

    def tokens_for(self, client: Client, scope: str, original: str, family: str) -> dict:
        members = super().tokens_for(client, scope, original, family)
        del members["scope"]
        return members


class OwnRecord(Honest):
    """Throttles by browser and by account, and says for how long by a date (RFC 9110 section 10.2.3)."""

    def throttled(self) -> Answer:
        moment = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + WINDOW))
        return self.message(429, "slower", ("Retry-After", moment))


class OneSession(Honest):
    """Keeps one refresh token for a client and its user: the next redemption replaces it, as a new sign-in may."""

    interval = 1
    deviations = {"rfc6749-6-second-device-keeps-first": "no text has it so"}

    def redeem(self, form, client):
        before = set(self.refreshes)
        answer = super().redeem(form, client)
        # Not at a poll that yields nothing: those of other checks come at any moment.
        self.refreshes = {
            name: kept for name, kept in self.refreshes.items() if name not in before or kept.client is not client
        }
        return answer

"""What the page asks of every server and client: a requirement, and in a few words what keeping it means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """One of them."""

    requirement: str
    """Its id in the catalogue."""
    words: str
    """What whoever keeps it does, so that `6 of 9 clients` can stand before it."""
    short: bool = False
    """Whether it is among the few that stand at the top of the page."""


@dataclass(frozen=True)
class Theme:
    """Questions that belong together."""

    title: str
    questions: tuple[Question, ...]


CLIENTS = (
    Theme(
        "How long they wait",
        (
            Question("rfc8628-3.5-client-waits-before-each-request", "wait at least the interval before each poll"),
            Question(
                "rfc8628-3.5-client-waits-default-five",
                "wait five seconds where the server names no interval",
                short=True,
            ),
            Question("rfc8628-3.5-slow-down-increments-interval", "add five seconds at `slow_down`", short=True),
            Question("rfc8628-3.5-slow-down-is-permanent", "keep the longer interval for the rest of the login"),
            Question("rfc8628-3.5-slow-down-accumulates", "add five more at each further `slow_down`"),
            Question("rfc8628-3.2-client-odd-interval", "cope with an interval that is no positive number"),
            Question("rfc8628-3.5-client-one-poll-at-a-time", "send one poll at a time"),
            Question("rfc8628-3.5-timeout-reduces-frequency", "poll less often after a time-out"),
            Question("rfc9110-10.2.3-retry-after", "wait as long as `Retry-After` says"),
        ),
    ),
    Theme(
        "When they stop",
        (
            Question("rfc8628-3.3-client-polls-until-done", "poll until a decision or an error ends the login"),
            Question(
                "rfc8628-3.3-client-stops-at-expiry",
                "stop when the codes expire, though the server never says so",
                short=True,
            ),
            Question("rfc8628-3.5-client-stops-on-other-errors", "end at any error but pending and `slow_down`"),
            Question("rfc8628-3.5-client-survives-trouble", "go on after one poll that is lost, or answered 503"),
            Question("rfc8628-3.5-client-unreadable-answer", "take an unreadable answer for no token"),
            Question(
                "rfc8628-3.2-client-rejects-incomplete-response",
                "refuse a start that lacks a required member",
                short=True,
            ),
        ),
    ),
    Theme(
        "What they tell and send",
        (
            Question("rfc8628-3.3-client-shows-code-and-uri", "show the person both the code and the address"),
            Question("rfc8628-3.3.1-still-show-user-code", "show the code beside a complete link too"),
            Question("rfc8628-3.5-client-waits-for-user-before-restart", "begin anew only when the person asks for it"),
            Question("rfc8628-3.1-client-form-body", "send the start as a form"),
            Question(
                "rfc8628-3.1-confidential-client-authenticates", "authenticate at the start, where they have a secret"
            ),
            Question("rfc6749-5.1-client-without-expires-in", "work with a token whose lifetime is not told"),
            Question("rfc9110-9.2.2-no-blind-retry", "repeat no POST of their own accord"),
            Question("rfc9112-6.3-client-incomplete", "take an answer that breaks off for incomplete"),
        ),
    ),
    Theme(
        "How they guard secrets",
        (
            Question("rfc9110-15.4-client-redirects", "follow no redirect with a code or a secret to another origin"),
            Question("rfc6749-10.9-client-validates-cert", "check the certificate of the server"),
            Question("rfc6819-5.1.6-client-output-access-token", "keep access tokens out of output and logs"),
            Question("rfc6819-5.3.3-secure-storage", "keep tokens in files that others cannot read"),
            Question("rfc8628-3.3-client-terminal-safe", "let no escape sequence of the server reach the terminal"),
        ),
    ),
)

SERVERS = (
    Theme(
        "How they answer polls",
        (
            Question("rfc8628-3.5-authorization-pending", "answer `authorization_pending` until the decision"),
            Question("rfc8628-3.5-access-denied", "answer `access_denied` after a refusal", short=True),
            Question("rfc8628-3.5-denied-means-denied", "say denied and expired of nothing else"),
            Question("rfc8628-3.5-error-codes-exact", "spell the four errors exactly"),
            Question("rfc8628-3.5-exact-interval-accepted", "let a client poll at the very interval"),
            Question("rfc8628-3.5-interval-per-code", "count the interval for each device code"),
            Question("rfc8628-3.5-approved-fast-poll", "lose no token to a poll that comes too early"),
            Question("rfc8628-3.5-no-early-expiry", "keep codes usable for the whole lifetime", short=True),
        ),
    ),
    Theme(
        "What the person meets",
        (
            Question("rfc8628-5.4-inform-user-authorizing-device", "tell the person that a device is authorized"),
            Question("rfc8628-5.4-confirm-possession", "ask whether the device is in their possession", short=True),
            Question("rfc8628-5.4-display-device-info", "show something about the device or client"),
            Question("rfc8628-6.1-charset-usable", "make user codes of one case of letters, or of digits"),
            Question("rfc8628-6.1-avoid-confusable", "avoid letters and digits that look alike"),
            Question("rfc8628-6.1-strip-punctuation", "take a user code with other dashes or none"),
            Question("rfc8628-6.1-case-insensitive-entry", "take a user code of letters in either case"),
        ),
    ),
    Theme(
        "What they publish, and how they bear mistakes",
        (
            Question("rfc8628-4-grant-types-supported", "list the grant in their metadata"),
            Question("rfc8628-4-endpoint-metadata", "name the device authorization endpoint in their metadata"),
            Question("rfc8628-3.2-no-store", "forbid caches to keep the codes"),
            Question("rfc8628-3.1-ignore-unrecognized-params", "ignore parameters that they do not know"),
            Question("rfc9110-15.6-no-5xx-on-client-error", "answer no mistake of a client with 5xx", short=True),
            Question("rfc9110-11.6.1-401-challenge", "send `WWW-Authenticate` with every 401"),
            Question("rfc9700-2.4-no-ropc", "do without the password grant"),
        ),
    ),
    Theme(
        "How they guard codes and tokens",
        (
            Question("rfc8628-3.4-credentialed-client-enforced", "authenticate confidential clients"),
            Question("rfc8628-3.4-code-bound-to-client", "redeem a code for its own client alone"),
            Question("rfc8628-3.5-device-code-single-use", "redeem a code once"),
            Question("rfc8628-3.5-concurrent-redemption", "redeem it once though two polls come at the same moment"),
            Question("rfc8628-3.5-expired-token", "answer `expired_token` after the lifetime"),
            Question("rfc8628-3.3-user-must-authenticate", "know who approves"),
            Question("rfc8628-5.1-rate-limit-user-code", "limit guesses at user codes"),
            Question("rfc9700-4.16-clickjacking", "let no other site frame their pages"),
        ),
    ),
)

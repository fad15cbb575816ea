"""Whether codes, tokens and secrets can be guessed: RFC 8628 sections 5 and 6.1, RFC 6749 section 10.10.

A sample proves that values are too short, repeated or counted; that they are random it never proves. The figures of
each sample are noted in the transcript; `device_grant.judging.statistics` says what they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.judging.statistics import UUID_BITS, confusable_pairs, sample_of
from device_grant.server.session.registering import require_endpoint

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.judging.statistics import Sample
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

STARTS = {"fast": 24, "standard": 60, "deep": 200}
"""Device authorizations of a sample, by profile."""
LOGINS = {"fast": 6, "standard": 12, "deep": 24}
"""Approved ones; each costs a person's way through the pages."""
REGISTRATIONS = {"fast": 3, "standard": 4, "deep": 8}
"""Few: what is registered stays, and servers may limit registrations."""
USER_CODE_BITS = 29.8
"""Nine digits, the shorter example of RFC 8628 section 6.1, have 29.9; eight of twenty letters have 34.6.

Whether guesses are slowed down, without which neither is enough, a check of the pages says."""
BRUTE_FORCE_BITS = 64
"""What nobody tries out over a network, throttled or not."""
SHORTEST_LIFETIME, LONGEST_LIFETIME = 60, 3600
"""Seconds between which a person finds the time to type a code and a phisher has little."""
HIDDEN = "rfc6819-5.1.4.2.2-entropy-128"
ENTROPY = ("rfc6749-10.10-prevent-guessing", "rfc6749-10.10-entropy-128", HIDDEN)
PSEUDONYMS = "a recording holds pseudonyms, whose randomness is not the server's"
STRONGER = "rfc6749-10.10-entropy-160"


@check(
    "rfc8628-5.2-device-code-entropy",
    *ENTROPY,
    STRONGER,
    faults=("device_code_short", "device_code_repeated"),
    live=PSEUDONYMS,
    # So many requests at once may be too many for a server that counts them.
    alone=True,
)
def test_device_codes_cannot_be_guessed(device: Device, verify: Verify) -> None:
    """24 to 200 device codes. Accepted: none twice, no counter, room for 128 bits; 160 are better."""
    grants = [device.start() for _ in range(STARTS[device.case.run.profile.name])]
    last = grants[-1].exchange
    sample = _noted(device.case, "device codes", [grant.device_code for grant in grants])
    _judge_secret(verify, "device_code", sample, last)
    verify.that("rfc8628-5.2-device-code-entropy", not _weak(sample), _problem("device_code", sample), last)


@check(
    "rfc8628-5.1-user-code-entropy",
    "rfc8628-5.1-user-code-not-counted",
    "rfc8628-6.1-charset-usable",
    "rfc8628-6.1-avoid-confusable",
    "rfc8628-5.4-user-code-lifetime-balanced",
    faults=("user_code_short", "user_code_repeated", "user_code_counted", "user_code_confusable", "codes_live_a_day"),
    live=dict.fromkeys(("rfc8628-5.1-user-code-entropy", "rfc8628-5.1-user-code-not-counted"), PSEUDONYMS),
    alone=True,
)
def test_user_codes_suit_people(device: Device, verify: Verify) -> None:
    """24 to 200 user codes. Accepted: no counter, room for nine digits, one case or digits, no lookalikes.

    They live 1 to 60 minutes.
    """
    grants = [device.start() for _ in range(STARTS[device.case.run.profile.name])]
    codes, last = [grant.user_code for grant in grants], grants[-1].exchange
    if not all(codes):
        raise Untestable("a device authorization response lacks user_code")
    sample = _noted(device.case, "user codes", codes)
    weak = bool(sample.predictable) or sample.bits < USER_CODE_BITS
    problem = sample.predictable or "too short for 30 bits, nine digits"
    verify.that("rfc8628-5.1-user-code-entropy", not weak, f"user_code: {problem}", last)
    counted = "user codes count up or down: whoever starts a device knows the codes that come next"
    verify.that("rfc8628-5.1-user-code-not-counted", not sample.counter, counted, last)
    seen = "".join(codes)
    kinds = [any(map(kind, seen)) for kind in (str.islower, str.isupper, str.isdigit)]
    mixed = "user_code mixes letters and digits, or upper and lower case"
    verify.that("rfc8628-6.1-charset-usable", sum(kinds) <= 1, mixed, last)
    pairs = confusable_pairs(codes)
    verify.that("rfc8628-6.1-avoid-confusable", not pairs, "user codes have characters that look alike", last)
    lifetime = grants[-1].promised
    balanced = SHORTEST_LIFETIME <= lifetime <= LONGEST_LIFETIME if lifetime else None
    problem = "codes live for less than a minute or more than an hour"
    verify.that("rfc8628-5.4-user-code-lifetime-balanced", balanced, problem, last)


@check(
    "rfc6749-10.3-token-unguessable",
    *ENTROPY,
    STRONGER,
    faults=("access_token_guessable", "access_token_repeated"),
    timed=True,
    live=PSEUDONYMS,
)
def test_tokens_cannot_be_guessed(device: Device, verify: Verify) -> None:
    """6 to 24 logins. Accepted: access and refresh tokens never twice, no counter, room for 128 bits."""
    case = device.case
    grants = [device.start() for _ in range(LOGINS[case.run.profile.name])]
    for grant in grants:
        device.user.approve(grant)
    answers = [grant.poll(label="redeem") for grant in grants]
    refused = [answer for answer in answers if not answer.outcome.ok]
    if refused:
        raise Untestable(f"an approved code was answered {refused[0].describe()}")
    for name in ("access_token", "refresh_token"):
        values = [str(answer.get(name) or "") for answer in answers]
        if name == "refresh_token" and not all(values):
            continue
        sample = _noted(case, f"{name}s", values)
        _judge_secret(verify, name, sample, answers[-1])
        if name == "access_token":
            problem = _problem(name, sample)
            verify.that("rfc6749-10.3-token-unguessable", not _weak(sample), problem, answers[-1])


@check(
    "rfc6749-2.3.1-brute-force-protection",
    HIDDEN,
    needs=("registration",),
    faults=("registration_secret_repeated",),
    live=PSEUDONYMS,
    alone=True,
)
def test_client_secrets_cannot_be_guessed(case: ServerCase, verify: Verify) -> None:
    """Three to eight registrations. Accepted: secrets never twice, no counter, with room for 128 bits.

    Such a secret needs no other protection against trying; whether attempts are limited cannot be told by a few.
    """
    require_endpoint(case)
    answers = [
        case.send(case.run.registration_request("confidential"), "register")
        for _ in range(REGISTRATIONS[case.run.profile.name])
    ]
    refused = [answer for answer in answers if not answer.outcome.ok]
    if refused:
        raise Untestable(f"registration was refused with {refused[0].describe()}")
    secrets = [str(answer.get("client_secret") or "") for answer in answers]
    if not all(secrets):
        raise NotApplicable("registration issues no secrets")
    sample = _noted(case, "client secrets", secrets)
    verify.that(HIDDEN, not _weak(sample), _problem("client_secret", sample), answers[-1])
    problem = f"{_problem('client_secret', sample, BRUTE_FORCE_BITS)}; whether attempts are limited was not tried"
    protected = not _weak(sample, BRUTE_FORCE_BITS)
    # A warning: thresholds of throttling are unknowable, and finding them may lock the client out.
    verify.that("rfc6749-2.3.1-brute-force-protection", protected, problem, answers[-1], tolerated=True)


def _noted(case: ServerCase, what: str, values: list[str]) -> Sample:
    sample = sample_of(values)
    case.note(f"{what}: {sample}")
    return sample


def _judge_secret(verify: Verify, name: str, sample: Sample, last: Exchange) -> None:
    for requirement in ENTROPY:
        # A random UUID has 122 bits: short of the letter, and far from being guessed.
        lenient = not sample.predictable and sample.bits >= UUID_BITS
        verify.that(requirement, not _weak(sample), _problem(name, sample), last, tolerated=lenient)
    verify.that(STRONGER, not _weak(sample, 160), _problem(name, sample, 160), last)


def _weak(sample: Sample, bits: int = 128) -> bool:
    return bool(sample.predictable) or sample.bits < bits


def _problem(name: str, sample: Sample, bits: int = 128) -> str:
    return f"{name}: {sample.predictable or f'too short for {bits} bits'}"

"""Values that the requests are made of: text, identifiers, secrets, codes, scopes and URLs.

Long opaque values are expanded from one small integer, so that a request with a secret of several kilobytes costs
no more than a short one, and shrinks as well.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import SearchStrategy

VSCHAR = "".join(map(chr, range(0x20, 0x7F)))
"""Characters of client_id and client_secret (RFC 6749 appendix A)."""

SCOPE_CHARACTERS = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"\\')
"""Characters of a scope token (RFC 6749 section 3.3)."""

_FRAGMENTS = (
    "Device",
    "My CLI",
    " ",
    "-",
    "K\u00e4sekr\u00e4mer",
    "\u30c6\u30ec\u30d3",
    "\u0645\u0631\u062d\u0628\u0627",
    "\u05e9\u05dc\u05d5\u05dd",
    "e\u0301e\u0323\u0302",
    "\U0001f469\u200d\U0001f4bb",
    "\U0001f1e9\U0001f1ea",
    "\u202egnp.exe\u202c",
    "\u200b",
    "\ufeff",
    "\u2028",
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "&amp;&lt;",
    '"quoted"',
    "'single'",
    "`tick`",
    "back\\slash",
    "../../etc",
    "%00%0d%0a",
    "${7*7}",
    "{{7*7}}",
    "+ & = ;",
    "\U0001d54f\U0010fffd",
)

_KNOWN_SCOPES = (
    "sso:account:access",
    "openid",
    "profile",
    "email",
    "offline_access",
    "codewhisperer:completions",
    "codewhisperer:analysis",
    "https://api.example.com/read",
    "read",
    "write:packages",
)

_FEW = 3

_SEEDS = st.integers(0, 2**64 - 1)
# Control characters are left out: a server may refuse them, so they belong to the malformed requests.
_TEXT_CHARACTERS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Co"))


def opaque(seed: int, length: int) -> str:
    """Make a base64url string of `length` characters that depends on the seed alone."""
    octets = hashlib.shake_256(seed.to_bytes(16, "big")).digest(length * 3 // 4 + 3)
    return base64.urlsafe_b64encode(octets).decode()[:length]


def opaque_strings(lengths: Sequence[int]) -> SearchStrategy[str]:
    """Draw base64url strings of one of the given lengths."""
    return st.builds(opaque, _SEEDS, st.sampled_from(lengths))


def rich_text(max_fragments: int = 6) -> SearchStrategy[str]:
    """Draw non-empty text without control characters: any script, emoji, combining marks, markup, long runs."""
    return st.one_of(
        # Octets are one draw, a list of fragments would be many.
        st.binary(min_size=1, max_size=max_fragments).map(_fragments),
        st.text(_TEXT_CHARACTERS, min_size=1, max_size=20),
        st.binary(min_size=1, max_size=1).map(lambda octets: _fragments(octets) * 120),
    )


def client_ids() -> SearchStrategy[str]:
    """Draw client identifiers within RFC 6749 appendix A.1: opaque, UUID, URL-shaped, and any printable ASCII."""
    return st.one_of(
        opaque_strings((8, 22, 34, 64)),
        _SEEDS.map(lambda seed: str(uuid.UUID(int=seed << 64 | seed))),
        _SEEDS.map(lambda seed: f"https://client-{seed % 1000}.example/metadata.json"),
        st.text(VSCHAR, min_size=1, max_size=40),
    )


def client_secrets() -> SearchStrategy[str]:
    """Draw client secrets within RFC 6749 appendix A.2, up to several kilobytes, some shaped like a JWT."""
    return st.one_of(
        opaque_strings((16, 43, 86, 800)),
        st.builds(_three_parts, _SEEDS, st.sampled_from((600, 1900, 3800, 6000))),
        st.text(VSCHAR, min_size=8, max_size=40),
    )


def device_codes() -> SearchStrategy[str]:
    """Draw opaque device codes of 32 to 255 characters, and a few with `.`, `~` and `:`."""
    return st.one_of(
        opaque_strings((32, 43, 86, 255)),
        st.builds(lambda seed: f"{opaque(seed, 20)}.{opaque(seed + 1, 20)}~{opaque(seed + 2, 6)}:1", _SEEDS),
    )


def refresh_tokens() -> SearchStrategy[str]:
    """Draw refresh tokens: opaque, shaped like a JWT, and AWS-like with a prefix and a colon."""
    return st.one_of(
        opaque_strings((32, 43, 512)),
        st.builds(_three_parts, _SEEDS, st.just(900)),
        st.builds(lambda seed: f"aorAAAAA{opaque(seed, 200)}:MGYC{opaque(seed + 1, 120)}", _SEEDS),
    )


def code_verifiers() -> SearchStrategy[str]:
    """Draw code verifiers of 43 to 128 characters (RFC 7636 section 4.1)."""
    return opaque_strings((43, 64, 128))


def scope_tokens() -> SearchStrategy[str]:
    """Draw one scope token (RFC 6749 section 3.3)."""
    return st.one_of(st.sampled_from(_KNOWN_SCOPES), st.text(SCOPE_CHARACTERS, min_size=1, max_size=16))


def scopes(max_tokens: int = 6) -> SearchStrategy[str]:
    """Draw a scope value: distinct tokens with one space between (RFC 6749 section 3.3)."""
    return scope_lists(max_tokens).map(" ".join)


def scope_lists(max_tokens: int = 6) -> SearchStrategy[list[str]]:
    """Draw the same as a list, as the AWS dialect sends it."""
    few = st.lists(scope_tokens(), min_size=1, max_size=min(max_tokens, _FEW), unique=True)
    if max_tokens <= _FEW:
        return few
    many = st.builds(_scope_tokens, _SEEDS, st.integers(_FEW + 1, max_tokens))
    return st.one_of(few, many)


def start_urls() -> SearchStrategy[str]:
    """Draw AWS access portal URLs in the forms that are in use."""
    directory = st.integers(0, 16**10 - 1).map(lambda number: f"d-{number:010x}")
    alias = st.sampled_from(("my-org", "view", "example", "a1", "very-long-alias-of-an-organisation"))
    return st.one_of(
        st.one_of(alias, directory).map(lambda name: f"https://{name}.awsapps.com/start"),
        st.one_of(alias, directory).map(lambda name: f"https://{name}.awsapps.com/start/"),
        directory.map(lambda name: f"https://start.us-gov-home.awsapps.com/directory/{name}"),
        st.integers(0, 16**16 - 1).map(lambda number: f"https://ssoins-{number:016x}.portal.us-east-1.app.aws"),
        st.integers(0, 16**16 - 1).map(lambda number: f"https://identitycenter.amazonaws.com/ssoins-{number:016x}"),
    )


def compact_jwts() -> SearchStrategy[str]:
    """Draw texts in the form of a signed JWT (RFC 7515 section 3.1), signed by nobody."""
    parts = opaque_strings((48, 86))
    return st.builds(lambda claims, signature: f"eyJhbGciOiJSUzI1NiJ9.{claims}.{signature}", parts, parts)


def application_arns() -> SearchStrategy[str]:
    """Draw ARNs of IAM Identity Center applications."""
    return st.builds(
        lambda account, app: f"arn:aws:sso::{account:012d}:application/ssoins-{app:016x}/apl-{app:016x}",
        st.integers(0, 10**12 - 1),
        st.integers(0, 16**16 - 1),
    )


def loopback_redirect_uris() -> SearchStrategy[list[str]]:
    """Draw redirect URIs of native clients (RFC 8252 section 7.3)."""
    return st.sampled_from(
        (
            ("http://127.0.0.1/oauth/callback",),
            ("http://127.0.0.1/oauth/callback", "http://[::1]/oauth/callback"),
            ("http://127.0.0.1:8765/oauth/callback",),
        )
    ).map(list)


def web_urls() -> SearchStrategy[str]:
    """Https URLs of a client's home page, logo or terms."""
    return st.builds(
        lambda host, path: f"https://{host}{path}",
        st.sampled_from(("client.example", "www.example.org", "xn--ksekrmer-0zae.example", "client.example:8443")),
        st.sampled_from(("", "/", "/about", "/logo.png?size=64&mode=dark", "/%C3%BCber#team")),
    )


def _fragments(octets: bytes) -> str:
    return "".join(_FRAGMENTS[octet % len(_FRAGMENTS)] for octet in octets)


def _scope_tokens(seed: int, count: int) -> list[str]:
    return [f"api:{number}:{opaque(seed + number, 6)}" for number in range(count)]


def _three_parts(seed: int, length: int) -> str:
    return f"eyJraWQi{opaque(seed, 40)}.{opaque(seed + 1, length)}.{opaque(seed + 2, 64)}"

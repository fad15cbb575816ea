"""Malformed requests: the label is true, the rest survives, the answers are fair."""

import json
from urllib.parse import parse_qsl, unquote_to_bytes

import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings
from support.malformations import AWS, BASES, CODE, RFC, SECRET, profile

from device_grant.catalogue import load
from device_grant.protocol import dialects, service_model
from device_grant.protocol.exchange import Operation, Outcome
from device_grant_strategies import MALFORMATIONS, Malformed, malformed

AS_VALID = "as-valid"
NAMES = service_model.OPERATIONS

VALID = {
    (dialect, operation): dialects.dialect(dialect).encode(operation, "http://as.test", members, None)
    for (dialect, operation), members in BASES.items()
}
CLAIMS = [
    (kind, dialect, operation)
    for kind, entry in MALFORMATIONS.items()
    for dialect, operation in sorted(BASES)
    if entry.where(dialects.dialect(dialect), operation)
]
WHOLE = {"truncated", "empty-body", "not-an-object", "utf-16", "escaped-json", "escaped-form"}
"""Kinds in which a value of the base may be unrecognisable though it is not the malformed one."""


def samples(kind, dialect, operation, count=20, **more):
    collected = []

    @settings(profile, max_examples=count)
    @given(malformed(operation, dialect=dialect, base=BASES[dialect, operation], kinds=[kind], **more))
    def collect(wrong):
        collected.append(wrong)

    collect()
    return collected


def form(wrong):
    return parse_qsl(wrong.body.decode("latin-1"), keep_blank_values=True, encoding="utf-8")


def is_form(wrong):
    return wrong.dialect == RFC and wrong.operation is not Operation.REGISTRATION


def members(wrong):
    return dict(form(wrong)) if is_form(wrong) else json.loads(wrong.body)


@pytest.fixture(scope="module")
def everything():
    return {claim: samples(*claim) for claim in CLAIMS}


def of(everything, *kinds):
    return [wrong for (kind, _, _), result in everything.items() if kind in kinds for wrong in result]


def base(wrong):
    return BASES[wrong.dialect, wrong.operation]


def test_every_claim_is_produced(everything):
    assert len(MALFORMATIONS) >= 40
    for (kind, dialect, operation), result in everything.items():
        assert result
        assert {(w.kind, w.dialect, w.operation) for w in result} == {(kind, dialect, operation)}


def test_requests_are_labelled(everything):
    for entry in everything.values():
        for wrong in entry:
            assert wrong.method == "POST"
            assert "\n" not in wrong.description
            assert len(repr(wrong)) < 250
            assert SECRET not in repr(wrong)
            assert CODE not in repr(wrong)
            assert wrong.accepted
            assert not set(wrong.accepted) & set(wrong.tolerated)
            assert not any(name.startswith("http-5") for name in wrong.accepted + wrong.tolerated)
            assert "server_error" not in wrong.accepted + wrong.tolerated
            assert wrong.content_type is None or wrong.content_type.isascii()


def test_no_request_equals_the_valid_one(everything):
    for entry in everything.values():
        for wrong in entry:
            encoded = VALID[wrong.dialect, wrong.operation]
            same_type = wrong.content_type == encoded.header("content-type")
            assert not (same_type and wrong.body == encoded.content)
            if same_type and AS_VALID not in wrong.accepted + wrong.tolerated:
                try:
                    meaning = members(wrong)
                except (ValueError, RecursionError):
                    continue
                assert meaning != base(wrong)


def test_other_members_of_the_base_survive(everything):
    for entry in everything.values():
        for wrong in entry:
            if wrong.kind in WHOLE:
                continue
            for name, value in base(wrong).items():
                if name != wrong.member and isinstance(value, str):
                    shown = value.encode()
                    quoted = value.replace(":", "%3A").replace("/", "%2F").encode()
                    assert shown in wrong.body or quoted in wrong.body, wrong


def test_members_are_missing(everything):
    for wrong in of(everything, "member-missing", "case-changed-name", "bracketed-name"):
        assert wrong.member in base(wrong)
        assert wrong.member not in members(wrong)
    for wrong in of(everything, "member-null", "optional-null"):
        assert members(wrong)[wrong.member] is None
    for wrong in of(everything, "empty"):
        assert members(wrong)[wrong.member] == ""
    for wrong in of(everything, "bare-name"):
        assert wrong.member.encode() in wrong.body.split(b"&")


def test_aws_never_counts_a_required_member_as_harmless(everything):
    for wrong in of(everything, "member-missing", "member-null"):
        assert not wrong.harmless
        assert AS_VALID not in wrong.tolerated


def test_wrong_types_are_refused_by_botocore(everything):
    judged = 0
    for wrong in of(everything, "wrong-type", "null-in-list"):
        if wrong.dialect == AWS:
            shape = service_model.botocore_model().operation_model(NAMES[wrong.operation]).input_shape
            assert ParamValidator().validate(json.loads(wrong.body), shape).has_errors(), wrong
            judged += 1
    assert judged > 60


def test_values_hold_what_the_label_says(everything):
    for wrong in of(everything, "nul"):
        assert "\0" in members(wrong)[wrong.member]
    for wrong in of(everything, "huge"):
        value = members(wrong)[wrong.member]
        assert 9_000 <= len(wrong.body) < 302_000
        # A server that compares each word with each would be busy for hours with more of them.
        assert value.count(" ") < 5_000
    for wrong in of(everything, "non-ascii"):
        assert not members(wrong)[wrong.member].isascii()
    for wrong in of(everything, "lone-surrogate"):
        with pytest.raises(UnicodeEncodeError):
            members(wrong)[wrong.member].encode()
    for wrong in of(everything, "case-changed-value"):
        value = members(wrong)[wrong.member]
        assert value != base(wrong)[wrong.member]
        assert value.lower() == base(wrong)[wrong.member].lower()
    for wrong in of(everything, "padded-value"):
        value = members(wrong)[wrong.member]
        assert value != base(wrong)[wrong.member] == value.strip()
    for wrong in of(everything, "control-characters", "injection", "wrong-enum", "bad-uri", "scope-syntax"):
        assert members(wrong)[wrong.member] != base(wrong).get(wrong.member)


def test_bodies_that_cannot_be_parsed(everything):
    for wrong in of(everything, "truncated", "unclosed-list", "trailing-garbage", "leading-garbage"):
        with pytest.raises(ValueError, match=r"."):
            json.loads(wrong.body)
    for wrong in of(everything, "invalid-utf8"):
        octets = unquote_to_bytes(wrong.body) if is_form(wrong) else wrong.body
        with pytest.raises(UnicodeDecodeError):
            octets.decode()
    for wrong in of(everything, "percent-garbage"):
        value = next(pair for pair in wrong.body.split(b"&") if pair.startswith(wrong.member.encode()))
        assert any(len(part) < 2 or not is_hex(part[:2]) for part in value.split(b"%")[1:])
    for wrong in of(everything, "json-extension"):
        with pytest.raises(ValueError, match=r"."):
            json.loads(wrong.body, parse_constant=lambda name: int(name, 10))


def is_hex(octets):
    return all(octet in b"0123456789abcdefABCDEF" for octet in octets)


def test_objects_and_encodings(everything):
    for wrong in of(everything, "not-an-object"):
        assert not isinstance(json.loads(wrong.body), dict)
    for wrong in of(everything, "utf-16"):
        assert json.loads(wrong.body) == base(wrong)
        assert b"\0" in wrong.body
    for wrong in of(everything, "bom"):
        assert wrong.body.startswith(b"\xef\xbb\xbf")
    for wrong in of(everything, "empty-body"):
        assert wrong.body.strip() == b""


def test_duplicates_are_there_twice(everything):
    for wrong in of(everything, "duplicate-member"):
        assert dialects.duplicate_members(wrong.body) == [wrong.member]
    for wrong in of(everything, "duplicate-parameter"):
        assert [name for name, _ in form(wrong)].count(wrong.member) == 2
    for kind in ("duplicate-member", "duplicate-parameter"):
        descriptions = {wrong.description.partition(" with ")[2] for wrong in of(everything, kind)}
        assert descriptions == {"the same value", "different values"}


def test_harmless_requests_mean_the_same(everything):
    for wrong in of(
        everything, "escaped-json", "charset-parameter", "media-type-case", "escaped-form", "no-content-type"
    ):
        assert wrong.harmless
        assert members(wrong) == base(wrong)
    for wrong in of(everything, "unknown-member", "many-members", "empty-unknown", "extra-separators"):
        assert wrong.harmless
        assert members(wrong).items() >= {k: v for k, v in base(wrong).items() if isinstance(v, str)}.items()
    for wrong in of(everything, "charset-parameter"):
        assert "charset=" in wrong.content_type.lower()


def test_content_types(everything):
    for wrong in of(everything, "no-content-type"):
        assert wrong.content_type is None
    for wrong in of(everything, "wrong-content-type", "json-body-for-form", "form-body-for-json", "multipart"):
        right = "application/x-www-form-urlencoded" if is_form(wrong) else "application/json"
        assert not wrong.content_type.startswith(right)
    for wrong in of(everything, "json-body-for-form"):
        assert json.loads(wrong.body) == base(wrong)
    for wrong in of(everything, "mislabelled-body"):
        if is_form(wrong):
            assert json.loads(wrong.body) == base(wrong)
        else:
            with pytest.raises(ValueError, match=r"."):
                json.loads(wrong.body)


def test_a_poll_that_names_no_client_is_never_pending(everything):
    for wrong in everything["member-missing", RFC, Operation.TOKEN]:
        if wrong.member == "client_id":
            assert set(wrong.accepted) == {"invalid_request", "invalid_client"}
            assert judge(wrong, 400, "authorization_pending") == "unacceptable"
    for wrong in of(everything, "invalid-utf8", "nul", "truncated", "mislabelled-body", "empty-body"):
        if wrong.operation is Operation.TOKEN and not wrong.harmless:
            assert judge(wrong, 400, "authorization_pending") == "unacceptable"
            assert judge(wrong, 200, "ok") == "unacceptable"


def judge(wrong, status, code):
    return wrong.with_valid_answers(["the-valid-answer"]).judge(Outcome(status, code).names)


def test_latitude(everything):
    def one(kind, dialect, operation, member):
        return next(wrong for wrong in everything[kind, dialect, operation] if wrong.member == member)

    grant = one("member-missing", RFC, Operation.TOKEN, "grant_type")
    assert judge(grant, 400, "invalid_request") == "accepted"
    assert judge(grant, 400, "unsupported_grant_type") == "tolerated"
    assert judge(grant, 400, "http-400") == "unacceptable"
    code = one("member-missing", RFC, Operation.TOKEN, "device_code")
    assert judge(code, 400, "invalid_request") == "accepted"
    assert judge(code, 400, "invalid_grant") == "tolerated"
    assert judge(code, 400, "access_denied") == "tolerated"
    for kind in ("case-changed-value", "invalid-utf8"):
        assert judge(one(kind, RFC, Operation.TOKEN, "device_code"), 400, "access_denied") == "tolerated"
    assert judge(grant, 400, "access_denied") == "unacceptable"
    deep = everything["deep-nesting", RFC, Operation.REGISTRATION][0]
    assert judge(deep, 200, "http-200") == "accepted"
    secret = one("member-missing", AWS, Operation.DEVICE_AUTHORIZATION, "clientSecret")
    assert judge(secret, 401, "invalid_client") == "accepted"
    assert judge(secret, 400, "ValidationException") == "accepted"
    scope = one("empty", RFC, Operation.DEVICE_AUTHORIZATION, "scope")
    assert judge(scope, 200, "the-valid-answer") == "accepted"
    client = one("empty", RFC, Operation.DEVICE_AUTHORIZATION, "client_id")
    assert judge(client, 200, "the-valid-answer") == "unacceptable"
    twice = one("duplicate-parameter", RFC, Operation.TOKEN, "device_code")
    assert judge(twice, 400, "invalid_request") == "accepted"
    assert judge(twice, 400, "the-valid-answer") == "tolerated"
    start = one("empty", AWS, Operation.DEVICE_AUTHORIZATION, "startUrl")
    assert judge(start, 200, "the-valid-answer") == "unacceptable"


def test_a_server_error_is_never_acceptable(everything):
    for entry in everything.values():
        for wrong in entry:
            for code in ("http-500", "invalid_request", "SerializationException", "the-valid-answer"):
                assert judge(wrong, 500, code) == "unacceptable"


def test_valid_answers_are_substituted_once():
    wrong = Malformed(
        operation=Operation.TOKEN,
        dialect=RFC,
        kind="unknown-member",
        member="",
        description="d",
        content_type=None,
        body=b"",
        accepted=("as-valid", "http-4xx"),
        tolerated=(),
        requirement="r",
    )
    assert wrong.harmless
    replaced = wrong.with_valid_answers(["authorization_pending", "slow_down"])
    assert replaced.accepted == ("authorization_pending", "slow_down", "http-4xx")
    assert "authorization_pending" not in replaced.refused
    assert replaced.judge(Outcome(400, "authorization_pending").names) == "accepted"
    assert replaced.judge(Outcome(200, "ok").names) == "unacceptable"
    assert replaced.judge(Outcome(0, "no-response").names) == "unacceptable"


def test_requirements_are_in_the_catalogue_for_their_dialect(everything):
    requirements = load()
    for entry in everything.values():
        for wrong in entry:
            assert wrong.dialect in requirements.get(wrong.requirement).dialects, wrong


def test_a_body_with_a_required_member_is_emptied(everything):
    for dialect, operation in BASES:
        kinds = ("empty-body", "mislabelled-body", "wrong-content-type", "multipart", "multipart-broken")
        assert all((kind, dialect, operation) in everything for kind in kinds)

"""What samples of codes prove, and above all what they do not prove."""

from __future__ import annotations

import base64
import json
import math
import random
import string
import uuid

import pytest

from device_grant.judging.statistics import (
    UUID_BITS,
    claims_of,
    confusable_pairs,
    plausible_alphabet,
    sample_of,
)

BASE64URL = string.ascii_letters + string.digits + "-_"
CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"


def drawn(alphabet, length, count, seed):
    source = random.Random(seed)
    return ["".join(source.choices(alphabet, k=length)) for _ in range(count)]


@pytest.mark.parametrize("seed", range(40))
def test_good_values_are_never_accused(seed):
    assert sample_of(drawn("0123456789abcdef", 32, 3, seed)).bits >= 128
    assert sample_of(drawn("0123456789abcdef", 40, 6, seed)).bits >= 160
    assert sample_of(drawn(BASE64URL, 22, 24, seed)).bits >= 128
    codes = [f"{code[:4]}-{code[4:]}" for code in drawn(CONSONANTS, 8, 24, seed)]
    assert sample_of(codes).bits >= 34
    assert not sample_of(drawn(string.digits, 9, 24, seed)).predictable


@pytest.mark.parametrize("seed", [74, 466, 640])
def test_chance_agreement_counts_beside_an_end_that_all_values_have(seed):
    """Three values of 128 bits, of which two places agree by chance."""
    assert sample_of([f"{value}:+ %2B&=/" for value in drawn("0123456789abcdef", 32, 3, seed)]).bits >= 128


@pytest.mark.parametrize("seed", range(10))
def test_the_bound_is_close(seed):
    assert sample_of(drawn("0123456789abcdef", 6, 24, seed)).bits < 26
    assert sample_of(drawn(string.digits, 4, 24, seed)).bits < 15
    assert sample_of([f"secret-{value}" for value in drawn("0123456789abcdef", 24, 3, seed)]).bits < 128
    assert sample_of(drawn(CONSONANTS, 8, 200, seed)).bits == pytest.approx(8 * math.log2(20), abs=0.6)


def test_uuids_fall_short_by_little():
    source = random.Random(4)
    values = [str(uuid.UUID(int=source.getrandbits(128), version=4)) for _ in range(24)]
    assert UUID_BITS <= sample_of(values).bits < 128


def test_what_all_values_share_counts_nothing():
    values = [f"prefix-that-is-long-{tail}-suffix" for tail in drawn(BASE64URL, 10, 24, 1)]
    sample = sample_of(values)
    assert (sample.prefix, sample.suffix, sample.varying) == (20, 7, 10)
    assert sample.bits < 65
    dashed = [f"{code[:5]}-{code[5:]}" for code in drawn(BASE64URL, 10, 24, 2)]
    assert sample_of(dashed).varying == 10


def test_values_of_different_lengths():
    values = [value[: 20 + place % 3] for place, value in enumerate(drawn(BASE64URL, 22, 24, 3))]
    sample = sample_of(values)
    assert sample.shortest == 20
    assert sample.varying == 20


def test_repeated_values():
    values = drawn(BASE64URL, 40, 8, 5)
    assert not sample_of(values).repeated
    assert sample_of([*values, values[0]]).predictable == "a value was issued twice"
    assert sample_of(["same"] * 4).bits == 0


@pytest.mark.parametrize(
    "values",
    [
        [f"token-{number:06}" for number in range(7, 20)],
        [f"{number:x}" for number in range(250, 262)],
        [str(1_795_299_346_000 + 13 * number) for number in range(8)],
        [str(number) for number in range(40, 30, -1)],
    ],
)
def test_counters(values):
    assert sample_of(values).predictable == "the values count up or down"


def written(number, letters, length=8):
    """The number in these letters, highest digit first."""
    text = ""
    for _ in range(length):
        number, digit = divmod(number, len(letters))
        text = letters[digit] + text
    return text


def in_groups(code):
    return f"{code[:4]}-{code[4:]}"


@pytest.mark.parametrize(
    "values",
    [
        [in_groups(f"{number:08}") for number in range(991, 1015)],
        [in_groups(written(number, CONSONANTS)) for number in range(123_456, 123_480)],
        [f"WD-{written(3 * number, CONSONANTS, 6)}" for number in range(70_000, 70_024)],
        [written(number, string.ascii_uppercase + "234567") for number in range(500, 476, -1)],
        [written(number, string.ascii_letters + string.digits)[::-1] for number in range(4_000, 4_024)],
        [written(number, CONSONANTS, 1 + number // 20) for number in range(10, 34)],
        [written(number, string.digits + string.ascii_uppercase) + str(number * 7 % 10) for number in range(900, 924)],
    ],
)
def test_counters_in_any_letters(values):
    assert sample_of(values).counter


def test_codes_that_begin_with_the_time_and_end_by_chance_are_no_counter():
    ends = drawn(CONSONANTS, 5, 24, 7)
    values = [written(1_795_299 + place // 6, CONSONANTS, 5) + end for place, end in enumerate(ends)]
    assert not sample_of(values).counter
    each = [written(1_795_299 + place, CONSONANTS, 5) + end for place, end in enumerate(ends)]
    assert not sample_of(each).counter


def test_random_codes_of_few_letters_are_no_counter():
    for seed in range(300):
        assert not sample_of(drawn("AB12", 4, 12, seed)).counter


def test_no_counters():
    assert not sample_of(["3", "7", "5", "9", "11", "10"]).counter
    assert not sample_of(["1", "2", "3"]).counter, "three values rise by chance"
    rising = sorted(drawn(string.digits, 12, 8, 6))
    assert not sample_of(rising).counter, "steps of a counter are small"


def test_a_sample_needs_two():
    with pytest.raises(ValueError, match="two"):
        sample_of(["one"])
    assert sample_of(["", ""]).bits == 0


def test_figures_are_told():
    text = str(sample_of(["aaaa1", "aaaa2"]))
    assert "2 values of at least 5 characters" in text
    assert "shared prefix 4" in text
    assert "issued twice" in str(sample_of(["x", "x"]))


def test_plausible_alphabet():
    assert plausible_alphabet(19, 192) == 20, "one of twenty letters stays unseen now and then"
    assert plausible_alphabet(16, 10_000) == 16
    assert plausible_alphabet(5, 5) == 256, "five different ones of five say nothing"
    assert plausible_alphabet(1, 1000) == 1


def test_confusable_pairs():
    assert confusable_pairs(["BCDF", "GHJK"]) == []
    assert confusable_pairs(["A0", "O1"]) == ["0/O"]
    assert set(confusable_pairs(["1lI"])) == {"1/I", "1/l", "I/l"}


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_claims():
    assert claims_of(f"{part({'alg': 'HS256'})}.{part({'aud': 'x'})}.c2ln") == {"aud": "x"}
    for other in ("opaque", None, 5, "a.b.c", "..", f"{part({'typ': 'x'})}.{part({})}.", f"{part([])}.{part({})}.x"):
        assert claims_of(other) is None

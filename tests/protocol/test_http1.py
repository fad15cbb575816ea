"""HTTP/1.1 in octets: requests are read strictly, responses leniently."""

from __future__ import annotations

import pytest

from device_grant.protocol.http1 import (
    END_OF_HEAD,
    LARGEST_BODY,
    BrokenRequestError,
    RequestReader,
    chunked,
    parse_responses,
    read_responses,
    until_closed,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"


# Requests.


@pytest.mark.parametrize(
    ("octets", "content", "whole"),
    [
        (b"3\r\nabc\r\n0\r\n\r\n", b"abc", True),
        (b"3\r\nabc\r\n0\r\nX: y\r\n\r\n", b"abc", True),
        (b"3;x=y\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", b"abcd", True),
        (b"3\r\nab", b"ab", False),
        (b"", b"", False),
        (chunked(b"", b"ab", b"c"), b"abc", True),
    ],
)
def test_chunks_of_a_request(octets, content, whole):
    for step in (1, 1000):
        reader = RequestReader(CHUNKED)
        for start in range(0, len(octets), step):
            reader.feed(octets[start : start + step])
        assert (reader.content, reader.complete) == (content, whole)


def test_broken_chunks():
    with pytest.raises(BrokenRequestError):
        RequestReader(CHUNKED).feed(b"zz\r\n")


def test_content_of_a_known_length():
    head = b"POST /token HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\nX-Case: Kept\r\n\r\n"
    reader = RequestReader(head)
    reader.feed(b"a=")
    assert not reader.complete
    reader.feed(b"bc")
    assert (reader.content, reader.complete, reader.head.length) == (b"a=bc", True, 4)
    assert ("X-Case", "Kept") in reader.head.headers
    assert RequestReader(head.replace(b": 4", b": 99999999999")).head.length == LARGEST_BODY


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"GET /",
        b"GET / HTTP/2",
        b"GET / HTTP/2.0",
        b"GET /a b HTTP/1.1",
        b"\x16\x03\x01",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2",
        b"POST / HTTP/1.1\r\nno colon",
    ],
)
def test_what_is_no_request(octets):
    with pytest.raises(BrokenRequestError):
        RequestReader(octets + END_OF_HEAD)


def test_a_request_without_host_is_read_as_it_is():
    reader = RequestReader(b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n")
    assert reader.head.headers == (("Accept", "*/*"),)
    assert reader.complete


def test_an_absolute_target_is_reduced():
    head = RequestReader(b"POST http://a.example/token?x=1 HTTP/1.1\r\nHost: a.example\r\n\r\n").head
    assert head.request("http://127.0.0.1:1", b"").url == "http://127.0.0.1:1/token?x=1"


@pytest.mark.parametrize(
    ("version", "option", "kept"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: TE, Close\r\n", False),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: keep-alive\r\n", True),
    ],
)
def test_a_connection_is_kept_as_the_client_says(version, option, kept):
    head = b"GET / HTTP/%s\r\nHost: a.example\r\n%s\r\n" % (version, option)
    assert RequestReader(head).head.keeps_alive is kept


# Responses.


def test_one_response():
    result, rest = parse_responses(OK + b"more")
    assert [(one.status, one.content) for one in result] == [(200, b"hi")]
    assert rest == b"more"


def test_two_responses_and_an_interim_one():
    result, rest = parse_responses(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + OK.replace(b"200", b"404"))
    assert [one.status for one in result] == [200, 404]
    assert rest == b""


@pytest.mark.parametrize(
    "part",
    [
        b"HTTP/1.1 200 OK\r\n",
        OK[:-1],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nhi",
        b"no HTTP at all\r\n\r\n",
    ],
)
def test_incomplete_responses(part):
    assert parse_responses(part) == ([], part)


def test_chunks():
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\nA\r\n0123456789\r\n0\r\n\r\n"
    result, rest = parse_responses(chunked + b"!")
    assert result[0].content == b"hi0123456789"
    assert rest == b"!"


def test_responses_without_content():
    result, rest = parse_responses(b"HTTP/1.1 204 No Content\r\n\r\n" + OK)
    assert [one.status for one in result] == [204, 200]
    assert rest == b""


def test_response_to_head_has_no_content():
    result, rest = parse_responses(OK, head=True)
    assert result[0].content == b""
    assert rest == b"hi"


def test_content_up_to_the_end_of_the_connection():
    assert until_closed(b"HTTP/1.0 400 Bad\r\nServer: x\r\n\r\nnot so").content == b"not so"
    assert until_closed(OK[:-1]) is None
    assert until_closed(b"HTTP/1.1 4") is None


def test_a_response_may_end_with_the_connection_after_others():
    last = b"HTTP/1.1 400 Bad\r\n\r\nnot so"
    assert [one.status for one in read_responses(OK + last, closed=True)[0]] == [200, 400]
    assert read_responses(OK + last, closed=False)[1] == last

"""The same traffic as the tools write it that people capture with; each writer makes the shape of its tool.

They are made from one login, so that none can part from the others; what a tool leaves out, they leave out.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl, urlsplit

import yaml

from support.captured import BEGAN, Traffic, iso

REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized"}


def with_dates(traffic):
    """The traffic with a Date header in each answer: the whole second in which it was complete."""

    def stamped(one):
        moment = datetime.fromtimestamp(int(BEGAN + one.at + one.took), UTC)
        return replace(one, answered=(*one.answered, ("Date", format_datetime(moment, usegmt=True))))

    return Traffic([stamped(one) for one in traffic.sent])


def _target(one):
    parts = urlsplit(one.url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _fields(one):
    return [("Host", urlsplit(one.url).netloc), *one.headers, ("Content-Length", str(len(one.body)))]


def _answered(one):
    return [*one.answered, ("Content-Length", str(len(one.content.encode())))]


def _local(at):
    return datetime.fromtimestamp(BEGAN + at, UTC).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]


# Logs and text.


def aws_debug(traffic):
    """As `aws --debug` of version 2 writes it, with lines between that are of no interest."""
    lines = [f"{_local(-0.5)} - MainThread - awscli.clidriver - DEBUG - CLI version: aws-cli/2.15.0 Python/3.11.6"]
    for one in traffic.sent:
        name = _target(one).rpartition("/")[2]
        params = {"url_path": _target(one), "query_string": {}, "method": one.method, "headers": dict(one.headers)}
        params |= {"body": one.body, "auth_path": None, "url": one.url}
        shown = f"{repr(params)[:-1]}, 'context': {{'client_config': <botocore.config.Config object at 0x7f00>}}}}"
        sent = {key: value.encode() for key, value in one.headers} | {"Content-Length": str(len(one.body))}
        prepared = f"<AWSPreparedRequest stream_output=False, method={one.method}, url={one.url}, headers={sent}>"
        at, done = _local(one.at), _local(one.at + one.took)
        parts = urlsplit(one.url)
        making = f"Making request for OperationModel(name={name}) with params: {shown}"
        status = f'https://{parts.netloc}:443 "POST {parts.path} HTTP/1.1" {one.status} {len(one.content)}'
        lines += [
            f"{at} - MainThread - botocore.hooks - DEBUG - Event before-call.sso-oidc.{name}: calling handler <f>",
            f"{at} - MainThread - botocore.endpoint - DEBUG - {making}",
            f"{at} - MainThread - botocore.endpoint - DEBUG - Sending http request: {prepared}",
            f"{at} - MainThread - urllib3.connectionpool - DEBUG - Starting new HTTPS connection (1): {parts.netloc}",
            f"{done} - MainThread - urllib3.connectionpool - DEBUG - {status}",
            f"{done} - MainThread - botocore.parsers - DEBUG - Response headers: {dict(_answered(one))}",
            f"{done} - MainThread - botocore.parsers - DEBUG - Response body:",
            repr(one.content.encode()),
            f"{done} - MainThread - botocore.retryhandler - DEBUG - No retry needed.",
        ]
    return "\n".join(lines) + "\n"


def curl_v(traffic):
    """As a terminal shows `curl -v`: the command, then both streams, the body before a remark on the same line."""
    lines = []
    for one in traffic.sent:
        host = urlsplit(one.url).netloc
        fields = " ".join(f"-H '{name}: {value}'" for name, value in one.headers)
        lines += [
            f"$ curl -v {fields} -d '{one.body.decode()}' {one.url}",
            f"*   Trying 192.0.2.1:443...\n* Connected to {host} (192.0.2.1) port 443 (#0)",
            "* ALPN, offering h2\n* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384",
            "* Using HTTP2, server supports multiplexing",
            f"> {one.method} {_target(one)} HTTP/2",
            *(f"> {name}: {value}" for name, value in _fields(one)),
            "> ",
            f"* We are completely uploaded and fine\n< HTTP/2 {one.status} ",
            *(f"< {name.lower()}: {value}" for name, value in _answered(one)),
            "< ",
            f"{one.content}* Connection #0 to host {host} left intact",
        ]
    return "\n".join(lines) + "\n"


def curl_trace(traffic):
    """As `curl --trace-ascii` writes it: lines of at most 64 octets, with their places."""
    lines = []

    def dumped(mark, kind, octets):
        lines.append(f"{mark} {kind}, {len(octets)} bytes ({len(octets):#x})")
        place = 0
        for line in octets.decode().split("\r\n") if kind.endswith("header") else [octets.decode()]:
            starts = range(0, max(len(line), 1), 64)
            lines.extend(f"{place + begin:04x}: {line[begin : begin + 64]}" for begin in starts)
            place += len(line) + 2

    for one in traffic.sent:
        lines.append("== Info: Connected to login.example (192.0.2.1) port 443 (#0)")
        head = "\r\n".join([f"{one.method} {one.url} HTTP/1.1", *(f"{k}: {v}" for k, v in _fields(one)), "", ""])
        dumped("=>", "Send header", head.encode())
        dumped("=>", "Send data", one.body)
        dumped("<=", "Recv header", f"HTTP/1.1 {one.status} {REASONS[one.status]}\r\n".encode())
        for name, value in _answered(one):
            dumped("<=", "Recv header", f"{name}: {value}\r\n".encode())
        dumped("<=", "Recv header", b"\r\n")
        dumped("<=", "Recv data", one.content.encode())
    return "\n".join(lines) + "\n"


def _messages(one):
    asked = [f"{one.method} {_target(one)} HTTP/1.1", *(f"{name}: {value}" for name, value in _fields(one))]
    answered = [f"HTTP/1.1 {one.status} {REASONS[one.status]}", *(f"{name}: {value}" for name, value in _answered(one))]
    return "\n".join([*asked, "", one.body.decode()]), "\n".join([*answered, "", one.content])


def raw_http(traffic):
    """As HTTPie prints it with `--verbose`: messages one after the other."""
    return "\n\n".join(text for one in traffic.sent for text in _messages(one)) + "\n"


def markdown(traffic):
    """As people write it down: a fence each, prose between, and a form broken into lines for the eye."""
    lines = ["# The login", "", "First the device asks for a code:"]
    for one in traffic.sent:
        asked, answered = _messages(one)
        if b"&" in one.body:
            asked = asked.replace("&", "\n  &")
        lines += ["", "```http", asked, "```", "", "What came:", "", "```http", answered, "```"]
    return "\n".join(lines) + "\n"


# Test suites.


def test_proxy(traffic):
    """As the Azure SDK's test proxy writes it: JSON as it is, other text as text."""
    entries = [
        {
            "RequestUri": one.url,
            "RequestMethod": one.method,
            "RequestHeaders": dict(_fields(one)[1:]),
            "RequestBody": json.loads(one.body) if one.body[:1] == b"{" else one.body.decode(),
            "StatusCode": one.status,
            "ResponseHeaders": dict(_answered(one)),
            "ResponseBody": json.loads(one.content) if one.content else None,
        }
        for one in traffic.sent
    ]
    return json.dumps({"Entries": entries, "Variables": {}}, indent=2)


def _scope(one):
    parts = urlsplit(one.url)
    return f"{parts.scheme}://{parts.netloc}:443"


def nock_json(traffic):
    """As nock.back writes it, with the fields of requests (`enable_reqheaders_recording`)."""
    listed = [
        {
            "scope": _scope(one),
            "method": one.method,
            "path": _target(one),
            "body": json.loads(one.body) if one.body[:1] == b"{" else one.body.decode(),
            "status": one.status,
            "response": json.loads(one.content),
            "rawHeaders": [text for pair in _answered(one) for text in pair],
            "reqheaders": {name.lower(): value for name, value in one.headers},
            "responseIsBinary": False,
        }
        for one in traffic.sent
    ]
    return json.dumps(listed, indent=4)


def nock_module(traffic):
    """As nock's recorder prints it, and legacy recordings of the Azure SDK for JavaScript have it: answers packed."""
    lines = ["let nock = require('nock');", "", 'module.exports.hash = "fc47";', ""]
    for one in traffic.sent:
        packed = gzip.compress(one.content.encode(), mtime=0).hex()
        fields = [*one.answered, ("Content-Encoding", "gzip")]
        raw = ",\n".join(f"  '{text}'" for pair in fields for text in pair)
        body = one.body.decode() if one.body[:1] == b"{" else json.dumps(one.body.decode())
        headers = json.dumps({name.lower(): value for name, value in one.headers})
        lines.append(
            f'nock(\'{_scope(one)}\', {{"encodedQueryParams":true,"reqheaders":{headers}}})\n'
            f"  .{one.method.lower()}('{_target(one)}', {body})\n"
            f'  .reply({one.status}, ["{packed}"], [\n{raw}\n]);\n'
        )
    return "\n".join(lines)


def _lists(pairs):
    return {name: [value] for name, value in pairs}


def go_vcr(traffic, version=2):
    """As go-vcr 3 and 4 write it (`version: 2`), or go-vcr 2 (`version: 1`)."""
    listed = []
    for number, one in enumerate(traffic.sent):
        form = {name: [value] for name, value in parse_qsl(one.body.decode())} if one.body[:1] != b"{" else {}
        request = {
            "body": one.body.decode(),
            "form": form,
            "headers": _lists(one.headers),
            "url": one.url,
            "method": one.method,
        }
        response = {
            "body": one.content,
            "headers": _lists(one.answered),
            "status": f"{one.status} {REASONS[one.status]}",
        }
        response |= {"code": one.status, "duration": ""}
        interaction = {"request": request, "response": response}
        if version == 2:
            http = {"proto": "HTTP/1.1", "proto_major": 1, "proto_minor": 1, "transfer_encoding": [], "trailer": {}}
            host = {"host": urlsplit(one.url).netloc, "remote_addr": "", "request_uri": ""}
            interaction = {
                "id": number,
                "request": {**http, "content_length": len(one.body), **host, **request},
                "response": {**http, "content_length": -1, "uncompressed": True, **response, "duration": "50.25ms"},
            }
        listed.append(interaction)
    return "---\n" + yaml.dump({"version": version, "interactions": listed}, Dumper=yaml.CSafeDumper, sort_keys=False)


def wiremock(traffic):
    """As WireMock's recorder writes it."""
    mappings = []
    for number, one in enumerate(traffic.sent):
        wanted = {"equalToJson": one.body.decode()} if one.body[:1] == b"{" else {"equalTo": one.body.decode()}
        headers = {name: {"equalTo": value} for name, value in one.headers}
        mappings.append(
            {
                "id": f"00000000-0000-4000-8000-{number:012}",
                "name": _target(one).strip("/"),
                "request": {"url": _target(one), "method": one.method, "headers": headers, "bodyPatterns": [wanted]},
                "response": {"status": one.status, "body": one.content, "headers": dict(one.answered)},
                "scenarioName": "scenario-1",
                "requiredScenarioState": f"scenario-1-{number}",
                "persistent": True,
            }
        )
    return json.dumps({"mappings": mappings, "meta": {"total": len(mappings)}}, indent=2)


def postman(traffic):
    """As Postman exports a collection (v2.1), with an example for each answer and the host in a variable."""
    base = urlsplit(traffic.sent[0].url)
    root = f"{base.scheme}://{base.netloc}"
    items = []
    for number, one in enumerate(traffic.sent):
        if one.body[:1] == b"{":
            body = {"mode": "raw", "raw": one.body.decode(), "options": {"raw": {"language": "json"}}}
        else:
            pairs = [{"key": name, "value": value, "type": "text"} for name, value in parse_qsl(one.body.decode())]
            body = {"mode": "urlencoded", "urlencoded": [*pairs, {"key": "off", "value": "1", "disabled": True}]}
        url = {
            "raw": one.url.replace(root, "{{base}}"),
            "host": ["{{base}}"],
            "path": _target(one).strip("/").split("/"),
        }
        headers = [{"key": name, "value": value} for name, value in one.headers]
        asked = {"method": one.method, "header": headers, "body": body, "url": url}
        saved = {
            "name": f"answer {number}",
            "originalRequest": asked,
            "status": REASONS[one.status],
            "code": one.status,
        }
        saved |= {"_postman_previewlanguage": "json", "cookie": [], "body": one.content}
        saved["header"] = [{"key": name, "value": value} for name, value in one.answered]
        items.append({"name": f"request {number}", "request": asked, "response": [saved]})
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    info = {"_postman_id": "00000000-0000-4000-8000-000000000001", "name": "A login", "schema": schema}
    return json.dumps(
        {"info": info, "item": [{"name": "folder", "item": items}], "variable": [{"key": "base", "value": root}]}
    )


# Proxies.


def charles(traffic):
    """As Charles writes `.chlsj`; answers are in base64, as they are where Charles does not take them for text."""
    listed = []
    for one in traffic.sent:
        parts = urlsplit(one.url)
        octets = base64.b64encode(one.content.encode()).decode()
        asked = {
            "firstLine": f"{one.method} {parts.path} HTTP/1.1",
            "headers": [{"name": k, "value": v} for k, v in one.headers],
        }
        came = {"firstLine": f"HTTP/1.1 {one.status}", "headers": [{"name": k, "value": v} for k, v in one.answered]}
        listed.append(
            {
                "status": "COMPLETE",
                "method": one.method,
                "protocolVersion": "HTTP/1.1",
                "scheme": parts.scheme,
                "host": parts.hostname,
                "actualPort": 443,
                "path": parts.path,
                "query": parts.query or None,
                "tunnel": False,
                "times": {"start": iso(one.at), "requestBegin": iso(one.at), "end": iso(one.at + one.took)},
                "durations": {"total": round(one.took * 1000), "dns": None},
                "request": {
                    "sizes": {"headers": 200, "body": len(one.body)},
                    "mimeType": None,
                    "header": asked,
                    "body": {"text": one.body.decode(), "charset": None},
                },
                "response": {
                    "status": one.status,
                    "sizes": {"headers": 100, "body": len(one.content)},
                    "header": came,
                    "body": {"encoding": "base64", "encoded": octets},
                },
            }
        )
    return json.dumps(listed)


def saz(traffic):
    """As Fiddler writes `.saz`: numbers with zeros before them, answers in chunks as they came."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("_index.htm", "<html></html>")
        for number, one in enumerate(traffic.sent, 1):
            asked, _ = _messages(one)
            asked = asked.replace(_target(one), one.url, 1).replace("\n", "\r\n")
            head = [
                f"HTTP/1.1 {one.status} {REASONS[one.status]}",
                *(f"{name}: {value}" for name, value in one.answered),
            ]
            octets = one.content.encode()
            body = f"{len(octets):x}\r\n".encode() + octets + b"\r\n0\r\n\r\n"
            answered = "\r\n".join([*head, "Transfer-Encoding: chunked", "", ""]).encode() + body
            begun, done = (
                datetime.fromtimestamp(BEGAN + at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00")
                for at in (one.at, one.at + one.took)
            )
            timers = f'ClientBeginRequest="{begun}" ClientDoneRequest="{begun}" ClientDoneResponse="{done}"'
            xml = f'<?xml version="1.0"?>\r\n<Session SID="{number}"><SessionTimers {timers} /></Session>'
            archive.writestr(f"raw/{number:03}_c.txt", asked.encode())
            archive.writestr(f"raw/{number:03}_s.txt", answered)
            archive.writestr(f"raw/{number:03}_m.xml", "\ufeff" + xml)
    return file.getvalue()


def mitmproxy(traffic):
    """As mitmproxy itself writes it."""
    from mitmproxy import connection, http
    from mitmproxy.io import FlowWriter

    def fields(pairs):
        return http.Headers([(name.encode(), value.encode()) for name, value in pairs])

    file = io.BytesIO()
    writer = FlowWriter(file)
    for one in traffic.sent:
        client = connection.Client(peername=("192.0.2.2", 1), sockname=("192.0.2.3", 2), timestamp_start=BEGAN + one.at)
        flow = http.HTTPFlow(client, connection.Server(address=(urlsplit(one.url).hostname, 443)))
        flow.request = http.Request.make(one.method, one.url, one.body, fields(one.headers))
        flow.response = http.Response.make(one.status, one.content.encode(), fields(one.answered))
        flow.request.timestamp_start = flow.request.timestamp_end = BEGAN + one.at
        flow.response.timestamp_start = flow.response.timestamp_end = BEGAN + one.at + one.took
        writer.add(flow)
    return file.getvalue()


FORMATS = {
    "aws-debug": (aws_debug, "login.log"),
    "curl-v": (curl_v, "login.txt"),
    "curl-trace": (curl_trace, "trace.txt"),
    "raw-http": (raw_http, "login.http.txt"),
    "markdown": (markdown, "login.md"),
    "test-proxy": (test_proxy, "test_login.json"),
    "nock-json": (nock_json, "login.json"),
    "nock-module": (nock_module, "login.js"),
    "go-vcr-2": (lambda traffic: go_vcr(traffic, 1), "login.yaml"),
    "go-vcr-3": (go_vcr, "login.yaml"),
    "wiremock": (wiremock, "mappings.json"),
    "postman": (postman, "login.postman_collection.json"),
    "charles": (charles, "login.chlsj"),
    "fiddler": (saz, "login.saz"),
}
"""Writers by name, and what the file is called."""

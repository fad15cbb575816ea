"""What a hostile answer shows and what not: one that was not read keeps no requirement and breaks none."""

import json

import pytest

from hostile.framing import GZIP, bomb
from hostile.modes import AWS, RFC, Mode, at
from hostile.server_room import meet

NEVER_READ = {
    (RFC, "start"): {
        "rfc6749-1.9-case-sensitive-names",
        "rfc6749-5.2-invalid-request-malformed",
        "rfc8628-3.1-missing-client-id-rejected",
    },
    (RFC, "token"): {
        "rfc6749-5.2-unsupported-grant-type",
        "rfc8628-3.4-missing-client-id-rejected",
        "rfc8628-3.4-missing-device-code-rejected",
    },
    (AWS, "token"): {"aws-token-unsupported-grant", "smithy-restjson1-string-type"},
}
"""Requirements of which the honest server of this room shows something by errors alone."""
CHECKS = {
    "start": ("malformed_input::test_malformed_device_authorization",),
    "token": ("malformed_input::test_malformed_token_request",),
}


def bombs_for_errors(exchange):
    answer = exchange.answer
    pending = (answer.members or {}).get("error") == "authorization_pending"
    if answer.status < 400 or pending:
        return answer
    return answer.replaced(members=None, body=bomb("gzip"), headers=[*answer.headers, GZIP])


@pytest.mark.hostile
@pytest.mark.long
@pytest.mark.parametrize(("dialect", "place"), NEVER_READ)
def test_bombs_in_place_of_refusals_decide_nothing(tmp_path, dialect, place):
    met = meet(Mode("bombs for errors", at(place, bombs_for_errors), checks=CHECKS[place]), dialect, tmp_path)
    assert met.problems() == []
    lines = [json.loads(line) for line in (tmp_path / "report" / "results.jsonl").read_text().splitlines()]
    verdicts: dict[str, set[str]] = {}
    for line in lines:
        if line.get("requirement") in NEVER_READ[dialect, place] and line.get("check") in CHECKS[place]:
            verdicts.setdefault(line["requirement"], set()).add(line["verdict"])
    assert verdicts == {name: {"inconclusive"} for name in NEVER_READ[dialect, place]}, met.output[-2000:]

"""Which exchanges of a capture speak a dialect of the field: by the provider's hosts and paths, and by its answers.

A path that others have too is not enough away from the provider's own hosts: then an answer has to be said as only that
dialect's servers say it. Where a code came from decides for its polls, wherever they went.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.protocol import (
    REFRESH_TOKEN_GRANT,
    Dialect,
    Operation,
    Request,
    Response,
    default_dialect,
    field_dialects,
)
from device_grant.protocol.dialects.field.recognising import KnownPlace, at_any_host, places_of
from device_grant.protocol.reading import members_of, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from device_grant.protocol.dialects.field import FieldDialect

Spoken = tuple[Operation, str]
"""What a request is for, and in which dialect."""


def spoken_in(sent: Sequence[tuple[Request, Response | None]], forced: str = "") -> Mapping[int, Spoken]:
    """Operation and dialect by place, of the exchanges that speak one of the field; `forced` is the one of all."""
    known = field_dialects().get(forced)
    if forced and known is None:
        return {}
    return _Search(sent, known).result()


@dataclass
class _Search:
    sent: Sequence[tuple[Request, Response | None]]
    only: FieldDialect | None
    _started: dict[str, FieldDialect | None] = field(default_factory=dict)
    """Dialects by the device codes that their servers have issued; None: none of the field."""
    _at: dict[str, FieldDialect] = field(default_factory=dict)
    """Dialects by the origins at which grants have started."""

    def result(self) -> dict[int, Spoken]:
        places = {
            number: list(self._places(request))
            for number, (request, _) in enumerate(self.sent)
            if request.method in ("GET", "POST")
        }
        signs = self._signs(places)
        collected: dict[int, Spoken] = {}
        for number, listed in places.items():
            request, response = self.sent[number]
            starts = [one for one in listed if one.operation is Operation.DEVICE_AUTHORIZATION]
            chosen = self._started_by(request, starts, signs)
            if chosen is not None:
                collected[number] = (chosen.operation, chosen.dialect.name)
                self._at.setdefault(_origin(request), chosen.dialect)
            self._note(request, response, chosen)
        for number, listed in places.items():
            request, response = self.sent[number]
            spoken = self._polled_in(request, listed) if number not in collected else None
            if spoken is not None and self._of_the_grant(request, spoken, response):
                collected[number] = (Operation.TOKEN, spoken.name)
        return collected

    def _places(self, request: Request) -> Iterable[KnownPlace]:
        return places_of(request.url) if self.only is None else at_any_host(self.only, request.url)

    def _signs(self, places: Mapping[int, Iterable[KnownPlace]]) -> Counter[tuple[str, str]]:
        """How many answers are said as only its servers say it, by origin and dialect."""
        counted: Counter[tuple[str, str]] = Counter()
        for number, listed in places.items():
            request, response = self.sent[number]
            for one in listed:
                if response is not None and _is_said_its_way(request, response, one):
                    counted[_origin(request), one.dialect.name] += 1
        return counted

    def _started_by(
        self, request: Request, starts: Sequence[KnownPlace], signs: Mapping[tuple[str, str], int]
    ) -> KnownPlace | None:
        for one in starts:
            if one.suffices:
                return one
        shown = [one for one in starts if signs.get((_origin(request), one.dialect.name))]
        return max(shown, key=lambda one: signs[_origin(request), one.dialect.name], default=None)

    def _note(self, request: Request, response: Response | None, chosen: KnownPlace | None) -> None:
        """Remember whose codes the answer brings."""
        if response is None:
            return
        spoken: Dialect = default_dialect() if chosen is None else chosen.dialect
        operation = Operation.DEVICE_AUTHORIZATION
        _, outcome = spoken.read(replace(request, operation=operation), response)
        code = outcome.members.get("device_code")
        if isinstance(code, str) and code and "user_code" in outcome.members:
            self._started[code] = None if chosen is None else chosen.dialect

    def _polled_in(self, request: Request, listed: Iterable[KnownPlace]) -> FieldDialect | None:
        """The dialect of a token request; None: none of the field."""
        for name, value in members_of(request):
            if isinstance(value, str) and value in self._started:
                issuer = self._started[value]
                names = issuer.request_names if issuer is not None else {}
                if names.get(name, name) == "device_code":
                    return issuer
        tokens = [one for one in listed if one.operation is Operation.TOKEN]
        here = self._at.get(_origin(request))
        near = [one.dialect for one in tokens if one.at_home or one.dialect is here]
        return here if here in near else near[0] if near else None

    def _of_the_grant(self, request: Request, spoken: FieldDialect, response: Response | None) -> bool:
        """Whether a token request is one of the device grant, or a refresh of what it brought perhaps."""
        request = replace(request, operation=Operation.TOKEN, aliases=spoken.request_names)
        grant = value_of(request, "grant_type")
        if value_of(request, "device_code") not in (None, "") or grant == REFRESH_TOKEN_GRANT:
            return True
        if grant is not None or request.content or urlsplit(request.url).query:
            return grant in spoken.grant_types and bool(grant)
        if response is None:
            return False
        # A recorder that drops bodies leaves the answers: those of polls alone, and others where a grant began.
        _, outcome = spoken.read(request, response)
        began = self._at.get(_origin(request)) is spoken and not outcome.code.startswith("http-")
        return began or outcome.code in ("authorization_pending", "slow_down")


def _is_said_its_way(request: Request, response: Response, place: KnownPlace) -> bool:
    plain, _ = place.dialect.read(replace(request, operation=place.operation), response)
    return plain is not response


def _origin(request: Request) -> str:
    parts = urlsplit(request.url)
    return f"{parts.scheme}://{parts.netloc}".lower()

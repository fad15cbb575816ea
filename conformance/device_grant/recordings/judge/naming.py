"""Whom a capture shows, by the names that they give themselves: clients by User-Agent or client_id, servers by host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.recordings.formats.placeholders import is_put_there
from device_grant.recordings.judge.secrets import is_random

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.recordings.judge.finding import RecognisedExchange
    from device_grant.recordings.judge.flows import Flow

_LONGEST = 48
_MOST = 3
"""Names before the rest is only counted."""
_AGENT = re.compile(r"[A-Za-z][\w.+-]{1,40}(?:/[\w.+-]{1,30})?")


def client_of(exchanges: Iterable[RecognisedExchange]) -> str:
    """What the client of these calls itself; empty: nothing that a person could read."""
    agents, ids = "", ""
    for one in exchanges:
        agent = _AGENT.match((one.exchange.request.header("user-agent") or "").strip())
        if agent and not agents and not is_put_there(agent[0]):
            agents = agent[0]
        known = one.client_id
        if known and not ids and len(known) <= _LONGEST and not is_random(known) and not is_put_there(known):
            ids = known
    return f"{ids}, {agents}" if ids and agents else ids or agents


def parties_of(flows: Iterable[Flow]) -> dict[str, str]:
    """The names of all clients and servers of the flows, by `client` and `server`; one without a name is left out."""
    clients, servers = [], []
    for flow in flows:
        clients.append(client_of(flow.own or flow.members))
        servers += [urlsplit(one.origin).netloc for one in flow.members]
    named = {"client": _listed(clients), "server": _listed(servers)}
    return {party: names for party, names in named.items() if names}


def _listed(names: Iterable[str]) -> str:
    known = list(dict.fromkeys(name for name in names if name and not name.endswith(".invalid")))
    more = f" and {len(known) - _MOST} more" if len(known) > _MOST else ""
    return "; ".join(known[:_MOST]) + more

"""All peers by name, and the target.toml of each."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING

import odd_answers
import odd_aws
import odd_clients
import odd_decisions
import odd_grants
import odd_pages
import odd_rules
import odd_secrets
import odd_sessions
import odd_sockets
import odd_trusted
import peer_aws
import peer_rfc
from peer_rfc import Honest

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).parent
MODULES = (
    peer_rfc,
    peer_aws,
    odd_clients,
    odd_rules,
    odd_grants,
    odd_answers,
    odd_pages,
    odd_sessions,
    odd_decisions,
    odd_aws,
    odd_secrets,
    odd_trusted,
)


def of(module: ModuleType) -> dict[str, type[Honest]]:
    """The peers that a module defines, in its order."""
    classes = (entry for entry in vars(module).values() if inspect.isclass(entry) and issubclass(entry, Honest))
    return {entry.__name__: entry for entry in classes if entry.__module__ == module.__name__}


PEERS = {name: peer for module in MODULES for name, peer in of(module).items()}


def target_toml(peer: type[Honest]) -> str:
    """The file for `device-grant run`, to be put anywhere; modules are found by PYTHONPATH."""
    wanted = {name: value for name, value in peer.target.items() if name != "clients"}
    person = wanted.pop("user", {})
    user = f"module = {json.dumps(str(FOLDER / person.get('module', 'person.py')))}"
    if "login" in person:
        user = f"login = {json.dumps(person['login'])}\npassword = {json.dumps(person['password'])}"
    lines = [f"name = {peer.__name__!r}", f"dialect = {getattr(peer, 'dialect', 'rfc8628')!r}"]
    lines += ["[serve]", f'app = "asgi:{peer.__module__}:{peer.__name__}()"']
    lines += ["[user]", user, "[clock]", 'kind = "travel"']
    if "second" in person:
        lines += ["[user.second]", f"module = {json.dumps(str(FOLDER / person['second']))}"]
    for table, members in wanted.items():
        lines += [f"[{table}]", *(f"{name} = {json.dumps(value)}" for name, value in members.items())]
    for client in peer.target.get("clients", ()):
        lines += ["[[clients]]", *(f"{name} = {json.dumps(value)}" for name, value in client.items())]
    return "\n".join(lines) + "\n"


def by_socket_toml(peer: type[Honest]) -> str:
    """The file for a peer that listens itself."""
    command = ["{python}", str(FOLDER / "odd_sockets.py"), peer.__name__, "{port}"]
    lines = [f"name = {peer.__name__!r}", f"dialect = {getattr(peer, 'dialect', 'rfc8628')!r}"]
    lines += ["[serve]", f"command = {json.dumps(command)}", "[endpoints]", 'base = "http://127.0.0.1:{port}"']
    lines += ["[user]", f"module = {json.dumps(str(FOLDER / 'person.py'))}", "[clock]", "longest_wait = 45"]
    return "\n".join(lines) + "\n"


SOCKETS = of(odd_sockets)

"""A small world in which the blocks of README.md and docs/ can be run for real.

What stands in a page is run as it is, but for the substitutions and excuses below: each with its reason.
"""

from __future__ import annotations

import contextlib
import glob
import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from device_grant.cli import cli, main
from device_grant.client.drivers.load import known_clients
from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.targets.load import known_servers
from support import ROOT, captured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from support.pages import Block


class Excuse(NamedTuple):
    """A command that is not run here."""

    pattern: str
    reason: str
    holds: Callable[[re.Match[str]], bool]
    """What can be said of it all the same."""


def _goal(match: re.Match[str]) -> bool:
    return re.search(rf"^{re.escape(match[1])}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE) is not None


def _environment(match: re.Match[str]) -> bool:
    return match[1] in re.split(r"[\s,]+", (ROOT / "tox.ini").read_text("utf-8"))


def _parsed(match: re.Match[str]) -> bool:
    words = [word for word in shlex.split(match.string, comments=True) if "=redis:" not in word]
    parse(words[1:])
    return True


def _known(match: re.Match[str]) -> bool:
    words = shlex.split(match.string, comments=True)
    named = {word.removeprefix("client:") for word in words[2:] if not word.startswith("-")}
    return _parsed(match) and named <= {"embedded", "servers", "clients", *known_servers(), *known_clients()}


def _extra(match: re.Match[str]) -> bool:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return match["extra"] is None or match["extra"] in project["optional-dependencies"]


def _inside(match: re.Match[str]) -> bool:
    parse(shlex.split(match["inside"])[1:])
    return True


EXCUSES = (
    Excuse(r"make (\w+)\b.*", "goes through everything; the goals are tested by what they call", _goal),
    Excuse(r"tox -e (\S+).*", "makes an environment from the network", _environment),
    Excuse(r"\.ci/run\b.*", "goes through everything", lambda _: os.access(ROOT / ".ci" / "run", os.X_OK)),
    Excuse(r"\S*pip install '?[\w./-]+(?:\[(?P<extra>\w+)\])?'?.*", "installs from the network", _extra),
    Excuse(r"podman build .*", "makes an image from the network", lambda _: (ROOT / "Containerfile").is_file()),
    Excuse(r"podman run .* (?=device-grant run )(?P<inside>.*)", "needs that image", _inside),
    Excuse(r"apt-get install .*", "needs root", lambda _: True),
    Excuse(r"python3 -m venv .*", "followed by an installation; tested in test_packaging.py", lambda _: True),
    Excuse(r"export PATH=.*", "for the environment that is not made here", lambda _: True),
    Excuse(
        r"(?:export AWS_ENDPOINT_URL_\S+ \S+|aws .*)",
        "the AWS CLI comes from the network; test_reference_cli.py does what the page says with it",
        lambda _: "awscli-pkce" in known_clients(),
    ),
    Excuse(r"device-grant (?:run nanoidp|client awscli)\b.*", "software of others, from the network", _known),
    Excuse(r"device-grant matrix --run .*", "whole runs of many targets", _known),
    Excuse(
        r"device-grant (?:run|doctor) .* --password-env .*",
        "an account of the reader's; tested in test_login_options.py",
        _parsed,
    ),
    Excuse(
        r"device-grant run .* --(?:client-secret-env|initial-access-token-env) .*",
        "a server that knows the reader's client; tested in test_known_clients.py",
        _parsed,
    ),
    Excuse(r"(?:DEVICE_GRANT_DATABASE=)?.*\bredis://.*", "needs a Redis server", _parsed),
)

NARROW = "rfc8628-3.1-endpoint-accepts-post"
"""The one requirement that is asked for where a page asks for all: the cheapest that any server has."""
NARROW_CLIENT = "rfc8628-3.1-scope-optional"
THREE_CHECKS = "test_start_without_client or test_codes_are_unique or test_get_starts_nothing"
SUBSTITUTIONS = (
    # A live server, which is launched here.
    (r"https://(?:id\.example\.com|login\.example)(?![\w.])|http://127\.0\.0\.1:8080", f"{{{RFC8628}}}"),
    (r"iam-identity-center/target\.toml", "embedded:aws-sso-oidc --polite --yes"),
    (r"http://127\.0\.0\.1:8628", f"{{{AWS_SSO_OIDC}}}"),
    (r"--port 8628", "--port 0"),
    # A server that would have to be installed from the network.
    (r"device-grant record nanoidp", "device-grant record embedded:rfc8628 --out cassettes/nanoidp"),
    (r"device-grant client openid-client", "device-grant client honest:rfc8628"),
    (r"(device-grant drift cassettes/nanoidp) nanoidp", r"\1 embedded:rfc8628"),
    # A provider that demands a scope is asked nothing about requests without one, the cheapest of all scenarios.
    (r"--speaks entra", "--speaks github"),
    # Nobody sits here.
    (r"--user prompt", "--user user.py"),
    # A part of the checks, where all of them would take minutes; what a cassette holds that was recorded so.
    (r"-k 'not page_browser'", "-k 'not page_browser and test_start_without_client'"),
    (r"-k page_browser", "-k 'page_browser and forged_approval'"),
    (r"-k slow_down\b", "-k test_no_scope"),
    (r"(cassette:cassettes/nanoidp) --only \S+", rf"\1 --only {NARROW}"),
    (r"(cassette:cassettes/nanoidp) -k \S+", r"\1 -k test_start"),
    (r"-n 4\b", "-n 1"),
    (r"(device-grant run TARGET --shard .* --report \S+)", rf"\1 -- -k '{THREE_CHECKS}'"),
    (r"\bTARGET\b", "path/to/target.toml"),
    (
        r"(first-run:device-grant run target\.toml --report \S+)",
        r"\1 -- -k 'user_decision or malformed_bodies or malformed_device'",
    ),
)
"""In this order; commands of a story are known by its name before them."""

WHOLE = ("first-run:device-grant run target.toml   # exit code 1",)
"""Lines that show nothing where only a part of the checks is run, by story."""

EXIT_CODES = {
    "device-grant judge cassettes/nanoidp": 1,  # what it records is not conformant
    # The embedded server takes certificates, and the launched one, which speaks no TLS, does not.
    "device-grant drift cassettes/nanoidp https://login.example --user user.py --json": 1,
    "device-grant drift login.har https://login.example": 1,  # another server answers here
}
"""Those that the page does not name in a comment and that are not 0."""


NEEDS = ((r"-k page_browser", "chromium"),)
"""What a command needs of the machine that not every machine has, by a part of it; the names are those of `needs`."""


def needed(block: Block) -> list[str]:
    """What the commands of a shell block need of the machine."""
    lines = [line for line in block.commands() if not excused(line)]
    return sorted({thing for pattern, thing in NEEDS if any(re.search(pattern, line) for line in lines)})


def parse(words: list[str]) -> None:
    """Let click read a command line of ours without doing it; raises what click makes of mistakes."""
    name, *rest = words
    context = click.Context(cli, info_name="device-grant")
    command = cli.get_command(context, name)
    assert command is not None, name
    command.make_context(name, rest, parent=context)


def options(words: Iterable[str]) -> Iterator[str]:
    """Options of a command that is only spoken of and perhaps incomplete; those behind -- belong to another."""
    for word in words:
        if word == "--":
            return
        if re.fullmatch(r"--?[a-z][a-z-]*", word):
            yield word


@dataclass
class World:
    """A folder in which the commands of a page find what they speak of, and where they are run."""

    folder: Path
    server: Callable[[str], str]
    """The base URL of a launched reference server of a dialect."""
    story: str = ""
    said: str = ""
    """What the commands of the last shell block printed."""
    stopped: list[subprocess.Popen[str]] = field(default_factory=list)
    checkout: bool = False
    """Whether the folder is a checkout of its own, whose code the commands run."""

    def __post_init__(self) -> None:
        self.cwd = self.folder

    def furnish(self) -> None:
        """Lay out what pages take for given: a server, a client, a user, captures, cassettes, reports."""
        # One that opens no pages: those of the checks in a browser take their time.
        user = "from device_grant.reference.server import user\n\napprove, deny = user.approve, user.deny\n"
        serve = "import sys\n\nfrom device_grant.reference.server.serve import serve\n\nserve(port=int(sys.argv[-1]))\n"
        capture = captured.har(captured.rfc(gaps=(1.2,), errors=(), interval=1))
        app = "from device_grant.reference.server.app import create_app\n\napp = create_app()\n"
        texts = {
            "mypackage/__init__.py": "",
            "mypackage/server.py": app,
            "user.py": user,
            "serve.py": serve,
            "requirements.txt": "",
            "capture.har": capture,
            "login.har": capture,
            "tests/cassettes/login.yaml": captured.vcr(captured.rfc()),
            "baseline.toml": "",
            "path/to/user.py": user,
            "path/to/target.toml": 'name = "my-server"\n[serve]\napp = "asgi:device_grant.reference.server.app:app"\n'
            '[user]\nmodule = "user.py"\n[clock]\nkind = "travel"\n',
            "path/to/client.toml": 'name = "my-cli"\n[run]\ncommand = ["my-cli"]\n',
        }
        for name, text in texts.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        command = self.folder / "bin" / "my-cli"
        command.parent.mkdir()
        # A client that is told everything by the variables of its run has no use for arguments.
        command.write_text(
            f"#!{sys.executable}\nfrom device_grant.reference.client.__main__ import main\n\n"
            "raise SystemExit(main([]))\n"
        )
        command.chmod(0o755)
        for folder in ("report", "last/report", "report-a", "report-b"):
            (self.folder / folder).mkdir(parents=True)
            source = "glewlwyd" if folder == "report-b" else "nanoidp"
            shutil.copy2(ROOT / "reports" / source / "results.jsonl", self.folder / folder)

    def check_out(self) -> None:
        """Make the folder a checkout, to which a page may add; what is compiled already goes with it."""
        for name in ("conformance", "strategies", "implementations", "tests"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns("node_modules", ".venv"))
        shutil.copy2(ROOT / "pyproject.toml", self.folder)
        self.checkout = True

    def borrow_cassettes(self, text: str) -> None:
        """Copy the cassettes of the checkout that are spoken of."""
        for source in sorted(set(re.findall(r"cassettes/([\w-]+)", text))):
            if (ROOT / "cassettes" / source).is_dir():
                shutil.copytree(ROOT / "cassettes" / source, self.folder / "cassettes" / source)

    def close(self) -> None:
        for process in self.stopped:
            end(process)

    def run(self, block: Block) -> None:
        """Every command of a shell block, and the exit code of each."""
        self.said = ""
        for line in block.commands():
            if excused(line):
                continue
            noted = re.search(r"#.*exit code (\d)", line)
            expected = int(noted[1]) if noted else EXIT_CODES.get(" ".join(shlex.split(line, comments=True)), 0)
            code, printed = self._do(line)
            self.said += printed
            assert code == expected, f"{block.place}: {line}\nended with {code}, not {expected}\n{printed}"

    def _do(self, line: str) -> tuple[int, str]:
        name, *words = shlex.split(self.substituted(line), comments=True)
        words = [one for word in words for one in self._expanded(word)]
        match name:
            case "device-grant" if words[0] == "serve" and "--faults" not in words:
                return self._serve(words)
            case "device-grant" if self.checkout:
                return self.program([sys.executable, "-m", "device_grant", *words])
            case "device-grant":
                return self._device_grant(words if f"{self.story}:{line}" in WHOLE else narrowed(words))
            case "pytest":
                return self.pytest(words)
            case "mkdir":
                (self.cwd / words[0]).mkdir()
            case "cd":
                self.cwd /= words[0]
                assert self.cwd.is_dir()
            case "rm":
                (self.cwd / words[0]).unlink()
            case _:
                raise AssertionError(f"{line}: neither run nor excused; say in {Path(__file__).name} which")
        return 0, ""

    def substituted(self, text: str) -> str:
        text = f"{self.story}:{text}"
        for pattern, replacement in SUBSTITUTIONS:
            text = re.sub(pattern, replacement, text)
        text = text.removeprefix(f"{self.story}:")
        for dialect in (RFC8628, AWS_SSO_OIDC):
            if f"{{{dialect}}}" in text:
                text = text.replace(f"{{{dialect}}}", self.server(dialect))
        return text

    def _expanded(self, word: str) -> list[str]:
        word = word.replace("$PWD", str(self.cwd))
        return sorted(glob.glob(word, root_dir=self.cwd)) or [word]  # noqa: PTH207 - patterns of a shell, not of a Path

    def _device_grant(self, words: list[str]) -> tuple[int, str]:
        printed = io.StringIO()
        before, argv, folder = set(sys.modules), sys.argv, Path.cwd()
        sys.argv = ["device-grant", *words]
        os.chdir(self.cwd)
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                main(words)
        except SystemExit as ended:
            return int(ended.code or 0), printed.getvalue()
        finally:
            os.chdir(folder)
            sys.argv = argv
            for name in set(sys.modules) - before:
                if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(self.folder)):
                    del sys.modules[name]
        raise AssertionError("device-grant did not exit")

    def program(self, command: list[str]) -> tuple[int, str]:
        own = os.pathsep.join(str(self.folder / name) for name in ("conformance", "strategies"))
        environment = os.environ | ({"PYTHONPATH": own} if self.checkout else {})
        done = subprocess.run(
            command,
            cwd=self.cwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout

    def pytest(self, words: list[str]) -> tuple[int, str]:
        # Rewriting the assertions of all checks would take most of the time.
        return self.program([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--assert=plain", *words])

    def _serve(self, words: list[str]) -> tuple[int, str]:
        words = words if "--port" in words else [*words, "--port", "0"]
        process, first = launch(words, self.cwd)
        self.stopped.append(process)
        # What it says when it starts comes in one piece, but not in one line: the last request, and for SDKs one more.
        said = [first]
        while said[-1] and not said[-1].startswith("Poll"):
            said.append(process.stdout.readline())
        return 0, "".join(said + [process.stdout.readline() for _ in range(2 if AWS_SSO_OIDC in words else 1)])


def launch(words: list[str], cwd: Path) -> tuple[subprocess.Popen[str], str]:
    """`device-grant serve`, once it listens, and its first line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "device_grant", *words], cwd=cwd, stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline()


def end(process: subprocess.Popen[str]) -> None:
    """Ctrl-C."""
    process.send_signal(signal.SIGINT)
    with process:
        process.wait(20)


def excused(line: str) -> Excuse | None:
    for excuse in EXCUSES:
        match = re.fullmatch(excuse.pattern, line)
        if match:
            assert excuse.holds(match), f"{line}: not what is there"
            return excuse
    return None


def narrowed(words: list[str]) -> list[str]:
    """The same command for one requirement, where it would go through all of them."""
    command = words[0]
    if command not in {"run", "record", "replay", "client"} or "--only" in words:
        return words
    if "--" in words and (command != "client" or not words[1].startswith("--")):
        return words
    of_client = command == "client" or any(re.search(r"cassettes/clients/|build/mine", word) for word in words)
    return [command, "--only", NARROW_CLIENT if of_client else NARROW, *words[1:]]

"""What runs elsewhere: tox, the workflow and the action name only what exists, and miss nothing."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import click
import pytest
import yaml
from support import ROOT

from device_grant.cli import cli
from device_grant.cli.setup.workflow import workflow_text
from device_grant.targets import known_servers

if TYPE_CHECKING:
    from pathlib import Path

ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
# YAML 1.1 reads the key `on` as a truth value.
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
NIGHTLY = yaml.safe_load((ROOT / ".github/workflows/matrix.yml").read_text("utf-8"))
SUPPORTED = ["3.11", "3.12", "3.13"]


def options(command: str) -> set[str]:
    with click.Context(cli) as context:
        result = cli.get_command(context, command)
        assert result is not None, f"device-grant {command}"
        return {name for parameter in result.params for name in (*parameter.opts, *parameter.secondary_opts)}


def commands(text: str) -> list[list[str]]:
    """The words after each `device-grant` in a text of shell lines."""
    lines = [line.split("device-grant ", 1)[1] for line in text.splitlines() if "device-grant " in line]
    return [shlex.split(re.split(r"&&|\|\||[;|>)]", line)[0], comments=True) for line in lines]


def scripts() -> dict[str, str]:
    collected = {
        f"{file} {name} {number}": step["run"]
        for file, workflow in (("ci.yml", WORKFLOW), ("matrix.yml", NIGHTLY))
        for name, job in workflow["jobs"].items()
        for number, step in enumerate(job["steps"])
        if "run" in step
    }
    collected |= {f"action.yml {number}": step["run"] for number, step in enumerate(ACTION["runs"]["steps"])}
    return collected


@pytest.mark.parametrize(
    "path", ["Makefile", ".ci/run", ".github/workflows/ci.yml", ".github/workflows/matrix.yml", "tox.ini"]
)
def test_commands_and_options_exist(path):
    collected = [words for words in commands((ROOT / path).read_text("utf-8")) if re.fullmatch("[a-z]+", words[0])]
    assert collected
    for words in collected:
        assert {word for word in words[1:] if word.startswith("-")} <= options(words[0]), words


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    called = {word for text in scripts().values() for word in re.findall(r"^make ([a-z]+)$", text, re.MULTILINE)}
    assert {"lint", "unit", "run", "setup"} <= called <= targets


@pytest.mark.parametrize("text", scripts().values(), ids=scripts().keys())
def test_scripts_are_bash_and_take_no_text_from_outside(text):
    assert "${{" not in text, "hand it over as an environment variable"
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_workflow_may_only_read_and_every_job_ends():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 30 for job in WORKFLOW["jobs"].values())
    assert WORKFLOW["jobs"]["tests"]["strategy"]["matrix"]["python"] == SUPPORTED


def test_the_nightly_workflow_runs_the_whole_matrix():
    assert NIGHTLY["permissions"] == {"contents": "read"}
    assert NIGHTLY[True]["schedule"]
    [job] = NIGHTLY["jobs"].values()
    assert job["timeout-minutes"] <= 350
    [words] = [words for step in job["steps"] for words in commands(step.get("run", "")) if words[0] == "matrix"]
    assert "--light" not in words
    assert not {"embedded", "servers", "clients"} & set(words), "without a name everything is run"


def test_recordings_of_servers_and_clients_are_judged_on_every_push():
    assert "make replay" in [step.get("run") for step in WORKFLOW["jobs"]["recordings"]["steps"]]


def test_the_workflow_finds_every_server():
    [step] = [step for step in WORKFLOW["jobs"]["names"]["steps"] if "run" in step]
    assert "cd implementations/servers" in step["run"]
    assert "*/target.toml" in step["run"]
    assert "needs.names.outputs.servers" in WORKFLOW["jobs"]["servers"]["strategy"]["matrix"]["server"]


def test_tox_has_an_environment_for_each_server_and_python():
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "tox.ini", encoding="utf-8")
    lines = settings["tox"]["env_list"].splitlines()
    listed = [word for line in lines if not line.strip().startswith("#") for word in re.split(r"[,\s]+", line) if word]
    assert {name.removeprefix("server-") for name in listed if name.startswith("server-")} == set(known_servers())
    assert {f"py{version.replace('.', '')}" for version in SUPPORTED} <= set(listed)
    assert "server: python -c" in settings["testenv"]["commands"]


def test_every_input_and_output_of_the_action_is_documented_and_used():
    page = (ROOT / "docs/how-to/run-in-ci.md").read_text("utf-8")
    used = (ROOT / "action.yml").read_text("utf-8").split("runs:")[1]
    for name, entry in ACTION["inputs"].items():
        assert entry["description"]
        assert f"`{name}`" in page, name
        assert f"inputs.{name} }}}}" in used, name
    for name in ACTION["outputs"]:
        assert f"`{name}`" in page, name


def test_the_workflow_gives_the_action_inputs_that_it_has():
    [step] = [step for step in WORKFLOW["jobs"]["action"]["steps"] if step.get("uses") == "./"]
    assert set(step["with"]) <= set(ACTION["inputs"])


class Rehearsal:
    """Runs the last step of the action with a `device-grant` that notes its arguments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "env" / "bin" / "device-grant"
        program.parent.mkdir(parents=True)
        program.write_text(
            "#!/bin/bash\n"
            'if [[ $1 == diff ]]; then echo "compared $2 $3"; exit "${CHANGED:-0}"; fi\n'
            'printf "%s\\n" "$@" >arguments\n'
            "mkdir -p out/rfc8628 && echo '## summary' >out/rfc8628/summary.md\n"
            'exit "${CODE:-0}"\n'
        )
        program.chmod(0o755)

    def run(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        step = ACTION["runs"]["steps"][-1]
        defaults = {name: entry.get("default", "") for name, entry in ACTION["inputs"].items()}
        given = defaults | {"report": "out"} | inputs
        variables = {
            name: given[match[1]]
            for name, value in step["env"].items()
            if (match := re.search(r"inputs\.(\w+)", value))
        }
        # As GitHub runs `shell: bash`.
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "ENVIRONMENT": str(self.folder / "env"),
                "GITHUB_OUTPUT": str(self.folder / "output"),
                "GITHUB_STEP_SUMMARY": str(self.folder / "step-summary"),
                "CODE": inputs.get("code", "0"),
                "CHANGED": inputs.get("changed", "0"),
                **variables,
            },
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def read(self, name: str) -> list[str]:
        return (self.folder / name).read_text().splitlines()


def test_the_action_hands_its_inputs_over(tmp_path):
    action = Rehearsal(tmp_path)
    done = action.run(
        target="https://id.example.com/a b",
        dialect="rfc8628",
        user="user.py",
        only="rfc8628-3.5-*\n\nrfc6749-5.2-*\n",
        expect="baseline.toml",
    )
    assert done.returncode == 0, done.stderr
    words = action.read("arguments")
    assert words == [
        *("run", "https://id.example.com/a b", "--report", "out", "--profile", "fast", "--user", "user.py"),
        *("--dialect", "rfc8628", "--expect", "baseline.toml", "--only", "rfc8628-3.5-*", "--only", "rfc6749-5.2-*"),
    ]
    assert {word for word in words if word.startswith("--")} <= options("run")
    assert action.read("output") == ["exit-code=0", "report=out"]
    assert action.read("step-summary") == ["## summary"]


def test_the_action_fails_as_the_run_does_and_still_tells(tmp_path):
    action = Rehearsal(tmp_path)
    done = action.run(target="embedded", code="1")
    assert done.returncode == 1
    assert action.read("arguments") == ["run", "embedded", "--report", "out", "--profile", "fast"]
    assert action.read("output") == ["exit-code=1", "report=out"]
    assert action.read("step-summary") == ["## summary"]


def test_the_action_tests_a_client_or_signs_in(tmp_path):
    action = Rehearsal(tmp_path)
    assert action.run(client="tests/client.toml", expect="known.toml").returncode == 0
    words = action.read("arguments")
    assert words == ["client", "tests/client.toml", "--report", "out", "--expect", "known.toml"]
    assert {word for word in words if word.startswith("--")} <= options("client")
    assert Rehearsal(tmp_path / "other").run(target="embedded", client="honest").returncode == 2
    signing = Rehearsal(tmp_path / "signing")
    assert signing.run(target="http://127.0.0.1:8080", login="alice", processes="2").returncode == 0
    words = signing.read("arguments")
    assert words[6:] == ["-n", "2", "--login", "alice"]
    assert {word for word in words if word.startswith("-")} <= options("run")
    assert Rehearsal(tmp_path / "none").run().returncode == 2


@pytest.mark.parametrize(("changed", "said"), [("0", ["regressed=false"]), ("1", ["regressed=true"]), ("2", [])])
def test_the_action_says_what_changed_and_fails_as_the_run_does(tmp_path, changed, said):
    action = Rehearsal(tmp_path)
    assert action.run(target="embedded", previous="last", changed=changed).returncode == 0
    assert action.read("output")[2:] == said
    assert "compared last out" in action.read("step-summary")


class Nightly:
    """Runs the steps of the workflow that `init` writes, with a `gh` and a `device-grant` that only note things."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workflow = yaml.safe_load(workflow_text("target", ["DEVICE_GRANT_PASSWORD"]))
        steps = self.workflow["jobs"]["conformance"]["steps"]
        self.steps = {step.get("name", step.get("run", "")): step for step in steps}
        for name, text in {
            "gh": 'echo "gh $*" >>said\nif [[ "$1 $2" == "run list" ]]; then echo "$LAST"; fi\n[[ $2 != download ]]\n',
            "device-grant": 'echo "compared $*"\nexit "${CHANGED:-0}"\n',
        }.items():
            program = folder / "bin" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(f"#!/bin/bash\n{text}")
            program.chmod(0o755)

    def run(self, name: str, **variables: str) -> list[str]:
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-c", self.steps[name]["run"]],
            cwd=self.folder,
            env={
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "GITHUB_OUTPUT": str(self.folder / "output"),
                "GITHUB_STEP_SUMMARY": str(self.folder / "step-summary"),
                "GITHUB_WORKFLOW": "Device grant",
                "GITHUB_REF_NAME": "main",
                **variables,
            },
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said = self.folder / "said"
        return said.read_text().splitlines() if said.exists() else []

    def report(self) -> None:
        (self.folder / "report").mkdir()
        for name in ("results.jsonl", "summary.md", "badge.svg", "badge.json"):
            (self.folder / "report" / name).write_text(f"{name}\n")


def test_the_workflow_that_init_writes_is_sound(tmp_path):
    nightly = Nightly(tmp_path)
    for step in nightly.steps.values():
        text = step.get("run", "")
        assert "${{" not in text
        assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
        for words in [words for words in commands(text) if words[0] in {"run", "diff"}]:
            assert {word for word in words if word.startswith("-")} <= options(words[0])
    assert nightly.steps["device-grant run target.toml --report report"]["env"] == {
        "DEVICE_GRANT_PASSWORD": "${{ secrets.DEVICE_GRANT_PASSWORD }}"
    }
    page = (ROOT / "docs/how-to/run-in-ci.md").read_text("utf-8")
    assert workflow_text("target", ["DEVICE_GRANT_PASSWORD"]) in page, "the page shows what init writes"


def test_a_night_without_a_report_before_it_goes_on(tmp_path):
    nightly = Nightly(tmp_path)
    [said] = nightly.run("The report of the run before", LAST="")
    assert "--branch main --status completed" in said
    # This run has no such artefact: the step goes on all the same.
    last = nightly.run("The report of the run before", LAST="17")[-1]
    assert last == "gh run download 17 --name device-grant --dir previous"


def test_a_night_tells_what_changed_and_opens_an_issue(tmp_path):
    nightly = Nightly(tmp_path)
    nightly.run("Summary, and what changed")
    assert not (tmp_path / "changes.txt").exists(), "a run that broke has no report"
    nightly.report()
    nightly.run("Summary, and what changed", CHANGED="1")
    assert (tmp_path / "output").read_text() == "regressed=true\n"
    assert "compared diff previous report" in (tmp_path / "step-summary").read_text()
    (tmp_path / "output").write_text("")
    nightly.run("Summary, and what changed", CHANGED="2")
    assert not (tmp_path / "output").read_text()
    [said] = nightly.run("An issue for what newly fails")
    assert said == "gh issue create --title The device grant newly fails --body-file issue.md"


def test_a_night_publishes_its_badge_and_nothing_else(tmp_path):
    nightly = Nightly(tmp_path)
    nightly.report()
    for words in (
        ["init", "-q", "--bare", "origin.git"],
        ["init", "-q", "-b", "main"],
        ["remote", "add", "origin", "origin.git"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "one"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    for _ in range(2):
        nightly.run("The badge, on a branch of its own")
    listed = subprocess.check_output(
        ["git", "-C", "origin.git", "ls-tree", "--name-only", "device-grant-badge"], cwd=tmp_path, text=True
    )
    assert listed.split() == ["badge.json", "badge.svg"]
    assert not subprocess.check_output(["git", "status", "--short", "-uno"], cwd=tmp_path, text=True)

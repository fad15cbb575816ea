"""The workflow for GitHub Actions that `device-grant init` writes: nightly, and what changed since the last run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEAD = """\
name: Device grant
on:
  push:
  schedule:
    - cron: "17 3 * * *"
permissions:
  contents: write # the branch device-grant-badge; `read` without the step that publishes it
  issues: write # an issue when something newly fails at night
  actions: read # the report of the run before
jobs:
  conformance:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: { python-version: "3.13" }
      - run: pip install device-grant-conformance
      # Start here what is tested, if it does not run already.
      - name: The report of the run before
        env: { GH_TOKEN: "${{ github.token }}" }
        run: |
          run=$(gh run list --workflow "$GITHUB_WORKFLOW" --branch "$GITHUB_REF_NAME" --status completed \\
            --limit 1 --json databaseId --jq '.[0].databaseId // empty')
          # Nothing there, as in the first night: the comparison below says so.
          [[ -z $run ]] || gh run download "$run" --name device-grant --dir previous || true
"""
_TAIL = """\
      - if: always()
        name: Summary, and what changed
        id: changes
        run: |
          if [[ ! -f report/results.jsonl ]]; then exit 0; fi
          cat report/summary.md >>"$GITHUB_STEP_SUMMARY"
          status=0
          device-grant diff previous report >changes.txt || status=$?
          cat changes.txt
          printf '\\n```text\\n%s\\n```\\n' "$(<changes.txt)" >>"$GITHUB_STEP_SUMMARY"
          if [[ $status == 1 ]]; then echo "regressed=true" >>"$GITHUB_OUTPUT"; fi
      - if: always() && steps.changes.outputs.regressed == 'true' && github.event_name == 'schedule'
        name: An issue for what newly fails
        env: { GH_TOKEN: "${{ github.token }}" }
        run: |
          { echo '```text'; cat changes.txt; echo '```'; } >issue.md
          gh issue create --title "The device grant newly fails" --body-file issue.md
      - if: always() && github.ref_name == github.event.repository.default_branch
        name: The badge, on a branch of its own
        run: |
          if [[ ! -f report/badge.svg ]]; then exit 0; fi
          export GIT_INDEX_FILE=.git/device-grant-badge
          for file in badge.svg badge.json; do
            git update-index --add --cacheinfo "100644,$(git hash-object -w "report/$file"),$file"
          done
          export GIT_AUTHOR_NAME=device-grant GIT_AUTHOR_EMAIL=device-grant@users.noreply.github.com
          export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
          commit=$(git commit-tree -m Badge "$(git write-tree)")
          git push --quiet --force origin "$commit:refs/heads/device-grant-badge"
      - if: always()
        uses: actions/upload-artifact@v4
        with: { name: device-grant, path: report }
"""


def workflow_text(kind: str, variables: Iterable[str]) -> str:
    """A workflow that runs on each push and each night, and fails as the exit code says.

    It compares with the run before, opens an issue for what newly fails at night, publishes the badge on a branch, and
    keeps the report. `kind` is `target` or `client`; `variables` are taken from secrets of the same names.
    """
    secrets = [f"          {name}: ${{{{ secrets.{name} }}}}\n" for name in variables]
    command = "run target.toml" if kind == "target" else "client client.toml"
    environment = ["        env:\n", *secrets] if secrets else []
    return "".join([_HEAD, f"      - run: device-grant {command} --report report\n", *environment, _TAIL])

"""`python -m tools.site`: makes the documentation site of this version, beside those of others, from the Markdown here.

The pages are those that a forge shows: they are copied as they lie, so that links between them stay as they are, with
whatever they link to and the published reports. Zensical makes HTML of them, strictly; then every link of every page
is looked up among the files. `--out FOLDER` may hold versions that were made before, as published: they are kept.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import click
from lxml import html

from device_grant import __version__
from device_grant.report.publication import STATE

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
FILES = Path(__file__).parent / "site_files"
START = "README.md"
INDEX = "docs/index.md"
PROJECT = ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE")
REPORTS = "reports"
SHOWN = ("*.html", "matrix.json")
"""Of the published reports; their other files are for programs, and in the repository."""
NEWEST = "latest"
"""The alias of the version that was made last."""

_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")

_ENTRY = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={NEWEST}/index.html">
<title>device-grant-conformance</title>
<p><a href="{NEWEST}/index.html">Documentation of the newest version</a></p>
</html>
"""


class SiteError(Exception):
    """The site cannot be made, or a link of it leads nowhere."""


def pages(root: Path = ROOT) -> list[str]:
    """What the site is made of, by paths from the root: where it starts, and all that can be reached by links.

    Raises SiteError where a link leads to no file.
    """
    taken: dict[str, None] = {}
    waiting = [START, *(name for name in PROJECT if name.endswith(".md"))]
    while waiting:
        name = waiting.pop(0)
        if name in taken:
            continue
        taken[name] = None
        if name.endswith(".md"):
            waiting += _linked(root, name)
    return list(taken)


def _linked(root: Path, page: str) -> Iterator[str]:
    text = re.sub(r"^```.*?^```", "", (root / page).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in _LINK.findall(text):
        if _ELSEWHERE.match(link):
            continue
        target = (root / page).parent.joinpath(unquote(link)).resolve()
        if not target.exists() or not target.is_relative_to(root):
            raise SiteError(f"{page}: {link} leads nowhere")
        name = target.relative_to(root).as_posix()
        if target.is_file():
            yield name
        elif name != REPORTS:
            raise SiteError(f"{page}: {link} is a folder; link to a file in it")


def navigation(index: str) -> list[dict[str, Any]]:
    """The contents of the site, from the headings and lists of docs/index.md."""
    groups: list[dict[str, Any]] = [{"Home": START}]
    for title, body in re.findall(r"^## ([^\n:]+)[^\n]*\n(.*?)(?=^## |\Z)", index, re.MULTILINE | re.DOTALL):
        entries = re.findall(r"^- \[([^\]]+)\]\(([^)]+)\)", body, re.MULTILINE)
        groups.append({title: [{name: f"docs/{page}"} for name, page in entries]})
    groups.append({"Reports": [{"Servers": f"{REPORTS}/index.html"}, {"Clients": f"{REPORTS}/clients.html"}]})
    own = [{name.removesuffix(".md").capitalize(): name} for name in PROJECT if name.endswith(".md")]
    return [*groups, {"Project": [{"All documentation": INDEX}, *own]}]


def broken(site: Path) -> list[str]:
    """Links of the pages in a folder that lead to no file, or to no place in it: `PAGE: LINK`."""
    parsed = {page.resolve(): html.parse(page).getroot() for page in sorted(site.rglob("*.html"))}
    places = {page: {*root.xpath("//@id"), *root.xpath("//a/@name")} for page, root in parsed.items()}
    result = []
    for page, root in parsed.items():
        if page.name == "404.html":
            continue  # shown at any address, so that its links begin with that of the site
        for link in root.xpath("//a/@href | //link[@rel='stylesheet']/@href | //img/@src | //script/@src"):
            if _ELSEWHERE.match(link):
                continue
            parts = urlsplit(link)
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            fragment = unquote(parts.fragment)
            # What script makes of the fragment is its own; a link of the theme leads to the top by an empty one.
            place = not fragment or target not in places or fragment in places[target] or "=" in fragment
            if not target.is_file() or not place:
                result.append(f"{page.relative_to(site.resolve())}: {link}")
    return result


def versions(folder: Path, version: str) -> list[dict[str, Any]]:
    """What versions.json is to say, with the given version as the newest one; others keep their place."""
    file = folder / "versions.json"
    known = json.loads(file.read_text("utf-8")) if file.is_file() else []
    kept = [one | {"aliases": []} for one in known if one["version"] != version and (folder / one["version"]).is_dir()]
    return [{"version": version, "title": version, "aliases": [NEWEST]}, *kept]


def make(folder: Path, version: str = __version__) -> None:
    """Make the site of this checkout in `folder/VERSION`; raises SiteError."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="device-grant-site-") as place:
        work = Path(place)
        _stage(work / "pages")
        _build(work)
        lost = broken(work / "site")
        if lost:
            raise SiteError("links that lead nowhere:\n  " + "\n  ".join(lost))
        for name in (version, NEWEST):
            shutil.rmtree(folder / name, ignore_errors=True)
            shutil.copytree(work / "site", folder / name)
    (folder / "versions.json").write_text(json.dumps(versions(folder, version), indent=1) + "\n", encoding="utf-8")
    (folder / "index.html").write_text(_ENTRY, encoding="utf-8")
    # A forge that serves the folder must not take names with an underscore for its own.
    (folder / ".nojekyll").touch()


def _stage(folder: Path) -> None:
    for name in pages():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    (folder / "assets").mkdir()
    for name in ("extra.css", "extra.js"):
        shutil.copy(FILES / name, folder / "assets")
    for pattern in SHOWN:
        for report in (ROOT / REPORTS).rglob(pattern):
            target = folder / report.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(report, target)
    for matrix in (ROOT / REPORTS).glob("*.html"):
        # In a checkout it leads to the Markdown; here that has become a page.
        page = matrix.read_text("utf-8").replace(f"../{STATE}", f"../{STATE.removesuffix('.md')}.html")
        (folder / matrix.relative_to(ROOT)).write_text(page, encoding="utf-8")


def _build(work: Path) -> None:
    text = (FILES / "zensical.toml").read_text("utf-8")
    # A list of JSON, with `=` for `:`, is one of TOML.
    own = f'docs_dir = "pages"\nsite_dir = "site"\nnav = {_toml(navigation((ROOT / INDEX).read_text("utf-8")))}\n'
    (work / "zensical.toml").write_text(text.replace("[project]\n", f"[project]\n{own}", 1), encoding="utf-8")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    done = subprocess.run(command, cwd=work, check=False, capture_output=True, text=True, timeout=600)  # noqa: S603 - the generator of this interpreter
    if done.returncode or not (work / "site" / "index.html").is_file():
        raise SiteError(f"zensical ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


@click.command(help=__doc__)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=ROOT / "build" / "site")
@click.option("--version", default=__version__, help="Name of this version.")
def main(out: Path, version: str) -> None:
    """Make the site."""
    try:
        make(out, version)
    except SiteError as error:
        sys.exit(f"tools.site: {error}")
    click.echo(f"{out}/index.html; to look at it: python -m http.server --directory {out}")


if __name__ == "__main__":
    main()

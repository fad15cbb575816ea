"""The loader of the catalogue: what it reads, finds and refuses."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import textwrap
import zipfile
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
import yaml

import device_grant
from device_grant.catalogue import Level, Status, load, schema
from device_grant.errors import ExitCode, UsageError

FOLDER = Path(str(resources.files("device_grant.catalogue")))
CATALOGUE = load()

HEAD = "source: RFC 1\ntitle: Example\nurl: https://example.org/rfc1#{anchor}\ndialects: [rfc8628, aws-sso-oidc]\n"
ENTRY = """\
requirements:
  - id: rfc1-2-first
    section: "2"
    level: MUST
    party: client
    statement: The client does it.
    dialects: [rfc8628]
"""


def write(folder: Path, text: str = HEAD + ENTRY, name: str = "rfc1.yaml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(UsageError) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_packaged_catalogue_is_read_once():
    assert load() is load()
    assert load(FOLDER) is not load()
    assert load(FOLDER) == load()


def test_catalogue_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CATALOGUE.revision = "other"
    with pytest.raises(AttributeError):
        CATALOGUE.requirements[0].level = Level.MAY


def test_loads_from_an_archive_without_the_heavy_libraries(tmp_path):
    package = Path(device_grant.__file__).parent
    archive = tmp_path / "suite.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in [
            package / "__init__.py",
            package / "errors.py",
            package / "visible.py",
            *(package / "catalogue").iterdir(),
        ]:
            if path.is_file():
                file.write(path, path.relative_to(package.parent).as_posix())
    script = """
        import sys
        sys.path.insert(0, sys.argv[1])
        import device_grant.catalogue
        catalogue = device_grant.catalogue.load()
        assert device_grant.catalogue.__file__.startswith(sys.argv[1])
        assert not {"httpx", "hypothesis", "pytest"} & set(sys.modules), sorted(sys.modules)
        print(len(catalogue.requirements), catalogue.revision)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(archive)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert done.stdout.split() == [str(len(CATALOGUE.requirements)), CATALOGUE.revision]


def test_revision_follows_every_octet_and_every_name(tmp_path):
    revisions = set()
    for text, name in [
        (HEAD + ENTRY, "rfc1.yaml"),
        (HEAD + ENTRY + "# a comment\n", "rfc1.yaml"),
        (HEAD + ENTRY, "rfc01.yaml"),
    ]:
        folder = tmp_path / str(len(revisions))
        folder.mkdir()
        revisions.add(load(write(folder, text, name)).revision)
    assert len(revisions) == 3
    assert all(re.fullmatch("[0-9a-f]{12}", revision) for revision in revisions)


def test_entries_get_source_and_link_from_the_head(tmp_path):
    entry = ENTRY.replace('section: "2"', "section: 3.10")
    second = entry.split("\n", 1)[1].replace("first", "second").replace("3.10", "B.1")
    third = entry.split("\n", 1)[1].replace("first", "third").replace("3.10", "errors")
    head = HEAD + "links: {errors: 'https://example.org/errors'}\n"
    catalogue = load(write(tmp_path, head + entry + second + third))
    assert [(r.source, r.section, r.url) for r in catalogue.requirements] == [
        ("RFC 1", "3.10", "https://example.org/rfc1#section-3.10"),
        ("RFC 1", "B.1", "https://example.org/rfc1#appendix-B.1"),
        ("RFC 1", "errors", "https://example.org/errors"),
    ]
    (source,) = catalogue.sources
    assert (source.name, source.title, source.file) == ("RFC 1", "Example", "rfc1.yaml")


def test_files_are_read_in_the_order_of_their_names(tmp_path):
    write(tmp_path, HEAD + ENTRY.replace("first", "z"), "b.yaml")
    write(tmp_path, HEAD + ENTRY.replace("first", "y"), "a.yaml")
    (tmp_path / "notes.txt").write_text("no catalogue")
    assert [r.id for r in load(tmp_path).requirements] == ["rfc1-2-y", "rfc1-2-z"]


LINE = "rfc1.yaml, line 6: rfc1-2-first: "


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("level: MUST", "level: MSUT", LINE + "unknown level 'MSUT': choose one of MUST, MUST NOT,"),
        ("    level: MUST\n", "", LINE + "`level` is missing: choose one of MUST,"),
        (
            "party: client",
            "party: server",
            LINE + "unknown party 'server': choose one of client, authorization-server,",
        ),
        ("[rfc8628]", "[rfc8682]", LINE + "unknown dialect 'rfc8682': choose one of rfc8628, aws-sso-oidc"),
        ("[rfc8628]", "[]", LINE + "`dialects` is empty"),
        ("[rfc8628]", "rfc8628", LINE + "Expected `array`, got `str` - at `$.dialects`"),
        ("level: MUST", "level: IMPLIED", LINE + "`broken` is missing: choose one of fail, warn, observed"),
        ("level: MUST", "level: IMPLIED\n    broken: error", LINE + "unknown broken 'error': choose one of fail,"),
        ("level: MUST", "level: MUST\n    broken: warn", LINE + "`broken` is for IMPLIED entries; MUST already"),
        ("level: MUST", "level: MUST\n    tags: [secruity]", LINE + "unknown tag 'secruity': choose one of security"),
        (
            "level: MUST",
            "level: MUST\n    seen_in: [cli/cli#9370]",
            LINE + "`seen_in` has 'cli/cli#9370': give the https address of a public report",
        ),
        (
            "level: MUST",
            "level: MUST\n    seen_in: [https://a.example/1, https://a.example/1]",
            LINE + "`seen_in` names a report twice",
        ),
        ("level: MUST", "level: MUST\n    caveats: x", LINE + "unknown field 'caveats': did you mean 'caveat'?"),
        ("level: MUST", "level: MUST\n    zzz: x", LINE + "unknown field 'zzz': known are id, section,"),
        ("level: MUST", "level: MUST\n    url: https://example.org", LINE + "unknown field 'url'"),
        ("The client does it.", '" "', LINE + "`statement` and `section` must not be empty"),
        ("    statement: The client does it.\n", "", LINE + "Object missing required field `statement`"),
        ('section: "2"', 'section: ""', LINE + "`statement` and `section` must not be empty"),
        ("id: rfc1-2-first", "id: rfc1*", "rfc1.yaml, line 6: rfc1*: an id has only letters, digits, dots and hyphens"),
        ("id: rfc1-2-first", "level: MUST", "rfc1.yaml, line 8: `level` is given twice"),
        ("- id: rfc1-2-first\n    section", "- section", "rfc1.yaml, line 6: entry without an id"),
        (
            "title: Example",
            "title: Example\nauthor: x",
            "rfc1.yaml: in the head: Object contains unknown field `author`",
        ),
        ("title: Example\n", "", "rfc1.yaml: in the head: Object missing required field `title`"),
        ("{anchor}", "{page}", "rfc1.yaml: `url` has {page}: only {section} and {anchor} are known"),
        ("level: MUST", "level: [MUST", "rfc1.yaml, line 9: bad YAML: "),
        ("level: MUST", "level: MUST\x07", "rfc1.yaml: bad YAML: "),
    ],
)
def test_bad_entries_are_refused_with_file_line_and_id(tmp_path, old, new, message):
    text = HEAD + ENTRY
    assert text.count(old) == 1
    assert refusal(write(tmp_path, text.replace(old, new))).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "rfc1.yaml: expected a mapping"),
        ("- a\n", "rfc1.yaml: expected a mapping"),
        (HEAD, "rfc1.yaml: `requirements` must be a list with at least one entry"),
        (HEAD + "requirements: []\n", "rfc1.yaml: `requirements` must be a list with at least one entry"),
        (HEAD + "requirements: [rfc1-2-first]\n", "rfc1.yaml, line 5: an entry must be a mapping"),
        (HEAD + "[a, b]: c\n" + ENTRY, "rfc1.yaml, line 5: a key must be a word"),
        (HEAD + "title: Twice\n" + ENTRY, "rfc1.yaml, line 5: `title` is given twice"),
    ],
)
def test_bad_files_are_refused(tmp_path, text, message):
    assert refusal(write(tmp_path, text)).startswith(message)


def test_an_entry_without_dialects_has_those_of_the_head(tmp_path):
    assert load(write(tmp_path)).get("rfc1-2-first").dialects == ("rfc8628",)
    bare = HEAD + ENTRY.replace("    dialects: [rfc8628]\n", "")
    assert load(write(tmp_path, bare)).get("rfc1-2-first").dialects == ("rfc8628", "aws-sso-oidc")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("dialects: [rfc8628, aws-sso-oidc]\n", "", "missing required field `dialects`"),
        ("[rfc8628, aws-sso-oidc]", "[]", "`dialects` is empty"),
        ("[rfc8628, aws-sso-oidc]", "[rfc8629]", "unknown dialect 'rfc8629': choose one of rfc8628, aws-sso-oidc"),
    ],
)
def test_a_head_must_say_the_dialects(tmp_path, old, new, message):
    refused = refusal(write(tmp_path, (HEAD + ENTRY).replace(old, new)))
    assert refused.startswith("rfc1.yaml: in the head: ")
    assert message in refused


def test_no_entry_repeats_the_dialects_of_its_head():
    for file in FOLDER.glob("*.yaml"):
        result = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
        repeated = [entry["id"] for entry in result["requirements"] if entry.get("dialects") == result["dialects"]]
        assert repeated == [], file.name


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "rfc1.yaml").write_bytes((HEAD + ENTRY).encode() + b"# \xff\n")
    assert refusal(tmp_path).startswith("rfc1.yaml: not UTF-8 (octet ")


def test_duplicate_ids_are_refused_with_both_places(tmp_path):
    twice = HEAD + ENTRY + ENTRY.split("\n", 1)[1]
    message = refusal(write(tmp_path, twice))
    assert message == "rfc1.yaml, line 12: rfc1-2-first is already in rfc1.yaml, line 6: rename one"
    write(write(tmp_path), name="rfc2.yaml")
    assert refusal(tmp_path) == "rfc2.yaml: rfc1-2-first is already in rfc1.yaml: ids are unique; rename one"


def test_a_folder_without_a_catalogue_is_refused(tmp_path):
    assert "there is no .yaml file" in refusal(tmp_path)
    assert "not a folder" in refusal(tmp_path / "absent")


# Finding requirements.


def test_get_names_the_closest_ids():
    assert CATALOGUE.get("rfc8628-3.5-access-denied").section == "3.5"
    with pytest.raises(
        UsageError, match=r"'rfc8628-3\.5-acess-denied': did you mean rfc8628-3\.5-access-denied or "
    ) as error:
        CATALOGUE.get("rfc8628-3.5-acess-denied")
    assert error.value.exit_code is ExitCode.USAGE
    with pytest.raises(UsageError, match=r"'nonsense!': `device-grant list --ids --party all` shows all ids"):
        CATALOGUE.get("nonsense!")


def test_select_takes_ids_and_globs_once_and_in_order():
    chosen = CATALOGUE.select(["rfc8628-3.5-*", "rfc8628-3.5-access-denied", "aws-token-pending"])
    ids = [requirement.id for requirement in chosen]
    assert ids[0] == "aws-token-pending"
    assert ids[1:] == [r.id for r in CATALOGUE.requirements if r.id.startswith("rfc8628-3.5-")]
    assert CATALOGUE.select("aws-token-pending") == (CATALOGUE.get("aws-token-pending"),)
    assert CATALOGUE.select([]) == ()


def test_select_refuses_a_pattern_that_matches_nothing():
    with pytest.raises(UsageError, match=r"no requirement matches 'rfc9999-\*'"):
        CATALOGUE.select(["rfc8628-*", "rfc9999-*"])


def test_status_is_derived():
    excluded = CATALOGUE.get("rfc8628-3.5-return-channel")
    other = CATALOGUE.get("rfc8628-3.5-access-denied")
    assert CATALOGUE.status(other, {other.id}) is Status.TESTED
    assert CATALOGUE.status(other, set()) is Status.OPEN
    assert CATALOGUE.status(excluded, set()) is Status.EXCLUDED


def test_references_of_checks_are_examined():
    CATALOGUE.check_references({"polling::test_a": ["rfc8628-3.5-access-denied"], "polling::test_b": []})
    with pytest.raises(
        UsageError, match=r"polling::test_a names the unknown requirement 'rfc8628-3\.5-acess-denied': did"
    ):
        CATALOGUE.check_references({"polling::test_a": ["rfc8628-3.5-acess-denied"]})
    with pytest.raises(
        UsageError, match=r"polling::test_a tests rfc8628-3\.5-return-channel, which the catalogue excludes"
    ):
        CATALOGUE.check_references({"polling::test_a": ["rfc8628-3.5-return-channel"]})


def test_files_obey_the_schema_and_the_schema_is_current():
    stored = (FOLDER / "schema.json").read_text(encoding="utf-8")
    assert stored == schema.text(), "run `python -m device_grant.catalogue.schema`"
    validator = jsonschema.Draft202012Validator(json.loads(stored))
    for name in ("aws-sso-oidc.yaml", "rfc8414.yaml", "smithy-restjson1.yaml"):
        validator.validate(yaml.load((FOLDER / name).read_text(encoding="utf-8"), yaml.CSafeLoader))
    broken_must = yaml.safe_load(HEAD + ENTRY + "    broken: fail\n")
    assert not validator.is_valid(broken_must)
    del broken_must["requirements"][0]["broken"]
    assert validator.is_valid(broken_must)

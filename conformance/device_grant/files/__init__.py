"""Files that come from elsewhere: read within bounds, and refused in one line that says where they are wrong.

A reader asks for octets or text (`read_octets`, `utf8_of`), for the data of JSON, YAML or TOML (`json_of`, `yaml_of`,
`toml_of`), and for a form of that data (`formed`). Nothing of a file, however it is made, costs more than its bounds.
"""

from __future__ import annotations

from device_grant.files.bounds import CAPTURE, CASSETTE, CONFIGURATION, RESULTS, STATE, Bounds
from device_grant.files.codings import TooLargeError, decoded
from device_grant.files.forms import formed, reason_of
from device_grant.files.json_text import json_of, within
from device_grant.files.octets import UnreadableFileError, first_alien, is_file, place, read_octets, utf8_of
from device_grant.files.toml_text import toml_of
from device_grant.files.yaml_text import yaml_of

__all__ = [
    "CAPTURE",
    "CASSETTE",
    "CONFIGURATION",
    "RESULTS",
    "STATE",
    "Bounds",
    "TooLargeError",
    "UnreadableFileError",
    "decoded",
    "first_alien",
    "formed",
    "is_file",
    "json_of",
    "place",
    "read_octets",
    "reason_of",
    "toml_of",
    "utf8_of",
    "within",
    "yaml_of",
]

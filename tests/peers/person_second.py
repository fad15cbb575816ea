"""Another person in front of the peers' pages."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location("second_person", Path(__file__).with_name("person.py"))
_person = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_person)
_person.NAME, _person.PASSWORD = "joan", "staple battery horse correct"
approve, deny = _person.approve, _person.deny

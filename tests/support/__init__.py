"""What tests of several rooms share: no test imports another one."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
"""The checkout."""
REFERENCE_TARGET = Path(__file__).parent / "reference_target.toml"
"""The reference server as a process of its own, on the real clock."""

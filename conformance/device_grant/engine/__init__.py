"""Runs checks against what is under test and collects their verdicts; knows no pytest.

`run_check` is for everybody: one check against one target.
"""

from device_grant.engine.options import Options
from device_grant.engine.running import BROKEN, CheckOutcome, run_check

__all__ = ["BROKEN", "CheckOutcome", "Options", "run_check"]

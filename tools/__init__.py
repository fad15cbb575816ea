"""Commands for those who work on the suite; not part of the wheel."""

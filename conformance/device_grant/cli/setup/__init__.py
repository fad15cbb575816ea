"""The first commands: whether the main path works, and the files that tests begin with."""

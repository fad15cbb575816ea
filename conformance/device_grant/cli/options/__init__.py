"""What several commands take: a target, words behind `--`, and what is asked before somebody else's server is run."""

"""Generated input: examples of Hypothesis, cases of schemathesis, and the database of those that failed."""

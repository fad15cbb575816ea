"""What all tests have: one that needs something of the machine is skipped without it, and the run says what it was."""

"""What a scenario works with: the run, the case, and what one run of the client has shown."""

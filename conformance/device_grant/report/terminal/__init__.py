"""What is written to a terminal: its lines, the report, progress while checks run, the logins of a capture."""

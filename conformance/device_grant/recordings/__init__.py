"""Traffic that was kept: formats of files, recording, replaying, judging captures, drift."""

"""How a client is configured, started and ended: as a process, or in this one on simulated time."""

"""How requests reach a target: over the network, in process, or to a process that the suite launched."""

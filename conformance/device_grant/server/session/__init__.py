"""What a check on a server works with: the run, the case, the device, its grants, the person at its pages."""

"""The device grant itself: starting, polling, deciding, expiring, redeeming."""

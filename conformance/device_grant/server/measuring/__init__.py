"""Times as a server enforces them, measured: interval, what slow_down adds, lifetimes."""

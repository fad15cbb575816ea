"""`device-grant list` and `device-grant explain`: requirements, what judges them, and where."""

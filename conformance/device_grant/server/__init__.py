"""Checks on authorization servers, and the rooms that they work in."""

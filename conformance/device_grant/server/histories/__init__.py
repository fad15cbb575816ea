"""Histories: when concurrent operations were invoked and answered, and whether any order explains the answers."""

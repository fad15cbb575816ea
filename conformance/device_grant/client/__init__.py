"""Checks on clients, and the scripted authorization server that they are run against."""

"""Reads command arguments as people type them. Pure."""

"""Logs: structured lines on standard error, and to Loki."""

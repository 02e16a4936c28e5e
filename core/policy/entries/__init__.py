"""Entries that rest: when one is taken off, what is tried for the rest, and what its plan needs after each fill."""

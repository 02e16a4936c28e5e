"""Declares what the core needs from the outside, one small Protocol per file. Adapters implement them; tests pass small fakes."""

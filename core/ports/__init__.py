"""Declares what the core needs of the outside, one small Protocol a file. Adapters implement them; tests pass small fakes."""

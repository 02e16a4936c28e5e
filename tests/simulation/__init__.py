"""Runs the whole core under a virtual clock and a seeded scheduler, between simulated parts: one seed is one exact history."""

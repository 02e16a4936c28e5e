"""Subscriptions: who receives which notification, and how loudly."""

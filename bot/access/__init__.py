"""Roles, one-time codes and confirmations."""

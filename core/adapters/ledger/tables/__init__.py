"""Holds the ledger's tables by subject: each with its columns, its rows' form, and how it is written and loaded."""

"""The ledger's tables by subject: each with its columns, its rows' form, and the way it is written and loaded."""

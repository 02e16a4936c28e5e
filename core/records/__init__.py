"""The values that a ledger is written with and loaded as. Knows no database."""

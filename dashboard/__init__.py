"""The dashboard: the ledger as web pages. Reads only."""

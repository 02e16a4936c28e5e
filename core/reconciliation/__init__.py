"""Compares the ledger with the exchange and the history. Changes neither."""

"""Replays recorded signals through the trading core on a paper exchange, in virtual time. Writes to no ledger."""

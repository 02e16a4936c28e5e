"""The ledger: what MarketFlow knows, in SQLite or PostgreSQL. Written by one writer, read by whoever wants to know."""

"""The ledger: everything that MarketFlow knows, in SQLite or PostgreSQL. One writer, any number of readers."""

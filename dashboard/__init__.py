"""What the ledger holds, on a page. Reads only."""

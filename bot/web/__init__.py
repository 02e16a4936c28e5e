"""The HTTP interface. It reads, holds no state and starts no trade."""

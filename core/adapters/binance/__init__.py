"""Binance Spot over REST, and its user data stream."""

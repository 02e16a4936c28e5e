"""Binance Spot over REST."""

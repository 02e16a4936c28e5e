"""Sizing: how much to buy or sell, within the symbol's rules."""

"""Measures MarketFlow beside a naive loop. Shows ratios within one run; it is no test."""

"""Benchmarks: MarketFlow and loops that remember nothing, on one machine in one run: `python -m bench`."""

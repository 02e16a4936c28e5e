"""Benchmarks: MarketFlow and a naive loop on one machine in one run: `python -m bench`. Not a part of the program."""

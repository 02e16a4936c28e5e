"""MarketFlow beside a naive loop, on one machine in one run: `python -m bench`. No part of the program."""

"""The quality of execution: what each order cost beside its signal's price, and what was missed. Pure."""

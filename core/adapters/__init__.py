"""Adapters to the outside world, one per file. Each implements a port of `core.ports`; none uses another's internals."""

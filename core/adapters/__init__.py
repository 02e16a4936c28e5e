"""The outside world, one thing a file. Each implements a port of `core.ports`; none calls another's insides."""

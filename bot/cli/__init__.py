"""The commands of `marketflow` besides `run` and `demo`, one per file."""

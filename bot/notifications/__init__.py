"""Messages the program sends by itself: alerts, batches, countdowns."""

"""One file per step, applied in order; a released step is never edited."""

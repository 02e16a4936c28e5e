"""Who receives which notification, and how loudly."""

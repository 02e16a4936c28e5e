"""Settings: read from the environment and `.env`, validated, and kept out of logs where they are secret."""

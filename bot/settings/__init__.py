"""Settings: read from the environment and `.env`, checked, and kept out of logs where they are secret."""

"""What runs by a timer or beside trading."""

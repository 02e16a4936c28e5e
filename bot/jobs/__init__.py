"""Jobs that run by a timer or beside trading."""

"""Charts and the yearly tax export."""

"""Signal records as bytes: parsed, or refused with a reason."""

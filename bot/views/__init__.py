"""Values as messages in the reader's language. Pure."""

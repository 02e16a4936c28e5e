"""Views: values as messages in the reader's language. Pure."""

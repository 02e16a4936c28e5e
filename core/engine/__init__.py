"""The engine: the inbox, the handlers of each message, halts and commands."""

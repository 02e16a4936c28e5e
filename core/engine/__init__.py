"""The event loop's side of trading: the inbox, who handles a message, halts and commands."""

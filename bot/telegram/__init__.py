"""The Telegram bot: the connection, the access gate, and what people write and tap."""

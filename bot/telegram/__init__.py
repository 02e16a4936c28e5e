"""The Telegram bot: the connection, who may use it, and what people say and tap."""

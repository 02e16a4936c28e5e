"""A local chat: the Telegram Bot API on loopback and a web page to talk to the bot. Never reaches Telegram."""

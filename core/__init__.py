"""Trading: what a signal is worth, what becomes of it, and the proof. Knows neither Telegram nor a web server."""

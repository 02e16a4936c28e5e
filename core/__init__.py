"""The trading core: from a signal to an executed order, and the proof of it. Knows neither Telegram nor a web server."""

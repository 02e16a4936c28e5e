"""What is served over HTTP. It reads; it holds no state and starts no trade."""

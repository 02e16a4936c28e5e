"""In-memory state: committed rows plus in-flight orders, prices, rates. Written only by commits."""

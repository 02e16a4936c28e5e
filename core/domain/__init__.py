"""The nouns of trading: pure values, the standard library only."""

"""Days of paper trading in the demo's market, in virtual time: three strategies, and books that must be equal at the end."""

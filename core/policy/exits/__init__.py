"""Exits: how much one may sell, and the rules of one that is still pending."""

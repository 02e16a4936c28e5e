"""What an exit may sell, and what becomes of one that is still pending."""

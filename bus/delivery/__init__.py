"""Delivery: from the journal to every subscription, at least once."""

"""Identity: who is known to the bus, and how they prove it."""

"""Actions: who changed or steered what on the bus, as whom, from where, and what came of it."""

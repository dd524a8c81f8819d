"""Journal: the append-only table of accepted events, the truth."""

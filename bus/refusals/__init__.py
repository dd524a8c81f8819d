"""Refusals: what the gate refused, counted by contract, sender, rule and place; never a value or a name from the sender."""

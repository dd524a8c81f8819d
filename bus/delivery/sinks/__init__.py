"""The sinks of deliveries: one module for each kind."""

"""Where deliveries go: one module for each kind of sink."""

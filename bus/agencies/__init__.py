"""Agencies: finds adapters by entry point, polls them, and puts questions to them."""

"""Contracts: what is exchanged, who may send it, who may get which fields and why."""

"""Audit: who received whose data, when, under which grant."""

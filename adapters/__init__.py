"""Adapters: each speaks one agency's own API, and comes with a simulator of this API."""

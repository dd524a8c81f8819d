"""Benchmarks: what the bus does in a second, each as a ratio to a baseline that ran beside it."""

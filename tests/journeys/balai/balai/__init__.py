"""The adapter of a made-up river agency, in a package of its own."""

"""The adapter of Kemendagri's population registry (Dukcapil)."""

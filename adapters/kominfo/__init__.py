"""The adapter of Kominfo, reached through SPLP.

Kominfo is now Komdigi (Kementerian Komunikasi dan Digital); the adapter keeps the old name.
"""

"""The adapter of Kominfo, reached through SPLP.

Kominfo has become Komdigi (Kementerian Komunikasi dan Digital); the name is kept.
"""

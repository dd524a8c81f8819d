"""The adapter of KSP's complaints service SP4N-LAPOR!, through SPLP."""

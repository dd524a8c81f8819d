"""The pages, one file each. A page imports no other page."""

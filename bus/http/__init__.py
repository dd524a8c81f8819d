"""The edge: parses, authorises, calls a room, renders."""

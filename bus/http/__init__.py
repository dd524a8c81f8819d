"""The edge: one file per resource; parses, authorises, calls a room, renders."""

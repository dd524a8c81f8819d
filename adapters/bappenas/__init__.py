"""The adapter of Bappenas: KRISNA (planning and DAK) and Satu Data Indonesia's portal (data.go.id, a CKAN)."""

"""Sample apps of regency offices, which show the bus at work (`make run`)."""

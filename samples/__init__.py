"""Sample regency apps that show the bus at work (`make run`)."""

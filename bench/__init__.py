"""Second floor: what you measure and show."""

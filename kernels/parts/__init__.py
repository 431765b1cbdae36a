"""What rungs share."""

"""From pixels to labels."""

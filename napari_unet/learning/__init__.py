"""From verified pixels to a better model."""

"""What the pixels of an image mean: axes, channels, grey values."""

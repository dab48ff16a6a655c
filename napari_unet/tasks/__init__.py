"""What a network can be asked for: objects, classes, values."""

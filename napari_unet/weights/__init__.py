"""Models on the disk: a description and the weights that belong to it."""

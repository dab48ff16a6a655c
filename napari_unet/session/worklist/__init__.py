"""The images that a person wants to work on, one after the other."""

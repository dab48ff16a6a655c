"""How well labels match the truth."""

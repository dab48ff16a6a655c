"""Data and pure functions on numpy arrays; nothing here imports torch."""

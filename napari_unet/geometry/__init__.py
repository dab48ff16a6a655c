"""Regions, axes, run lengths and tiles of arrays; numpy alone."""

"""Checks, recovers and repairs projects without believing what is in them."""

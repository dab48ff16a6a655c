"""Torch loops as generators of frozen events: predict, train, load and save."""

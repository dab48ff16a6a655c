"""The application without a face: state and commands; no Qt, no napari."""

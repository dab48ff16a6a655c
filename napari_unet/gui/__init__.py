"""The napari front end."""

"""Images that are open, how they are read, and how work on them is saved."""

"""Models of a session, and where they are kept."""

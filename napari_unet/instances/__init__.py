"""Objects as maps that a network learns, and back."""

"""Looking at a project without believing it, and mending what is damaged."""

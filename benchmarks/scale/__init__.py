"""Images larger than memory: memory, time, labels, kills and seams."""

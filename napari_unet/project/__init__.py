"""The project folder on disk: labels and provenance that are never lost."""

from .lock import FileLock as FileLock

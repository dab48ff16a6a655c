from .identity import ImageIdentity as ImageIdentity
from .lock import FileLock as FileLock

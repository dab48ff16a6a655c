"""What a network can be asked for: objects, classes, values; one file each.

A new task is one more file, and its name in the list of `registry`.
Without torch, but for `objectives`, which is imported when a task is asked for its
objective.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

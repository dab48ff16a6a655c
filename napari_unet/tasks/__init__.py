"""What a network can be asked for: objects, classes, values; one file each.

Without torch, but for `objectives`, which is imported when a task is asked for its
objective.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

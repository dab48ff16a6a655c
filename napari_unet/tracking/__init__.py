"""Ids that follow objects through time, and which object came from which.

How it flows: of each frame the objects are measured (`objects`); a pair costs little
that overlaps and lies close (`costs`); objects of neighbouring frames are assigned to
each other (`assignment`); what is left open are gaps and divisions (`segments`); the
graph becomes tracks, and labels get their ids (`follow`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

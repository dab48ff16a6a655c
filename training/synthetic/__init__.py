"""Draws microscopy images together with their exact label maps.

``python -m training.synthetic`` writes the folder `sample_data`. Every scene is a
function of a `numpy.random.Generator`, so the same seed gives the same pixels.

::

    __main__ ─ catalogue ─ nuclei  phase  membranes  volume  timelapse  two_channels
                             │  one scene a file: what is there
                             shapes  texture     where it is and what it looks like
                             optics              what a microscope makes of it
"""

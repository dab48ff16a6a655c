"""Errors that are meant for people.

::

    NapariUnetError            anything this package refuses, with one clear sentence
    ├── InputError             an image, label map, path or option does not fit
    ├── ModelError             a model folder is missing, broken or does not fit
    ├── DeviceError            the requested device does not exist or is out of memory
    └── StorageError           something could not be saved or read back

The message says what was expected, what was found and what to do. Front ends show
it as it is: the command line prints it and exits with code 2, the dock writes it
beside the control.
"""


class NapariUnetError(Exception):
    """Base of every error that the package raises on purpose."""


class InputError(NapariUnetError, ValueError):
    """An image, a label map, a path or an option does not fit."""


class ModelError(NapariUnetError):
    """A model folder is missing, broken, or does not fit the image or the program."""


class DeviceError(NapariUnetError):
    """The requested device does not exist, cannot be used, or is out of memory."""


class StorageError(NapariUnetError, OSError):
    """Work could not be saved, or saved work could not be read back."""

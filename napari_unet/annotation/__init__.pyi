from .labels import (
    CLASS_NUMBERS as CLASS_NUMBERS,
    OBJECT_IDS as OBJECT_IDS,
    UNKNOWN_CLASS as UNKNOWN_CLASS,
    tell as tell,
)

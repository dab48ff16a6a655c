from .csv_file import (
    harmless as harmless,
    write_csv as write_csv,
    write_csv_of_images as write_csv_of_images,
)
from .measure import (
    iter_measure_objects as iter_measure_objects,
    measure_objects as measure_objects,
)

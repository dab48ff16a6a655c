from .archive import names_in_zip as names_in_zip, read_zip as read_zip
from .dataset import (
    axes_of_file as axes_of_file,
    axes_of_labels as axes_of_labels,
    axes_of_values as axes_of_values,
    find_channels as find_channels,
    read_samples as read_samples,
)
from .labels import (
    are_mask_files as are_mask_files,
    labels_of as labels_of,
    read_label_file as read_label_file,
)
from .mark import read_mark as read_mark
from .read import (
    read_header as read_header,
    read_image as read_image,
    read_values as read_values,
)
from .rois import ROI_SUFFIXES as ROI_SUFFIXES, is_roi_file as is_roi_file
from .samples import load_sample as load_sample, replay_samples as replay_samples
from .source import Source as Source, open_source as open_source
from .write import write_image as write_image

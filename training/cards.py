"""What the cards of the built-in models say, but for their scores."""

from __future__ import annotations

from dataclasses import dataclass

from napari_unet.models.spec import ModelCard

_CC0 = "CC0-1.0 (data), BSD-3-Clause (weights)"
_MIT = "MIT (data), BSD-3-Clause (weights)"
_BBBC038 = "BBBC038v1 (Caicedo et al., Nature Methods 2019), 2018 Data Science Bowl"


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a model's description."""

    description: str
    card: ModelCard


CARDS = {
    "nuclei": Words(
        "Fluorescence nuclei, 2-D, one grey channel",
        ModelCard(
            data=f"{_BBBC038}, fluorescence images of stage 1 train, with community "
            "corrections, 487 of 541 images; BBBC039v1 (Ljosa et al., Nature Methods "
            "2012), U2OS cells, 48 of 53; the others judge",
            license=_CC0,
            notes="For nuclei in fluorescence, bright on dark; it measures how large "
            "they are, and zooms images with smaller or larger ones. Not for stained "
            "tissue in transmitted light, nor for whole cells: fine-tune it for those.",
        ),
    ),
    "nuclei-small": Words(
        "Fluorescence nuclei, 2-D, one grey channel: small and quick",
        ModelCard(
            data=f"{_BBBC038}, fluorescence images of stage 1 train, with community "
            "corrections, 487 of 541 images; BBBC039v1 (Ljosa et al., Nature Methods "
            "2012), U2OS cells, 48 of 53; the others judge",
            license=_CC0,
            notes="The small sibling of nuclei, for laptops and for many images: a "
            "quarter of the parameters, and more than three times as quick. It finds "
            "less where nuclei are small, dim or crowded; the scores of both say how "
            "much. Not for stained tissue in transmitted light, nor for whole cells.",
        ),
    ),
    "cells-phase": Words(
        "Whole cells in phase contrast, 2-D, one grey channel",
        ModelCard(
            data="Usiigaci (Tsai et al., SoftwareX 2019): fibroblasts in phase "
            "contrast, one cell line and microscope; 18 of 22 images, the others judge",
            license=_MIT,
            notes="For spread, loosely packed cells about 40 to 70 px across. What has "
            "no label in the training images and is as crisp as a cell was treated as "
            "unknown. One cell line, one microscope: for other cells take it as a "
            "start to fine-tune. "
            "Not for crowded round cells, nor for fluorescence.",
        ),
    ),
    "axons": Words(
        "Myelin and axons in scanning electron microscopy, 2-D, one grey channel",
        ModelCard(
            data="AxonDeepSeg SEM (Zaimi et al., Scientific Reports 2018): spinal cord "
            "of five rats; three rats train, two judge",
            license=_MIT,
            notes="Classes of pixels: background, myelin, axon. For scanning electron "
            "micrographs of myelinated fibres at about 0.1 um a pixel. Not for "
            "transmission electron microscopy, where contrast is turned round, nor "
            "for fibres without myelin. Five images are little: look at the result.",
        ),
    ),
    "nuclei-he": Words(
        "Nuclei in stained tissue, 2-D, red, green and blue",
        ModelCard(
            data=f"{_BBBC038}, stained tissue of stage 1 train, with community "
            "corrections; 97 of 107 images, the others judge",
            license=_CC0,
            notes="For tissue stained purple on a pale ground. Only four pictures are "
            "pink, as haematoxylin and eosin mostly is, and on the two of them that "
            "judge AP50 is 0.51: correct a few nuclei and fine-tune there. Some of the "
            "ground truth is coarse. Not for fluorescence, and nothing to diagnose "
            "with.",
        ),
    ),
    "nuclei-3d": Words(
        "Fluorescence nuclei in volumes, 3-D, one grey channel",
        ModelCard(
            data="Two volumes that people annotated: 54 nuclei of nuclei_3d (PlantSeg, "
            "100 x 100 x 100 voxels, noisy) and 8 of a mouse embryo (BBBC050, QCANet), "
            "both also with some of their planes only; and 200 generated volumes. One "
            "more volume of each kind judges, with 48 nuclei together",
            license="MIT, CC BY 3.0 (data), BSD-3-Clause (weights)",
            notes="For bright, round or oval nuclei in confocal and light-sheet "
            "stacks, 8 to 40 px across in their largest section, with planes one to "
            "five pixels apart. Sixty nuclei are very little data: most of what it "
            "knows comes from drawn volumes, so look at the result, and correct it. "
            "Not for single planes, whole cells, membranes, or long and branching "
            "nuclei.",
        ),
    ),
    "cells": Words(
        "A start for fine-tuning: cells and nuclei of many kinds, one grey channel",
        ModelCard(
            data=f"{_BBBC038} (fluorescence, stained tissue as grey, and bright "
            "field); BBBC039v1 (Ljosa et al., Nature Methods 2012); Usiigaci (Tsai et "
            "al., SoftwareX 2019); AxonDeepSeg SEM (Zaimi et al., Scientific Reports "
            "2018), axons as objects; ColiCoords (Smit et al. 2019); EMPS (Yildirim "
            "and Cole, 2021); AMPIS powder and spheroidite (Cohn et al. 2021); C2C12 "
            "(Ker et al., Scientific Data 2018; labels by the author of laptrack); "
            "chloroplasts (WSU_PlantBio_ML); living neurons "
            "(pfc-pn-microscopy-dataset); nanoshapes, fly embryos and mushrooms "
            "(Roboflow); plant tissue (D. Legland). 879 of 993 images, of "
            "which 48 are generated shapes; the others judge",
            license="CC0-1.0, MIT and CC BY 4.0 (data), BSD-3-Clause (weights)",
            notes="The place where fine-tuning on an unseen kind of image begins: "
            "round or spread objects, bright or dark. Not for results without "
            "corrections: where another built-in model is for the kind of image, that "
            "one is better.",
        ),
    ),
}

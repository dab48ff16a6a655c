"""What a described network of others becomes: classes, or values."""

from __future__ import annotations

from collections.abc import Sequence

from napari_unet.errors import ModelError
from napari_unet.exchange.rdf import Data, Description, Tensor
from napari_unet.exchange.steps import after_network, before_network
from napari_unet.exchange.tensors import Layout, layout_of
from napari_unet.models.architectures.torchscript import (
    LARGEST_PROGRAM,
    Activation,
    Reading,
    Step,
    Threshold,
    TorchScriptConfig,
)
from napari_unet.models.spec import ModelCard, ModelSpec
from napari_unet.tasks import find_task
from napari_unet.tasks.outputs import OutputNames, PixelClass, Variable

_LONGEST = 60
_MOST_WORDS = 2000


def describe_foreign(
    described: Description, program_bytes: int, source: str, name: str
) -> tuple[ModelSpec, tuple[str, ...]]:
    """Return the description of a model, and what a person should know of it.

    Raises a ModelError if the network wants or gives what is not known here.
    """
    image, maps = described.inputs[0], described.outputs[0]
    notes = []
    if len(described.inputs) > 1:
        notes.append("It takes several images, and is given one.")
    if len(described.outputs) > 1:
        notes.append("It gives several results, of which the first is used.")
    if not 0 < program_bytes <= LARGEST_PROGRAM:
        raise ModelError(
            f"The network in {source} has {program_bytes:,} bytes, which is none that "
            "can be used here; ask who made it."
        )
    layout = layout_of(image, maps, source)
    normalization, before = before_network(image.preprocessing, layout.channels, source)
    after = after_network(maps.postprocessing, source)
    reading = _reading(layout, after, maps)
    task, outputs = _outputs(reading, layout)
    network = TorchScriptConfig(
        dims=3 if layout.dims == 3 else 2,
        program_bytes=program_bytes,
        least=layout.least,
        step=layout.step,
        margin=layout.margin,
        halo=layout.halo,
        before=before,
        after=after,
        reading=reading,
    )
    spec = ModelSpec(
        name=name,
        description=described.description[:_MOST_WORDS],
        task=task,
        classes=outputs.classes,
        variables=outputs.variables,
        in_channels=layout.channels,
        architecture=network,
        normalization=normalization,
        card=_card(described),
    )
    notes.append(find_task(task).words.predicts(spec) + ".")
    return spec, tuple(notes)


def _reading(layout: Layout, after: Sequence[Step], maps: Tensor) -> Reading:
    last = after[-1] if after else None
    softmax = isinstance(last, Activation) and last.name == "softmax"
    if softmax and layout.maps > 1:
        return "probabilities"
    share = isinstance(last, Threshold | Activation) or _in_unit_range(maps)
    return "probability" if layout.maps == 1 and share else "values"


def _in_unit_range(maps: Tensor) -> bool:
    data = maps.data if isinstance(maps.data, Data) else (maps.data or [Data()])[0]
    return [0, 1] in (data.range, maps.data_range)


def _outputs(reading: Reading, layout: Layout) -> tuple[str, OutputNames]:
    if reading == "values":
        names = _names(layout, "map")
        return "regression", OutputNames(
            variables=tuple(Variable(name=each) for each in names)
        )
    if reading == "probability":
        names = ("background", "foreground")
    else:
        names = _names(layout, "class")
    return "classes", OutputNames(
        classes=tuple(PixelClass(name=each) for each in names)
    )


def _names(layout: Layout, what: str) -> tuple[str, ...]:
    """Return the names that maps have, where people can tell them apart, or numbers."""
    given = tuple(name.strip()[:_LONGEST] for name in layout.names)
    usable = all(each and each.isprintable() for each in given)
    if given and usable and len({*given}) == len(given):
        return given
    return tuple(f"{what} {number}" for number in range(layout.maps))


def _card(described: Description) -> ModelCard:
    made_by = ", ".join(author.name for author in described.authors)
    cited = "; ".join(each.text for each in described.cite)
    license_ = described.license if isinstance(described.license, str) else ""
    notes = f"BioImage.IO model {described.name!r}" + (f" by {made_by}" * bool(made_by))
    return ModelCard(
        data="not stated by its package",
        license=license_[:_MOST_WORDS],
        notes=f"{notes}. Cite: {cited}."[:_MOST_WORDS]
        if cited
        else notes[:_MOST_WORDS],
    )

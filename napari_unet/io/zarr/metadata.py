"""What a zarr says of itself and its images; of its arrays in `head`."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from napari_unet.core.validation import first_problem, parse_json
from napari_unet.errors import InputError
from napari_unet.geometry.axes import axes_of_names
from napari_unet.io.reader import as_names

T = TypeVar("T")

_LARGEST = 16_000_000
METADATA = ("zarr.json", ".zarray", ".zgroup", ".zattrs")


class Lenient(BaseModel):
    """What else a record holds is of no interest here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Scale(Lenient):
    scale: list[float] = Field(default_factory=list, max_length=8)


class _Level(Lenient):
    path: Annotated[str, Field(min_length=1, max_length=200)]
    coordinateTransformations: list[_Scale] = Field(default_factory=list, max_length=8)


class _Axis(Lenient):
    name: Annotated[str, Field(max_length=20)]
    unit: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_a_letter(cls, found: Any) -> Any:
        return {"name": found} if isinstance(found, str) else found


class Multiscales(Lenient):
    """OME's metadata of one image in several resolutions, the finest first."""

    axes: list[_Axis] = Field(default_factory=list, max_length=8)
    datasets: list[_Level] = Field(min_length=1, max_length=100)

    @property
    def letters(self) -> str | None:
        """Axes out of "TCZYX", or None where others are there, or none."""
        return axes_of_names([axis.name for axis in self.axes], len(self.axes))

    @property
    def sizes(self) -> list[tuple[str, float, str]]:
        """Axes out of "ZYX" with the size of a pixel and its unit, as far as known."""
        scales = [one.scale for one in self.datasets[0].coordinateTransformations]
        scale = next((one for one in scales if len(one) == len(self.axes)), [])
        return [
            (axis.name.upper(), size, axis.unit or "")
            for axis, size in zip(self.axes, scale, strict=False)
            if axis.name.upper() in "ZYX"
        ]


def is_zarr(path: Path) -> bool:
    """Return whether a folder is, or calls itself, a zarr."""
    if not path.is_dir():
        return False
    named = path.suffix.lower() == ".zarr"
    return named or any((path / name).is_file() for name in METADATA)


def is_group(folder: Path) -> bool:
    """Return whether a folder is a zarr's group, with or without an image."""
    if (folder / ".zgroup").is_file() or (folder / ".zattrs").is_file():
        return not (folder / ".zarray").is_file()
    if not (folder / "zarr.json").is_file():
        return False
    return read_record(folder / "zarr.json").get("node_type") == "group"


def group_attributes(folder: Path) -> dict[str, Any] | None:
    """Return what a group says of itself, or None for an array."""
    if (folder / "zarr.json").is_file():
        content = read_record(folder / "zarr.json")
        if content.get("node_type") == "array":
            return None
        attributes = content.get("attributes")
        found = attributes.get("ome") if isinstance(attributes, dict) else None
        return found if isinstance(found, dict) else {}
    if (folder / ".zarray").is_file():
        return None
    path = folder / ".zattrs"
    return read_record(path) if path.is_file() else {}


def find_multiscales(folder: Path) -> Multiscales | None:
    """Return OME's metadata of a group, or None for an array."""
    attributes = group_attributes(folder)
    if attributes is None:
        return None
    found = attributes.get("multiscales")
    if not isinstance(found, list) or not found:
        raise neither(folder)
    return checked(Multiscales, found[0], folder)


def neither(folder: Path) -> InputError:
    """Return an error that says that a folder is no array and no image."""
    return InputError(
        f"Expected an array, or an image of OME-Zarr, in {str(folder)!r}, found "
        "neither; name the array inside."
    )


def channel_names(folder: Path, count: int) -> tuple[str, ...]:
    """Return the labels that OME-Zarr has for its viewer, or nothing."""
    try:
        attributes: Any = group_attributes(folder)
        labels = [one.get("label", "") for one in attributes["omero"]["channels"]]
    except (AttributeError, InputError, LookupError, OSError, TypeError):
        return ()
    return as_names(labels, count)


def level_folder(folder: Path, path: str) -> Path:
    """Return the folder of a level that the metadata name; none outside of the zarr."""
    parts = PurePosixPath(path).parts
    if "\\" in path or ":" in path or ".." in parts or path.startswith("/"):
        raise InputError(
            f"The metadata of {str(folder)!r} lead out of it ({path[:60]!r}), and were "
            "not followed; write the image anew."
        )
    return folder.joinpath(*parts)


def read_record(path: Path) -> dict[str, Any]:
    """Return what a file of metadata holds; an InputError if it is damaged."""
    if path.stat().st_size > _LARGEST:
        raise InputError(f"{str(path)!r} is too large for metadata; check the zarr.")
    try:
        content = parse_json(path.read_bytes(), most_bytes=_LARGEST)
    except ValueError as error:
        raise InputError(
            f"The metadata {str(path)!r} are damaged ({error}); write the image anew."
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"The metadata {str(path)!r} are no zarr's; check the folder.")
    return content


def checked(kind: type[T], content: Any, folder: Path) -> T:
    """Return a record of a zarr; an InputError says what is wrong with it."""
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        place, words = first_problem(error, "its whole")
        raise InputError(
            f"The zarr {str(folder)!r} is none that this program reads: "
            f"{place[:100]}: {words[:200]}; write the image anew, or save it as TIFF."
        ) from error

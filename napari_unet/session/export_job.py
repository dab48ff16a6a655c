"""Writing the results of images, one file after the other, in the background."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_unet.annotation.schema import LabelSchema
from napari_unet.core.jobs import Job, told_as
from napari_unet.errors import InputError, NapariUnetError
from napari_unet.exports import ResultsFolder, find_format
from napari_unet.exports.format import Format, Steps
from napari_unet.exports.formats.table import CSV
from napari_unet.exports.in_chunks import LargeResult, why_not_large
from napari_unet.exports.result import iter_measured
from napari_unet.io.pairing import name_some
from napari_unet.measurements.table import Measurements
from napari_unet.session.export_large import LargeWork
from napari_unet.session.export_work import (
    AnyWork,
    OpenWork,
    SavedWork,
    iter_saved,
    results_folder,
)
from napari_unet.session.status import Progress

ALL_OBJECTS = "All images objects.csv"
"""One table of all images."""

_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of an export: files and images, and what could not be written.

    `notes` say what the files lack, or which were left out, though nothing went wrong.
    """

    files: int = 0
    images: int = 0
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def in_words(self) -> str:
        """Say what was written."""
        files = f"{self.files:,} file{'' if self.files == 1 else 's'}"
        images = f"{self.images:,} image{'' if self.images == 1 else 's'}"
        written = f"Exported {files} of {images}." if self.files else ""
        return " ".join(filter(None, (written, _first_of(self.notes))))

    def problems_in_words(self) -> str:
        """Say what was not, of many the first ones."""
        return _first_of(self.problems)


def _first_of(sentences: tuple[str, ...]) -> str:
    told = " ".join(dict.fromkeys(sentences[:_MOST_TOLD]))
    more = len(sentences) - _MOST_TOLD
    return f"{told} And {more:,} more." if more > 0 else told


@dataclass(frozen=True, slots=True, eq=False)
class ExportResults(Job[Progress, Exported]):
    """Write results of open images, and of saved ones.

    Those of all tasks where no `schema` is named. Without a `folder` they go where they
    belong: beside the chosen `project`, if there is one, or else beside their images.
    """

    works: tuple[OpenWork | LargeWork, ...]
    saved: tuple[SavedWork, ...]
    schema: LabelSchema | None
    formats: tuple[str, ...]
    folder: Path | None = None
    project: Path | None = None

    def run(self) -> Generator[Progress, None, Exported]:
        """Write one file after the other; what is wrong with one stops no other."""
        first = Progress()
        yield first
        saved = iter_saved(self.saved, self.schema, self.works)
        works: tuple[AnyWork, ...] = (*self.works, *(yield from told_as(first, saved)))
        writer = _Writer([find_format(name) for name in self.formats])
        for number, work in enumerate(works):
            step = Progress(number, len(works))
            yield step
            try:
                yield from told_as(step, writer.iter_export(work, self._folder(work)))
            except NapariUnetError as error:
                writer.problems.append(str(error))
        writer.write_tables()
        if not works:
            writer.problems.append("There is no work to export yet.")
        problems, notes = tuple(writer.problems), tuple(writer.notes())
        return Exported(writer.files, writer.images, problems, notes)

    def _folder(self, work: AnyWork) -> Path:
        home = self.project or work.home
        return self.folder or results_folder(home, project=self.project is not None)


class _Writer:
    """Writes the results of one image after the other, and counts them."""

    def __init__(self, formats: Sequence[Format]) -> None:
        self._formats = formats
        self._tables: dict[Path, dict[str, Measurements]] = {}
        self.files = self.images = 0
        self.problems: list[str] = []
        self._left_out: dict[str, list[str]] = {}
        self._without_image: list[str] = []

    def notes(self) -> Iterator[str]:
        """Yield what was left out, and of which images."""
        for why_not, names in self._left_out.items():
            yield f"{why_not} So it was left out of {name_some(names)}."
        if self._without_image:
            yield (
                f"{name_some(self._without_image)}: the file of the image was not "
                "found, or is another one now; so grey values, the image in pictures "
                "and maybe sizes in micrometres are missing. Put it back and export "
                "again."
            )

    def iter_export(self, work: AnyWork, folder: Path) -> Generator[None, None, None]:
        """Write the files of an image; an error says why that is impossible."""
        result = work.result()
        if result is None:
            return
        yield
        results, key = ResultsFolder(folder), f"{work.home.name}/{work.key}"
        if isinstance(result, LargeResult):
            reasons = [why_not_large(each) for each in self._formats]
            for each in self._possible(work, reasons):
                steps = results.iter_put_large(key, result, each)
                yield from self._iter_written(steps)
            return
        reasons = [f.why_not(result.schema, result.image_axes) for f in self._formats]
        if result.image is None:
            self._without_image.append(work.name)
        for each in self._possible(work, reasons):
            if each.measured:
                result = yield from iter_measured(result)
            yield from self._iter_written(results.iter_put(key, result, each))
        if result.table is not None:
            tables = self._tables.setdefault(folder, {})
            tables[results.name_for(key, result.name)] = result.table

    def _possible(self, work: AnyWork, reasons: Sequence[str]) -> list[Format]:
        """Return the formats for which there is no reason against; note the others."""
        if all(reasons):
            raise InputError(f"{work.name}: {reasons[0]}")
        self.images += 1
        found = []
        for each, why_not in zip(self._formats, reasons, strict=True):
            if why_not:
                self._left_out.setdefault(why_not, []).append(work.name)
            else:
                found.append(each)
        return found

    def _iter_written(self, steps: Steps) -> Generator[None, None, None]:
        """Count a file when it is written; what is wrong with it stops no other."""
        try:
            yield from steps
            self.files += 1
        except NapariUnetError as error:
            self.problems.append(str(error))

    def write_tables(self) -> None:
        """Write one table of all images of a folder, if they are several."""
        for folder, tables in self._tables.items():
            if len(tables) < 2 or CSV not in self._formats:
                continue
            try:
                ResultsFolder(folder).put_table(ALL_OBJECTS, tables)
                self.files += 1
            except NapariUnetError as error:
                self.problems.append(str(error))

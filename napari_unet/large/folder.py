"""A run: the folder of a prediction that is under way, beside its result.

::

    .BIG.zarr.run/
      run.json        what is asked, and what was seen of the image
      model/          the model, which may change elsewhere
      blocks/N.npz    what a block holds; written whole or not at all
      failed/N.json   why a block could not be predicted
      result.zarr     the result, until it is whole

Whoever is killed leaves such a folder, and the next one goes on with what is missing.
What belongs to another image, model or setting has another identity.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_unet.core.atomic import told_in_words, write_atomically
from napari_unet.large.settings import Settings
from napari_unet.weights.folder import save_model
from napari_unet.weights.model import Model

_ABOUT = "run.json"


class Seen(BaseModel):
    """What is known of an image before its blocks are predicted.

    Attributes
    ----------
    identity : str
        Of image, model and settings.
    fingerprint : str
        Of the image alone.
    limits : tuple of (float, float)
        Grey values that become 0 and 1, by channel.
    zoom : float
        By how much planes are zoomed for the network.
    stretch : float or None
        How many times as far apart sections are as pixels are wide; None where they are
        not looked at together.
    blank : bool
        Whether there is nothing to find.
    notes : tuple of str
        What a person should know.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    identity: str
    fingerprint: str
    image: str | None
    axes: str
    settings: Settings
    limits: tuple[tuple[float, float], ...]
    zoom: float
    stretch: float | None
    blank: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Names and content of the folder of a run."""

    folder: Path

    @classmethod
    def beside(cls, result: Path) -> RunFolder:
        """Return the one of a result."""
        return cls(result.with_name(f".{result.name}.run"))

    @property
    def model(self) -> Path:
        """The model's folder."""
        return self.folder / "model"

    @property
    def result(self) -> Path:
        """The result while it is written."""
        return self.folder / "result.zarr"

    def block(self, number: int) -> Path:
        """Return the file of a block."""
        return self.folder / "blocks" / f"{number}.npz"

    def failure(self, number: int) -> Path:
        """Return the file that says why there is no such block."""
        return self.folder / "failed" / f"{number}.json"

    def read(self) -> Seen | None:
        """Return what was seen of the image; None where nothing is known."""
        try:
            text = (self.folder / _ABOUT).read_text(encoding="utf-8")
            return Seen.model_validate_json(text)
        except (FileNotFoundError, NotADirectoryError, ValidationError):
            return None

    def start(self, seen: Seen, model: Model) -> None:
        """Make the folder, whole or not at all; what is in it is removed before."""
        self.remove()
        try:
            with told_in_words(self.folder):
                for name in ("blocks", "failed"):
                    (self.folder / name).mkdir(parents=True)
            save_model(model, self.model)
            text = seen.model_dump_json(indent=1).encode()
            write_atomically(self.folder / _ABOUT, lambda file: file.write(text))
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Remove the folder; what makes it a run goes first."""
        (self.folder / _ABOUT).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def done(self) -> set[int]:
        """Return the blocks that are finished."""
        return _numbers((self.folder / "blocks").glob("*.npz"))

    def failed(self) -> dict[int, str]:
        """Return why blocks failed."""
        found = _numbers((self.folder / "failed").glob("*.json"))
        return {
            n: str(json.loads(self.failure(n).read_text(encoding="utf-8")))
            for n in sorted(found)
        }

    def fail(self, number: int, why: str) -> None:
        """Note why a block failed."""
        text = json.dumps(why).encode()
        write_atomically(self.failure(number), lambda file: file.write(text))

    def forgive(self) -> None:
        """Forget what failed, so that it is tried again."""
        for number in _numbers((self.folder / "failed").glob("*.json")):
            self.failure(number).unlink(missing_ok=True)


def _numbers(files: Iterable[Path]) -> set[int]:
    return {int(each.stem) for each in files if each.stem.isdecimal()}

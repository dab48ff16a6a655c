"""What a model is, whoever renames or moves it: its uuid and where it comes from.

Names are for people, who change them; scores may be equal by chance. So versions,
replay images, interrupted trainings and folders are found by the record alone. It lies
in the manifest of a project, and as `record.json` beside the weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid4, uuid5

from pydantic import AwareDatetime, Field, ValidationError

from napari_unet.core.validation import Frozen

RECORD_FILE = "record.json"
LARGEST_RECORD = 100_000

_NAMESPACE = UUID("6b0d1ad2-64a5-5c0c-9f5e-0c1f7d7a4b5e")

Score = Annotated[float, Field(allow_inf_nan=False)]


class Found(Frozen):
    """What a score means to people, counted in objects that were held out.

    So many of the `verified` ones are found, and so many that are found are none.
    """

    right: int = Field(ge=0, le=2**53)
    verified: int = Field(ge=0, le=2**53)
    wrong: int = Field(ge=0, le=2**53)


class ModelRecord(Frozen):
    """The identity of one model, and where it comes from; other weights have others.

    A run is one training: one start, one set of samples. Steps and scores, agreement
    with what was held out, are those of that run; so are the `seconds` that it took to
    come here, the verified `objects` and `pixels` that it learned from, and what it has
    `found` of objects that were held out, where there are any. `replay` is
    the built-in model from which it descends, whose sample images remind it of what
    that one knew.
    """

    uuid: UUID
    parent: UUID | None = None
    run: UUID | None = None
    steps: int | None = Field(None, ge=0, le=2**53)
    replay: str = Field("", max_length=100)
    score: Score | None = None
    start_score: Score | None = None
    seconds: float | None = Field(None, ge=0, allow_inf_nan=False)
    objects: int | None = Field(None, ge=0, le=2**53)
    pixels: int | None = Field(None, ge=0, le=2**53)
    found: Found | None = None
    created: AwareDatetime

    @property
    def worse(self) -> bool:
        """Whether it is known to be worse than its start, or no score was a number."""
        if self.start_score is None:
            return False
        return self.score is None or self.score < self.start_score

    def child(self) -> ModelRecord:
        """Return the record of a copy that goes its own way from now on."""
        return self.model_copy(
            update={"uuid": uuid4(), "parent": self.uuid, "created": datetime.now(UTC)}
        )

    def supersedes(self, other: ModelRecord) -> bool:
        """Whether the other is an earlier state of the very run that made this one."""
        if self.run is None or self.run != other.run or self.uuid == other.uuid:
            return False
        return (self.steps or 0) >= (other.steps or 0)

    def is_news(self, others: Iterable[ModelRecord]) -> bool:
        """Whether none of the others is this model, or a later state of its run."""
        return not any(
            other.uuid == self.uuid or other.supersedes(self) for other in others
        )


def new_record(*, parent: UUID | None = None) -> ModelRecord:
    """Return the record of a model that was just made."""
    return ModelRecord(uuid=uuid4(), parent=parent, created=datetime.now(UTC))


def run_record(start: ModelRecord | None) -> ModelRecord:
    """Return the record of what a run will make that begins now.

    It begins with random weights where there is no start.
    """
    if start is None:
        return new_record().model_copy(update={"run": uuid4()})
    update = {"run": uuid4(), "replay": start.replay}
    return new_record(parent=start.uuid).model_copy(update=update)


def made_by(
    run: ModelRecord, steps: int, score: float, start_score: float
) -> ModelRecord:
    """Return the record of a model that a run has made: the same for the same step."""
    scores = {
        name: value if math.isfinite(value) else None
        for name, value in (("score", score), ("start_score", start_score))
    }
    uuid = uuid_of("run", run.run, steps)
    return run.model_copy(update={"uuid": uuid, "steps": steps, **scores})


def uuid_of(*parts: object) -> UUID:
    """Return the uuid of what has none of its own: the same for the same parts."""
    return uuid5(_NAMESPACE, json.dumps([str(part) for part in parts]))


def built_in_uuid(name: str) -> UUID:
    """Return the uuid of a built-in model."""
    return uuid_of("built-in", name)


def record_as_text(record: ModelRecord, checksum: str) -> str:
    """Return what `record.json` holds, with the checksum of the weights beside it."""
    content = record.model_dump(mode="json", exclude_none=True)
    return json.dumps({"checksum": checksum, "record": content}, indent=2) + "\n"


def parse_record(text: bytes, checksum: str | None) -> ModelRecord | None:
    """Return the record in a `record.json`; None if it is none, or of other weights."""
    if len(text) > LARGEST_RECORD:
        return None
    try:
        found = json.loads(text)
        if checksum is None or found["checksum"] != checksum:
            return None
        return ModelRecord.model_validate_json(json.dumps(found["record"]))
    except (ValidationError, ValueError, RecursionError, KeyError, TypeError):
        return None

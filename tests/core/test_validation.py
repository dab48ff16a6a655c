"""Problems that pydantic finds are told without its own words."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from napari_unet.core.validation import first_problem


class Inner(BaseModel):
    size: int = Field(1, ge=1)
    name: str = "a"

    @field_validator("name")
    @classmethod
    def _short(cls, name: str) -> str:
        if len(name) > 3:
            raise ValueError("a name has three letters at most")
        return name


class Outer(BaseModel):
    inner: Inner = Inner()

    @model_validator(mode="after")
    def _not_two(self):
        if self.inner.size == 2:
            raise ValueError("two is none")
        return self


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        ({"inner": {"size": 0}}, "inner.size", "greater than or equal to 1"),
        ({"inner": {"name": "abcd"}}, "inner.name", "a name has three letters at most"),
        ({"inner": {"size": 2}}, "all", "two is none"),
    ],
)
def test_place_and_words(content, place, words):
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(content)
    where, said = first_problem(caught.value, "all")
    assert where == place
    assert said.endswith(words)
    assert "error," not in said

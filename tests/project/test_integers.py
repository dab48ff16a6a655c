"""Whole numbers in a line of a journal are the JSON that everybody writes."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.project.journal_line import encode_integers

LIMITS = st.sampled_from([0, 9, 10, 99, 65_536, 2**31 - 1, 2**32 - 1, 2**40])


@given(
    data=st.data(),
    low=st.sampled_from([0, -(2**31)]),
    high=LIMITS,
    count=st.sampled_from([0, 1, 199, 200, 1000]),
)
def test_integers_are_written_as_json_writes_them(data, low, high, count):
    values = data.draw(hnp.arrays(np.int64, count, elements=st.integers(low, high)))
    expected = json.dumps(values.tolist(), separators=(",", ":")).encode()
    assert encode_integers(values) == expected


def test_numbers_of_every_length_are_written_among_each_other():
    values = np.array([10**n + d for n in range(10) for d in (-1, 0, 1)] * 10)
    values = values[values < 2**32]
    assert json.loads(encode_integers(values)) == values.tolist()

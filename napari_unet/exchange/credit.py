"""Who made a model, and its licence by its short name, which programs compare."""

from __future__ import annotations

import re
from dataclasses import dataclass

from napari_unet.errors import InputError

# fmt: off
COMMON = frozenset({
    "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause",
    "BSL-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-NC-ND-4.0",
    "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0", "CC-BY-SA-4.0", "CC0-1.0", "GPL-2.0-only",
    "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "ISC", "LGPL-3.0-only",
    "LGPL-3.0-or-later", "MIT", "MPL-2.0", "Unlicense",
})
# fmt: on
"""Those that models and images usually have."""


@dataclass(frozen=True, slots=True)
class Credits:
    """Who made a model, and under which licence it may be used.

    The licence is a name of SPDX, such as "CC-BY-4.0"; that of the model's card where
    it is missing.
    """

    authors: tuple[str, ...] = ()
    license: str = ""


def stated_license(words: str) -> str:
    """Return the licence of the weights in the words of a card, or nothing."""
    of_weights = re.search(r"(\S+) \(weights\)", words)
    stated = of_weights.group(1) if of_weights else words.strip()
    return stated if stated in COMMON else ""


def refuse_unknown(name: str) -> None:
    """Raise an InputError if there is no licence of that name here."""
    if name and name not in COMMON:
        raise InputError(
            f"Expected a licence by its short name, found {name!r}; choose one of: "
            f"{', '.join(sorted(COMMON))}."
        )

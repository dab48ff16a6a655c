"""Write the sample data: ``python -m training.synthetic [--out sample_data]``."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.synthetic.catalogue import SCENES
from training.synthetic.write import write_index, write_scene


def main() -> None:
    """Draw every scene and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("sample_data"))
    names = [scene.name for scene in SCENES]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    for scene in SCENES:
        if scene.name in chosen.only:
            for path in write_scene(scene, chosen.out):
                print(path)
    print(write_index(SCENES, chosen.out))


if __name__ == "__main__":
    main()

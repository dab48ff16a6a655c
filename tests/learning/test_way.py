"""The way of a stroke to the weights of a network stays short enough to be read."""

from __future__ import annotations

from napari_unet.annotation.edits import AcceptView
from napari_unet.core.events import TrainStep
from napari_unet.geometry.box import Box
from napari_unet.learning.config import FitConfig
from napari_unet.learning.train import iter_fit
from napari_unet.session.finetune import TrainingSnapshot, snapshots_of
from tests.runners import InlineRunner
from tests.session.conftest import Stage, _no_user_folder  # noqa: F401
from tests.tiny import make_disks, make_model
from tests.tracing import stops_of


def painted() -> list[TrainingSnapshot]:
    """Return what training gets when somebody has painted and accepted everything."""
    stage, disks = Stage.make(InlineRunner()), make_disks()
    stage.open(disks.image)
    for label in range(1, 9):
        stage.paint(disks.labels == label, label)
    stage.annotation.do(AcceptView(Box.whole(disks.labels.shape)))
    return snapshots_of(stage.session.images)


def test_a_stroke_passes_seventeen_files_on_its_way_to_weights() -> None:
    model, snapshots = make_model(), painted()
    config = FitConfig(steps=1, crop=32, batch_size=2, device="cpu")
    trained = []

    def train() -> None:
        samples = [each.as_sample() for each in snapshots]
        events = iter_fit(model, samples, config)
        trained.append(next(e for e in events if isinstance(e, TrainStep)))

    # Axes, channels and grey values are what any array needs, too.
    stops = stops_of(train, besides=frozenset({"images"}))
    assert len(trained) == 1
    assert stops[0] == "session/finetune.py"
    assert "learning/train.py" in stops
    assert stops[-1] == "tasks/objectives/losses.py"
    assert len(stops) <= 17, stops
    assert sum(stop.startswith("learning/") for stop in stops) <= 6, stops

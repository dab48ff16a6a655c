"""No trained model ever disappears, whatever a person does and in whatever order."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

import numpy as np
import pytest
import tifffile
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from napari_unet.annotation.edits import AcceptView
from napari_unet.errors import StorageError
from napari_unet.geometry.box import Box
from napari_unet.models.record import ModelRecord
from napari_unet.models.training import read_training
from napari_unet.project.manifest import parse_manifest
from napari_unet.session.words import gain_in_words
from napari_unet.weights.folder import save_model
from tests.runners import ManualRunner
from tests.session.brightness import brightness_model, disks
from tests.session.conftest import Stage
from tests.session.test_finetune import steps
from tests.session.test_projects import open_file, wait

SIZE = (64, 80)
BUILT_IN = ("cells-phase", "nuclei-he")


def scripted(*_args, **_options):
    """Stand in for `iter_fit`: two better models, one after the other."""
    yield from steps(0.6, 0.7)


def folders_in(project: Path) -> dict[str, dict[str, bytes]]:
    """Return the files of every model that lies in a project, by its folder."""
    models = project / "models"
    found = sorted(models.iterdir()) if models.is_dir() else []
    return {
        place.name: {each.name: each.read_bytes() for each in place.iterdir()}
        for place in found
        if (place / "record.json").is_file()
    }


def uuid_in(files: dict[str, bytes]) -> str:
    return json.loads(files["record.json"])["record"]["uuid"]


def manifest_of(folder: Path):
    path = folder / "project.json"
    return parse_manifest(path.read_bytes()) if path.exists() else None


def kept_in(folder: Path) -> dict[str, Path | None]:
    """Return the models of a project that its manifest names, by their uuids."""
    manifest = manifest_of(folder)
    entries = manifest.models if manifest is not None else ()
    return {
        str(entry.uuid): folder / "models" / entry.folder if entry.folder else None
        for entry in entries
    }


class Days(RuleBasedStateMachine):
    """Two images with projects of their own and a study, over many days."""

    @initialize()
    def begin(self):
        self.home = Path(tempfile.mkdtemp())
        self.patches = [
            patch("napari_unet.learning.iter_fit", scripted),
            patch(
                "napari_unet.project.layout.unfiled_folder",
                lambda: self.home / "unfiled",
            ),
        ]
        for each in self.patches:
            each.start()
        self.images = [self.home / f"{name}.tif" for name in "ab"]
        for number, path in enumerate(self.images):
            tifffile.imwrite(path, disks(SIZE, pitch=16 + 4 * number))
        self.folders = []
        for threshold in (0.4, 0.5):
            folder = self.home / f"bright-{threshold}"
            save_model(brightness_model(threshold, folder.name), folder)
            self.folders.append(folder)
        self.seen: dict[Path, dict[str, Path | None]] = {}
        self.on_disk: dict[Path, dict[str, dict[str, bytes]]] = {}
        self.damaged: set[str] = set()
        self.trained: dict[str, Path] = {}
        self.gone: set[str] = set()
        self.records: dict[UUID, ModelRecord] = {}
        self.stage = Stage.make(ManualRunner())
        # Every story begins after a first day of work in both images.
        self.choose(2)
        for number in (0, 1):
            self.open_image(number)
            self.train(1)
            self.wait()

    def teardown(self):
        if hasattr(self, "stage"):
            self.let_go()
            for each in self.patches:
                each.stop()
            shutil.rmtree(self.home, ignore_errors=True)

    @property
    def timeline(self):
        return self.stage.session.models.timeline

    @property
    def places(self):
        return [path.with_suffix(".unet") for path in (*self.images, self.study)]

    @property
    def study(self) -> Path:
        return self.home / "study"

    @rule(number=st.integers(0, 1))
    def open_image(self, number):
        open_file(self.stage, self.images[number])

    @rule()
    def go_to_the_study(self):
        folder = self.study.with_suffix(".unet")
        projects = self.stage.session.projects
        (projects.open if folder.exists() else projects.create)(folder)
        self.stage.run()

    @rule()
    def leave_the_study(self):
        self.stage.session.projects.leave()
        self.stage.run()

    @rule(number=st.integers(0, 3))
    def choose(self, number):
        name = (*BUILT_IN, *self.folders)[number]
        self.stage.session.models.choose(name)
        self.stage.run()

    @precondition(lambda self: self.stage.state.versions)
    @rule(data=st.data())
    def go_back(self, data):
        version = data.draw(st.sampled_from(self.stage.state.versions))
        self.stage.session.activate_version(version.number)
        self.stage.run()

    @rule(threshold=st.sampled_from([0.3, 0.6]))
    def move_the_threshold(self, threshold):
        self.stage.session.settings.set_thresholds(foreground=threshold)

    @precondition(lambda self: self.stage.session.images.current is not None)
    @rule(seconds=st.integers(0, 3))
    def train(self, seconds):
        session = self.stage.session
        session.correcting.start_empty()
        self.stage.paint(np.s_[4:12, 4:12], 7)
        session.correcting.do(AcceptView(Box((0, 0), SIZE)))
        session.finetune(0.5)
        for _ in range(seconds):
            self.stage.clock.now += 1
            self.stage.runner.step()
            session.tick()
        self.stage.run()
        home = session.training.home
        if home is not None and not self.stage.state.problems.get("finetune"):
            for version in self.timeline.versions:
                if version.home is home and version.record.run is not None:
                    self.trained[str(version.uuid)] = home.folder

    @rule(number=st.integers(0, 1))
    def switch_while_it_trains(self, number):
        if self.stage.session.images.current is None:
            return
        self.stage.session.correcting.start_empty()
        self.stage.session.correcting.do(AcceptView(Box((0, 0), SIZE)))
        self.stage.session.finetune(0.5)
        self.stage.runner.step()
        open_file(self.stage, self.images[number])

    @rule()
    def wait(self):
        wait(self.stage, 3)

    @rule()
    def wait_while_the_disk_is_full(self):
        def fail(*_args, **_options):
            raise StorageError("The disk is full.")

        with patch("napari_unet.weights.save_model", fail):
            wait(self.stage, 3)
        wait(self.stage, 12)

    @rule(chosen=st.integers(0, 4), spoil=st.integers(0, 9), work=st.booleans())
    def restart(self, chosen, spoil, work):
        told = self.stage.session.close()
        assert not told
        for uuid, folder in self.trained.items():
            if uuid not in self.superseded:
                assert uuid in kept_in(folder), "a training is lost"
        self.note()
        self.damage_a_model(spoil)
        self.come_again(chosen, work)

    @rule(chosen=st.integers(0, 4), work=st.booleans())
    def crash(self, chosen, work):
        self.note()
        self.let_go()
        self.trained = {
            uuid: folder
            for uuid, folder in self.trained.items()
            if uuid in kept_in(folder)
        }
        self.come_again(chosen, work)

    def damage_a_model(self, number):
        """Let the disk spoil one: it cannot be loaded, and is nobody's to delete."""
        every = [(p, name) for p, names in self.on_disk.items() for name in names]
        if number < len(every):
            place, name = every[number]
            files = self.on_disk[place][name]
            self.damaged.add(uuid_in(files))
            files["model.json"] = b"{}"
            (place / "models" / name / "model.json").write_bytes(b"{}")

    def let_go(self):
        for project in self.stage.session.projects._all.values():
            project.release()

    def come_again(self, chosen, work):
        """Begin another day, sometimes with a model; all that was kept is listed.

        Sometimes it goes on with work, so that the models are kept once more.
        """
        self.note()
        self.gone |= self.superseded
        self.stage = Stage.make(ManualRunner())
        if chosen < 4:
            self.choose(chosen)
        for path in self.images:
            open_file(self.stage, path)
            known = {str(v.uuid) for v in self.timeline.versions}
            held = kept_in(path.with_suffix(".unet"))
            assert set(held) - self.damaged <= known
            shown = {each.number for each in self.stage.state.versions}
            shown_uuids = {
                str(v.uuid) for v in self.timeline.versions if v.number in shown
            }
            assert known == shown_uuids
            if work:
                self.move_the_threshold(0.6)
                self.train(1)
                self.wait()
                self.note()

    @property
    def superseded(self) -> set[str]:
        return self.gone | {str(uuid) for uuid in self.timeline.superseded}

    @invariant()
    def note(self):
        """See that nothing went that was there, but what a better one replaced."""
        if not hasattr(self, "stage"):
            return
        for place in self.places:
            kept, before = kept_in(place), self.seen.get(place, {})
            assert set(before) - set(kept) <= self.superseded
            for uuid, folder in kept.items():
                if folder is not None:
                    assert (folder / "weights.safetensors").is_file()
                    record = json.loads((folder / "record.json").read_text())
                    assert record["record"]["uuid"] == uuid
            self.seen[place] = kept
            self.see_that_folders_stay(place)
        self.records |= {v.uuid: v.record for v in self.timeline.versions}
        for uuid in self.timeline.superseded & self.records.keys():
            old = self.records[uuid]
            assert any(new.supersedes(old) for new in self.records.values())

    def see_that_folders_stay(self, place):
        """Compare every folder of a model with what was there, listed or not."""
        now, before = folders_in(place), self.on_disk.get(place, {})
        for name, files in before.items():
            assert now.get(name) == files or uuid_in(files) in self.superseded
        self.on_disk[place] = now


# To find a shorter sequence takes minutes; the one that is found says enough.
Days.TestCase.settings = settings(
    max_examples=4,
    stateful_step_count=20,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
TestDays = Days.TestCase


def test_a_model_that_was_chosen_before_goes_on_and_nothing_is_deleted(bright, files):
    first = Stage.make(ManualRunner())
    first.session.models.choose("cells-phase")
    first.run()
    open_file(first, files[0])
    first.session.correcting.start_empty()
    first.paint(np.s_[4:12, 4:12], 7)
    wait(first)
    first.session.close()
    kept = kept_in(files[0].with_suffix(".unet"))

    again = Stage.make(ManualRunner())
    open_file(again, files[0])
    assert again.state.source == "cells-phase"

    other = Stage.make(ManualRunner())
    other.session.models.choose(bright)
    other.run()
    open_file(other, files[0])
    assert other.state.model.name == "bright"
    assert [v.text for v in other.state.versions] == ["cells-phase", "bright"]
    other.paint(np.s_[14:22, 4:12], 8)
    wait(other)
    other.session.close()
    assert set(kept) < set(kept_in(files[0].with_suffix(".unet")))


def test_the_models_of_all_days_stay_whatever_is_chosen_first(bright, files):
    place = files[0].with_suffix(".unet")
    days = []
    with patch("napari_unet.learning.iter_fit", scripted):
        for chosen, threshold in ((bright, 0.3), ("cells-phase", 0.6), (bright, 0.7)):
            stage = Stage.make(ManualRunner())
            stage.session.models.choose(chosen)
            stage.run()
            open_file(stage, files[0])
            listed = {
                str(version.uuid) for version in stage.session.models.timeline.versions
            }
            assert listed >= {
                uuid for day in days for uuid in map(uuid_in, day.values())
            }
            stage.session.correcting.start_empty()
            stage.paint(np.s_[4:12, 4:12], 7)
            stage.session.correcting.do(AcceptView(Box((0, 0), SIZE)))
            stage.session.settings.set_thresholds(foreground=threshold)
            stage.session.finetune(0.5)
            stage.run()
            wait(stage)
            assert not stage.session.close()
            now = folders_in(place)
            assert len(now) > len(days[-1] if days else ())
            for earlier in days:
                assert earlier.items() <= now.items()
            assert {uuid_in(each) for each in now.values()} <= set(kept_in(place))
            days.append(now)


def test_that_a_model_is_not_kept_is_taken_back_when_it_is(bright, files):
    stage = Stage.make(ManualRunner())
    stage.session.models.choose(bright)
    stage.run()
    open_file(stage, files[0])
    stage.session.correcting.start_empty()
    stage.paint(np.s_[4:12, 4:12], 7)

    def fail(*_args, **_options):
        raise StorageError("The disk is full.")

    with patch("napari_unet.weights.save_model", fail):
        wait(stage, 3)
    assert "not kept" in stage.state.problems["finetune"].text
    wait(stage, 12)
    assert "finetune" not in stage.state.problems


def test_a_saved_model_is_listed_the_next_time(bright, tmp_path):
    stage = Stage.make(ManualRunner())
    stage.session.models.choose(bright)
    stage.run()
    stage.session.models.save(tmp_path / "mine")
    stage.run()
    again = Stage.make(ManualRunner())
    again.session.start()
    again.run()
    assert [own.name for own in again.state.own_models] == ["bright", "mine"]
    again.session.models.choose(again.state.own_models[1].path)
    again.run()
    assert again.state.model.name == "mine"
    shutil.rmtree(tmp_path / "mine")
    again.session.models.choose("nuclei")
    again.run()
    again.session.models.choose(tmp_path / "mine")
    again.run()
    assert "taken off the list" in again.state.problems["model"].text
    assert [own.name for own in again.state.own_models] == ["bright"]


def test_how_a_model_was_trained_goes_with_it(bright, files, tmp_path, monkeypatch):
    """As on the command line: into the project, out of it again, and to a copy."""
    monkeypatch.setattr("napari_unet.learning.iter_fit", scripted)
    stage = Stage.make(ManualRunner())
    stage.session.models.choose(bright)
    stage.run()
    open_file(stage, files[0])
    stage.session.correcting.start_empty()
    stage.paint(np.s_[4:12, 4:12], 7)
    stage.session.finetune(3)
    wait(stage, 20)
    project = files[0].with_suffix(".unet")
    (notes,) = filter(None, map(read_training, (project / "models").iterdir()))
    assert (notes.start, notes.images) == ("bright", ("a.tif",))
    assert notes.settings["minutes"] == pytest.approx(3, rel=1e-3)
    stage.session.close()
    again = Stage.make(ManualRunner())
    again.session.start()
    open_file(again, files[0])
    wait(again, 3)
    again.session.models.save(tmp_path / "mine")
    again.run()
    assert read_training(tmp_path / "mine") == notes
    assert "| images | a.tif |" in (tmp_path / "mine" / "README.md").read_text()


def test_a_gain_is_said_with_as_many_digits_as_show_it():
    assert gain_in_words(0.5, 0.6) == "0.50 → 0.60"
    assert gain_in_words(0.841, 0.842) == "0.841 → 0.842"
    assert gain_in_words(0.5, 0.5) == "0.50 → 0.50"
    assert gain_in_words(0.84121, 0.84123) == "0.8412, more by under 0.0001"

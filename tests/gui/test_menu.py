"""What is ours in napari's menus, command palette, preferences, notifications."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
from napari._app_model import get_app_model
from napari._qt.dialogs.preferences_dialog import PreferencesDialog
from napari.settings import get_plugin_settings
from npe2 import PluginManager, PluginManifest
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox

from napari_unet.errors import InputError
from napari_unet.gui import notices
from napari_unet.gui.dock import Objects, SegmentAndCorrect, docks_of
from napari_unet.gui.notices import Notices
from napari_unet.gui.preferences import Preferences
from napari_unet.session.hub import Hub
from napari_unet.session.images.place import SaveState
from tests.runners import InlineRunner

MINE = "napari-unet-live"


@pytest.fixture
def told(monkeypatch):
    """Return what napari was asked to tell."""
    found: list[str] = []
    monkeypatch.setattr(notices, "show_warning", found.append)
    return found


@pytest.mark.qt_every
def test_commands_bring_the_dock_and_problems_are_told_where_it_is_hidden(
    make_napari_viewer, monkeypatch, tmp_path, told
):
    viewer = make_napari_viewer(show=True)
    asked = "napari_unet.gui.panels.project.QFileDialog"
    monkeypatch.setattr(
        f"{asked}.getSaveFileName", lambda *_: (str(tmp_path / "new"), "")
    )
    commands = get_app_model().commands
    commands.execute_command(f"{MINE}.new_project").result()
    (dock,) = docks_of(viewer)
    assert type(dock) is SegmentAndCorrect
    session = dock.bench.session
    bar = dock.parentWidget()
    assert bar.windowTitle() == "Segment and correct (U-Net)"  # as its menu calls it
    commands.execute_command(f"{MINE}.predict_image").result()
    assert "predict" in session.state.problems
    assert not told, "it is seen in the dock"
    bar.hide()
    session.report("model", InputError("No model."))
    session.tell("Something else.")
    assert told == ["No model."]
    commands.execute_command(f"{MINE}.close_project").result()
    assert bar.isVisible()
    bar.hide()
    commands.execute_command(f"{MINE}.list_keys").result()
    assert bar.isVisible()
    viewer.window.add_dock_widget(Objects(viewer))
    assert len(docks_of(viewer)) == 2
    commands.execute_command(f"{MINE}.next_view").result()
    assert len(docks_of(viewer)) == 2


def test_a_problem_is_told_once_and_again_when_it_comes_back(told):
    hub, shown = Hub(InlineRunner()), Notices()
    failed = SaveState("The disk is full.", failed=True)
    for state in (
        {"save": failed},
        {"minutes": 3.0},
        {"save": SaveState("Saved.")},
        {"save": failed},
    ):
        hub.show(**state)
        shown.show(hub.state, in_sight=False)
    assert told == ["The disk is full."] * 2


@pytest.fixture
def mine(plugin_settings, npe2pm):
    """Return the settings of the plugin, kept in a folder of the test's own."""
    real = PluginManager()
    real.discover()
    manifest: PluginManifest = real.get_manifest(MINE)
    npe2pm.register(manifest)
    return get_plugin_settings(MINE)


def test_what_napari_keeps_is_how_a_session_begins(mine):
    assert Preferences.of_napari() == Preferences()
    mine.start.live = True
    mine.start.minutes = 7.5
    found = Preferences.of_napari()
    assert found == Preferences(live=True, minutes=7.5)
    done: list[object] = []
    found.begin(
        SimpleNamespace(
            live=SimpleNamespace(switch=done.append),
            learning_along=SimpleNamespace(want=done.append),
            set_minutes=done.append,
        )
    )
    assert done == [True, False, 7.5]


def test_napari_shows_and_keeps_the_preferences(mine, qtbot):
    dialog = PreferencesDialog()
    qtbot.addWidget(dialog)
    names = [dialog._list.item(row).text() for row in range(dialog._list.count())]
    page = dialog._stack.widget(names.index("U-Net"))
    live, _along = page.findChildren(QCheckBox)[:2]
    live.setChecked(True)
    (minutes,) = page.findChildren(QDoubleSpinBox)
    minutes.setValue(12)
    assert Preferences.of_napari() == Preferences(live=True, minutes=12.0)
    dialog.accept()
    assert "minutes: 12" in mine.config_path.read_text()


def test_without_napari_s_help_a_session_begins_as_usual(monkeypatch):
    """Before napari 0.9, and in scripts in which no plugin is known."""
    monkeypatch.delattr("napari.settings.get_plugin_settings")
    assert Preferences.of_napari() == Preferences()


@pytest.mark.qt_smoke
def test_a_dock_is_found_by_all_its_names_until_it_is_closed(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    opened = viewer.window.add_plugin_dock_widget
    bar, dock = opened(MINE, SegmentAndCorrect.title)
    by_menu = partial(
        get_app_model().commands.execute_command, f"{MINE}.segment_and_correct"
    )
    by_menu().result()
    assert docks_of(viewer) == [dock], "the menu hides it, or shows it again"
    viewer.window.remove_dock_widget(bar)
    with qtbot.waitSignal(bar.destroyed):
        del bar
    by_menu().result()
    (other,) = docks_of(viewer)
    assert other is not dock
    assert opened(MINE, SegmentAndCorrect.title)[1] is other

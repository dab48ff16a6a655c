"""A layer that is removed gives back what it holds where it was drawn."""

from __future__ import annotations

import pytest
from qtpy.QtGui import QOpenGLContext
from qtpy.QtTest import QTest

from tests.session.brightness import disks

pytestmark = pytest.mark.qt_every


def context_at_removal(stage, layer):
    contexts = []

    def on_removed(_event):
        contexts.append(QOpenGLContext.currentContext())

    stage.viewer.layers.events.removed.connect(on_removed)
    stage.viewer.layers.remove(layer)
    stage.viewer.layers.events.removed.disconnect(on_removed)
    return contexts[0]


def test_the_canvas_is_current_when_a_layer_goes(stage, mouse):
    stage.open(disks(), name="disks")
    stage.predict()
    canvas = stage.viewer.window._qt_viewer.canvas.native
    for _ in range(3):
        layer = stage.labels
        layer.mode = "paint"
        mouse(stage.viewer, layer).move((20, 20))
        QTest.qWait(30)
        canvas.doneCurrent()  # as after Qt has composed the window
        assert context_at_removal(stage, layer) is canvas.context()
        for _ in range(3):  # where a wrong context would end the program
            canvas.update()
            QTest.qWait(20)
        stage.predict()

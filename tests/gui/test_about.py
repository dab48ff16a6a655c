"""The card of a model, to read at leisure."""

from __future__ import annotations

from qtpy.QtWidgets import QApplication

from napari_unet.gui.panels.model import AboutModel, ModelPanel, card_html
from napari_unet.session.words import describe_model
from napari_unet.weights.folder import load_model
from tests.gui.test_dock import click


def test_the_card_says_what_a_model_is_not_for(stage, monkeypatch):
    stage.session.models.timeline.publish(load_model("nuclei"))
    panel = stage.panel(ModelPanel)
    stage.until(lambda: panel.about.isEnabled())
    shown = []

    def read(dialog):
        dialog.show()
        QApplication.processEvents()
        shown.append(dialog.words.toPlainText())

    monkeypatch.setattr(AboutModel, "exec", read)
    click(panel.about)
    (text,) = shown
    for words in ("Not for", "BBBC038", "CC0-1.0", "AP50", "9 to 64 px"):
        assert words in text


def test_a_card_is_no_html():
    model = load_model("nuclei")
    card = model.spec.card.model_copy(update={"notes": "<script>1 < 2</script>"})
    spec = model.spec.model_copy(update={"card": card})
    html = card_html(describe_model(type(model)(spec, model.net)))
    assert "&lt;script&gt;1 &lt; 2" in html

"""The view is predicted while a person looks around, if that is switched on.

How it flows: a front end says that the view moves (`look`). When it has come to rest,
the tiles that lack a prediction, or have that of another model, are asked for::

    view ---> due tiles ---> job ---> tiles, kept ---> merged ---> written
      ^                       |         (known.py)
      +-- another view: cancelled, what came in stays kept

A prediction of all of the image goes first, whoever asked for it. Where the view needs
nothing, planes beside it are predicted in the same way (`Elsewhere`). Nothing is
written while a stroke is under way, and nothing that is verified is changed, as by any
other prediction. What is seen already is looked at once for a view, and then left
alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_unet import inference
from napari_unet.geometry.box import Box
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.live.due import due_tiles, request_for
from napari_unet.session.live.elsewhere import Elsewhere
from napari_unet.session.live.filling import LARGE_VOLUMES
from napari_unet.session.live.known import Known, Origin, Tiles
from napari_unet.session.live.run import Heard, ViewRun, Wish
from napari_unet.session.models.models import Models
from napari_unet.session.predicting import Predicting
from napari_unet.session.status import LIVE_OFF

if TYPE_CHECKING:
    from napari_unet.weights.model import Model

REST_SECONDS = 0.15
"""How long a view has to be at rest before it is predicted."""

_TOO_LARGE = "Zoom in to have the view predicted: now it shows too much at once."
_VOLUMES = "This model sees volumes, which are predicted as a whole: press Predict."


class Live:
    """The prediction of the view, one at a time.

    `view` returns the part of the current image that the person looks at, or None.

    Attributes
    ----------
    applied : Signal(OpenImage)
        Some labels of the image are new.
    """

    applied = Signal(OpenImage)

    def __init__(
        self,
        hub: Hub,
        images: Images,
        models: Models,
        predicting: Predicting,
        view: Callable[[], Box | None],
    ) -> None:
        self._hub = hub
        self._images = images
        self._models = models
        self._predicting = predicting
        self._view = view
        self._tiles = Tiles()
        self._known: dict[OpenImage, Known] = {}
        self._run: ViewRun | None = None
        self._done: Wish | None = None
        self._moved_at = 0.0
        self._elsewhere = Elsewhere(hub)
        self._filling = self._elsewhere.filling

    def switch(self, on: bool) -> None:
        """Predict the view from now on, or leave it as it is."""
        if on == self._hub.state.live.on:
            return
        self.cancel()
        self._done = None
        self._hub.show(live=replace(LIVE_OFF, on=on))

    def fill(self, image: OpenImage) -> None:
        """Predict the view of an image larger than memory, and then all the rest."""
        self.cancel()
        self._done = None
        self._filling.start(image, self._view(), self._models.active)

    def end_rest(self) -> None:
        """Let the rest be; what was predicted stays."""
        if self._filling.drop():
            self.cancel()
            self._hub.say("Prediction cancelled; what is there stays.", "image")

    def look(self) -> None:
        """Take note that the view moves."""
        self._moved_at = self._hub.clock()

    def tick(self) -> None:
        """Write for some milliseconds, and see whether something is to be predicted."""
        if self._run is not None:
            self._run.write()
        if not (self._hub.state.live.on or self._filling.on):
            return
        wish, model = self._wish(), self._models.active
        if wish is None or model is None:
            self.cancel()
            self._say()
        elif self._hub.clock() - self._moved_at >= REST_SECONDS:
            self._follow(wish, model)
            self._go_on_elsewhere(wish, model)

    def cancel(self) -> None:
        """Let go of what is going on; what was written stays."""
        run, self._run = self._run, None
        self._elsewhere.put_back()
        if run is not None:
            run.cancel()
            self._say()

    def forget(self, image: OpenImage) -> None:
        """Forget what is known of an image that is put away."""
        if self._run is not None and self._run.wish.image is image:
            self.cancel()
        if self._filling.is_of(image):
            self._filling.drop()
        self._known.pop(image, None)
        self._tiles.forget(image)
        self._done = None

    def explores(self, image: OpenImage) -> bool:
        """Whether views of an image were predicted since all of it was, if it was.

        Another model then is to predict the view, not what nobody has looked at.
        """
        known = self._known.get(image)
        return self._hub.state.live.on and known is not None and bool(known.written)

    def note_whole(self, image: OpenImage, model: Model) -> None:
        """Take note that all of an image was predicted."""
        known = self._known.setdefault(image, Known())
        known.note_whole(Origin.of(image, model))

    def maps_of(self, image: OpenImage) -> inference.TileMaps | None:
        """Return what is kept of objects in the view of an image, if anything is."""
        known, view, model = self._known.get(image), self._view(), self._models.active
        if known is None or view is None or (prepared := known.prepared) is None:
            return None
        if model is None or known.maps != Origin.of(image, model).of_maps:
            return None
        if not prepared.plan.objects or prepared.too_large(view):
            return None
        found = self._tiles.find(image, prepared.tiles(view))
        if not found:
            return None
        return inference.TileMaps(prepared, tuple(found), tuple(found.values()))

    def look_again(self) -> None:
        """Take what is in view for that of other thresholds, whoever predicted it."""
        image, model = self._images.current, self._models.active
        if image is None or model is None:
            return
        known = self._known.setdefault(image, Known())
        if known.whole is None:
            known.whole = replace(Origin.of(image, model), decoding=None)
        self._done = None

    def _wish(self) -> Wish | None:
        state, image, model = self._hub.state, self._images.current, self._models.active
        if self._filling.on:
            state = replace(state, predicting=None)  # that is this one
        if image is None or model is None or state.comparing or state.why_not_predict:
            return None
        if (view := self._view()) is None:
            return None
        origin, revision = Origin.of(image, model), image.annotation.revision
        fresh = not self._predicting.refresh.wanted
        return Wish(image, origin, view, revision, fresh)

    def _follow(self, wish: Wish, model: Model) -> None:
        if wish == self._done:
            return
        run = self._run
        known = self._of(wish)
        if run is not None and run.wish.image is wish.image:
            looks = known.prepared is None and run.wish.origin.of_maps == known.maps
            if looks and not run.over:
                return  # whatever the view is, the image has to be looked at first
        if model.net.dims != 2:
            self._settle(wish, known, LARGE_VOLUMES if wish.image.large else _VOLUMES)
            return
        if known.prepared is not None and known.prepared.too_large(wish.view):
            self._settle(wish, known, _TOO_LARGE)
            return
        wanted = due_tiles(wish, known)
        if wanted is not None and not wanted:
            self._settle(wish, known)
        elif run is None or not run.serves(wish, known.prepared):
            self.cancel()
            self._elsewhere.begin_anew()
            self._start(wish, model, known, wanted)

    def _of(self, wish: Wish) -> Known:
        """Return what is known of an image, without what another network said."""
        known = self._known.setdefault(wish.image, Known())
        if known.maps != wish.origin.of_maps:
            known.maps, known.prepared = wish.origin.of_maps, None
            self._tiles.forget(wish.image)
        return known

    def _settle(self, wish: Wish, known: Known, words: str = "") -> None:
        """Leave a view alone until something is different."""
        if self._run is not None and not self._run.over:
            if self._run.serves(wish, known.prepared):
                return
            if not self._elsewhere.goes_on(wish):
                self.cancel()
        self._done = wish
        self._say(words)

    def _start(
        self,
        wish: Wish,
        model: Model,
        known: Known,
        wanted: frozenset[Box] | None,
    ) -> None:
        heard = Heard(
            event=partial(self._on_event, wish, model),
            wrote=partial(self._on_written, wish),
            failed=self._on_failed,
            over=self._on_over,
        )
        self._hub.clear("predict")
        self._run = ViewRun(self._hub.runner, wish, heard)
        self._say()
        whole = self._filling.block is not None
        asked = request_for(wish, known.prepared, wanted, self._tiles, whole=whole)
        self._run.start(model, asked)

    def _go_on_elsewhere(self, wish: Wish, model: Model) -> None:
        """Predict what nobody looks at, where the view needs nothing."""
        known, run = self._known.get(wish.image), self._run
        if known is None or wish != self._done or model.net.dims != 2:
            return
        if run is not None and not run.over:
            return
        if (there := self._elsewhere.next(wish, known)) is not None:
            wanted = None if known.prepared is None else due_tiles(there, known)
            self._start(there, model, known, wanted)
            self._filling.tell()

    def _on_event(self, wish: Wish, model: Model, event: inference.LiveEvent) -> None:
        known = self._known.get(wish.image)
        if known is None or known.maps != wish.origin.of_maps:
            return
        if isinstance(event, inference.ImagePrepared):
            known.prepared = event.prepared
        elif isinstance(event, inference.TilePredicted):
            self._tiles.keep(wish.image, event.tile, event.maps)
        elif isinstance(event, inference.Sized):
            self._predicting.note_size(wish.image, model, event)

    def _on_written(
        self, wish: Wish, changed: Box | None, tiles: tuple[Box, ...]
    ) -> None:
        if changed is not None:
            self._predicting.just_changed.note(wish.image, changed)
        if tiles:
            if (known := self._known.get(wish.image)) is not None:
                known.written |= dict.fromkeys(tiles, wish.origin)
            self.applied.emit(wish.image)

    def _on_over(self) -> None:
        self._run = None
        self._elsewhere.note_done()
        self._say()

    def _on_failed(self, error: Exception) -> None:
        self._run = None
        now = self._wish()
        if self._elsewhere.fail(error, now):
            self._done = now
        self._say()
        self._hub.report("predict", error)

    def _say(self, words: str = "") -> None:
        now = self._hub.state.live
        self._hub.show(live=replace(now, busy=self._run is not None, words=words))

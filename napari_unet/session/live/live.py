"""The view is predicted while a person looks around, if that is switched on.

How it flows: a front end says that the view moves (`look`). When it has come to rest,
the tiles that lack a prediction, or have that of another model, are asked for::

    view ---> due tiles ---> job ---> tiles, kept ---> merged ---> written
      ^                       |         (known.py)
      +-- another view: cancelled, what came in stays kept

A prediction of all of the image goes first, whoever asked for it. Nothing is written
while a stroke is under way, and nothing that is verified is changed, as by any other
prediction. What is seen already is looked at once for a view, and then left alone.
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
from napari_unet.session.live.known import Known, Origin, Tiles
from napari_unet.session.live.rest import Rest
from napari_unet.session.live.run import Heard, ViewRun, Wish
from napari_unet.session.models.models import Models
from napari_unet.session.predicting import Predicting
from napari_unet.session.status import LIVE_OFF, Progress

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
        self._rest: Rest | None = None
        self._filled: Box | None = None  # the block of the rest that is predicted

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
        self._rest = Rest(image, self._view(), self._hub.clock())
        self._say_rest()

    def end_rest(self) -> None:
        """Let the rest be; what was predicted stays."""
        if self._rest is not None:
            self._rest = self._filled = None
            self.cancel()
            self._hub.show(predicting=None, cancelling=False)
            self._hub.say("Prediction cancelled; what is there stays.", "image")

    def look(self) -> None:
        """Take note that the view moves."""
        self._moved_at = self._hub.clock()

    def tick(self) -> None:
        """Write for some milliseconds, and see whether something is to be predicted."""
        if self._run is not None:
            self._run.write()
        if not self._hub.state.live.on and self._rest is None:
            return
        wish, model = self._wish(), self._models.active
        if wish is None or model is None:
            self.cancel()
            self._say()
        elif self._hub.clock() - self._moved_at >= REST_SECONDS:
            self._follow(wish, model)
            self._go_on_with_rest(wish, model)

    def cancel(self) -> None:
        """Let go of what is going on; what was written stays."""
        run, self._run = self._run, None
        if self._rest is not None and self._filled is not None:
            self._rest.again(self._filled)
        self._filled = None
        if run is not None:
            run.cancel()
            self._say()

    def forget(self, image: OpenImage) -> None:
        """Forget what is known of an image that is put away."""
        if self._run is not None and self._run.wish.image is image:
            self.cancel()
        if self._rest is not None and self._rest.image is image:
            self._rest = None
            self._hub.show(predicting=None)
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
        if self._rest is not None:
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
            self._settle(wish, known, _VOLUMES)
            return
        if known.prepared is not None and known.prepared.too_large(wish.view):
            self._settle(wish, known, _TOO_LARGE)
            return
        wanted = self._due(wish, known)
        if wanted is not None and not wanted:
            self._settle(wish, known)
        elif not self._goes_on(wish, known):
            self.cancel()
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
            if self._goes_on(wish, known) or self._filled is not None:
                self._done = wish if self._filled is not None else self._done
                return
            self.cancel()
        self._done = wish
        self._say(words)

    def _goes_on(self, wish: Wish, known: Known) -> bool:
        """Whether that is being predicted already which is wanted."""
        run, prepared = self._run, known.prepared
        if run is None or run.over or run.wish.image is not wish.image:
            return False
        if run.wish.origin != wish.origin:
            return False
        now, then = wish.view, run.wish.view
        same = prepared is not None and prepared.tiles(now) == prepared.tiles(then)
        return same or now == then

    def _due(self, wish: Wish, known: Known) -> frozenset[Box] | None:
        """Return the tiles that are wanted; None if the image is to be looked at first.

        As long as it was not looked at, it is cut into no tiles.
        """
        image, prepared = wish.image, known.prepared
        if prepared is None:
            seen = not image.annotation.unseen(wish.view).any()
            anew = known.written or (known.whole not in (None, wish.origin))
            return frozenset() if seen and not (anew and wish.fresh) else None
        tiles = prepared.tiles(wish.view)
        return frozenset(tile for tile in tiles if self._is_due(tile, wish, known))

    def _is_due(self, tile: Box, wish: Wish, known: Known) -> bool:
        assert known.prepared is not None
        if wish.fresh and known.stale(tile, wish.origin):
            return True
        unseen = wish.image.annotation.unseen(known.prepared.in_labels(tile))
        # Where a person starts over, all that was predicted is gone.
        written = known.current(tile, wish.origin)
        return bool(unseen.all() if written else unseen.any())

    def _start(
        self,
        wish: Wish,
        model: Model,
        known: Known,
        wanted: frozenset[Box] | None,
    ) -> None:
        found, beside = {}, frozenset[Box]()
        if (prepared := known.prepared) is not None:
            near = prepared.tiles(wish.view, around=1)
            found = self._tiles.find(wish.image, near)
            if self._filled is not None:
                # The maps of neighbours may be gone; objects across need them.
                beside = frozenset(t for t in near if self._is_there(t, wish, prepared))
        heard = Heard(
            event=partial(self._on_event, wish, model),
            wrote=partial(self._on_written, wish),
            failed=self._on_failed,
            over=self._on_over,
        )
        self._hub.clear("predict")
        self._run = ViewRun(self._hub.runner, wish, heard)
        self._say()
        request = inference.Request(wish.view, wanted, found, prepared, beside)
        self._run.start(model, request)

    def _is_there(self, tile: Box, wish: Wish, prepared: inference.Prepared) -> bool:
        return not wish.image.annotation.unseen(prepared.in_labels(tile)).any()

    def _go_on_with_rest(self, wish: Wish, model: Model) -> None:
        """Predict the next block of the rest, where the view needs nothing."""
        rest, known = self._rest, self._known.get(wish.image)
        if rest is None or rest.image is not wish.image or wish != self._done:
            return
        if known is None or (self._run is not None and not self._run.over):
            return
        if known.prepared is not None:
            rest.begin(known.prepared.plan.zoom)
            self._filled = rest.next()
            if self._filled is None:
                self._end_of_rest()
                return
        block = replace(wish, view=self._filled or wish.view)
        wanted = self._due(block, known) if known.prepared is not None else None
        if wanted is None or wanted:
            self._start(block, model, known, wanted)
        self._say_rest()

    def _end_of_rest(self) -> None:
        assert self._rest is not None
        image, self._rest = self._rest.image, None
        self._hub.show(predicting=None)
        self._hub.say(f"All of {image.name} is predicted.", "image")

    def _say_rest(self) -> None:
        if (rest := self._rest) is not None:
            self._hub.show(predicting=Progress(rest.done, rest.total))
            self._hub.say(rest.words(self._hub.clock()), "image", "predicting")

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
        self._run = self._filled = None
        self._say()

    def _on_failed(self, error: Exception) -> None:
        self._run = self._filled = None
        if self._rest is not None:
            self._rest = None
            self._hub.show(predicting=None)
        self._done = self._wish()
        self._say()
        self._hub.report("predict", error)

    def _say(self, words: str = "") -> None:
        now = self._hub.state.live
        self._hub.show(live=replace(now, busy=self._run is not None, words=words))

"""Which tiles of a view are to be predicted, or predicted anew."""

from __future__ import annotations

from napari_unet import inference
from napari_unet.geometry.box import Box
from napari_unet.session.live.known import Known, Tiles
from napari_unet.session.live.run import Wish


def due_tiles(wish: Wish, known: Known) -> frozenset[Box] | None:
    """Return the tiles that are wanted; None if the image is to be looked at first.

    As long as it was not looked at, it is cut into no tiles.
    """
    image, prepared = wish.image, known.prepared
    if prepared is None:
        seen = not image.annotation.unseen(wish.view).any()
        anew = known.written or (known.whole not in (None, wish.origin))
        return frozenset() if seen and not (anew and wish.fresh) else None
    tiles = prepared.tiles(wish.view)
    return frozenset(t for t in tiles if _is_due(t, wish, known, prepared))


def request_for(
    wish: Wish,
    prepared: inference.Prepared | None,
    wanted: frozenset[Box] | None,
    tiles: Tiles,
    *,
    whole: bool,
) -> inference.Request:
    """Return what is asked of a model, together with what is known already.

    Objects that lie across the border are `whole` only if the model is asked again for
    what is predicted beside it: what it has said there may be forgotten.
    """
    if prepared is None:
        return inference.Request(wish.view, wanted)
    near = prepared.tiles(wish.view, around=1)
    unseen, place = wish.image.annotation.unseen, prepared.in_labels
    there = (tile for tile in near if whole and not unseen(place(tile)).any())
    known = tiles.find(wish.image, near)
    return inference.Request(wish.view, wanted, known, prepared, frozenset(there))


def _is_due(tile: Box, wish: Wish, known: Known, prepared: inference.Prepared) -> bool:
    if wish.fresh and known.stale(tile, wish.origin):
        return True
    unseen = wish.image.annotation.unseen(prepared.in_labels(tile))
    # Where a person starts over, all that was predicted is gone.
    written = known.current(tile, wish.origin)
    return bool(unseen.all() if written else unseen.any())

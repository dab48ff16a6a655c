"""What all architectures have in common, and the registry of them.

A new kind is one file in `napari_unet.models.architectures`: a class of options that
names its network, and a call of `register`. Its name becomes a choice on the command
line and in the dock, its fields a form, and the contract tests hold it. The network is
imported when it is built (`napari_unet.nets.build`), so that nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias, Union

from pydantic import (
    BeforeValidator,
    Field,
    SerializeAsAny,
    TypeAdapter,
    field_validator,
)

from napari_unet.core.validation import Frozen

Norm: TypeAlias = Literal["batch", "group", "none"]
Activation: TypeAlias = Literal["relu", "leaky_relu", "elu", "silu", "tanh"]
Upsampling: TypeAlias = Literal["transpose", "interpolate"]


class ArchitectureConfig(Frozen):
    """Options of a kind of networks; subclasses have a literal ``kind`` and ``dims``.

    Attributes
    ----------
    network : str
        Path of the class, such as ``"napari_unet.nets.unet.UNet"``. It is called with
        ``in_channels, out_channels, **options()``.
    title : str
        For people.
    has_pretrained : bool
        Whether the network takes ``pretrained=True``.
    why_closed : str
        Why it cannot learn, and what to do instead; nothing where it can.
    """

    network: ClassVar[str]
    title: ClassVar[str]
    has_pretrained: ClassVar[bool] = False
    why_closed: ClassVar[str] = ""

    if TYPE_CHECKING:  # fields of the subclasses, which say where they stand in forms
        kind: str
        dims: int

    def options(self) -> dict[str, Any]:
        """Return what the network is called with besides its channels."""
        return self.model_dump(exclude={"kind"})


class PlanarConfig(ArchitectureConfig):
    """Options of networks that see planes only."""

    dims: Literal[2] = 2

    @field_validator("dims", mode="before")
    @classmethod
    def _refuse_volumes(cls, dims: Any) -> Any:
        if dims == 3:
            raise ValueError(
                "this network sees planes only; choose unet_3d for volumes, or "
                "predict plane by plane"
            )
        return dims

    def options(self) -> dict[str, Any]:
        """Return what the network is called with besides its channels."""
        return self.model_dump(exclude={"kind", "dims"})


_NAMED: dict[str, ArchitectureConfig] = {}
_CLOSED: list[type[ArchitectureConfig]] = []

ARCHITECTURES: Mapping[str, ArchitectureConfig] = MappingProxyType(_NAMED)
"""Architectures by the name that the command line and the dock use."""


def register(**named: ArchitectureConfig) -> None:
    """Add architectures under the names that people choose them by."""
    _NAMED.update(named)


def register_closed(kind: type[ArchitectureConfig]) -> None:
    """Add a kind that files may hold, and nobody chooses: it comes with a network."""
    _CLOSED.append(kind)


def pretrained_names() -> list[str]:
    """Return the architectures that pretrained weights exist for."""
    return [name for name, config in _NAMED.items() if config.has_pretrained]


def _of_its_kind(content: Any) -> Any:
    """Make options of what a JSON file holds: the class is that of its ``kind``."""
    if isinstance(content, ArchitectureConfig):
        return content
    open_ = (type(config) for config in _NAMED.values())
    kinds = tuple(dict.fromkeys((*open_, *_CLOSED)))
    return _adapter(kinds).validate_python(content)


@lru_cache
def _adapter(kinds: tuple[type[ArchitectureConfig], ...]) -> TypeAdapter[Any]:
    union: Any = Annotated[Union[kinds], Field(discriminator="kind")]  # noqa: UP007
    return TypeAdapter(union)


Architecture: TypeAlias = Annotated[
    SerializeAsAny[ArchitectureConfig], BeforeValidator(_of_its_kind)
]
"""Options of any registered kind, as a field of other descriptions."""

"""TorchScript of others: read as arithmetic on images, or not at all.

A file of TorchScript holds a network as a program, in a language of torch's own. That
language can do more than a network needs: it can read and write files. So:

1. the archive is packed anew from what Python reads of it, so that torch sees the same;
2. a program that would already do something when it is loaded (``__setstate__``) is
   refused, which leaves only tensors, and what could be run later;
3. of all that ``forward`` would run, every operation is in the list below, which has
   arithmetic alone: nothing that knows a file, a process or a network.

What such a program can still do is compute for long, take memory, or be wrong.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from napari_unet.errors import ModelError

_MOST_MEMBERS = 20_000
_MOST_CODE = 2**24
_AT_LOADING = (b"__setstate__", b"__getstate__")

_ARITHMETIC = """
    Bool BoolTensor Complex Float FloatImplicit Implicit Int IntImplicit Scalar
    ScalarImplicit __and__ __contains__ __derive_index __getitem__ __interpolate
    __is__ __isnot__ __not__ __or__ __range_length __round_to_zero_floordiv
    __upsample __upsample_bilinear _convolution _set_item _shape_as_tensor
    _upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_lanczos2d_aa
    _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d
    abs abs_ adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
    adaptive_max_pool2d adaptive_max_pool3d add add_ addcdiv addcmul addmm all
    alpha_dropout alpha_dropout_ amax amin any append arange argmax argmin
    avg_pool1d avg_pool2d avg_pool3d baddbmm batch_norm bernoulli bernoulli_
    bitwise_and bitwise_not bitwise_or bmm broadcast_tensors cat ceil celu celu_
    chunk clamp clamp_ clamp_max clamp_max_ clamp_min clamp_min_ clone concat
    constant_pad_nd contiguous conv1d conv2d conv3d conv_transpose1d
    conv_transpose2d conv_transpose3d convolution copy_ cos cumsum detach device dim
    div div_ dropout dropout_ dtype einsum elu elu_ embedding empty empty_like eq
    erf exp exp_ expand expand_as extend feature_alpha_dropout feature_dropout
    feature_dropout_ fill_ flatten flip floor floor_divide floordiv format full
    full_like gather ge gelu gelu_ glu group_norm gt hardsigmoid hardsigmoid_
    hardswish hardswish_ hardtanh hardtanh_ index index_select insert instance_norm
    is_floating_point item keys layer_norm le leaky_relu leaky_relu_ len lerp
    linalg_norm linalg_vector_norm linear list log log1p log2 log_sigmoid
    log_softmax logical_and logical_not logical_or lt masked_fill masked_fill_
    matmul max max_pool1d max_pool2d max_pool2d_with_indices max_pool3d
    max_pool3d_with_indices maximum mean min minimum mish mish_ mm mul mul_ narrow
    native_batch_norm native_group_norm native_layer_norm ne neg neg_ new_empty
    new_full new_ones new_zeros norm numel ones ones_like pad permute pixel_shuffle
    pixel_unshuffle pow prelu prod rand rand_like reciprocal reflection_pad1d
    reflection_pad2d reflection_pad3d relu relu6 relu6_ relu_ remainder repeat
    repeat_interleave replication_pad1d replication_pad2d replication_pad3d reshape
    reshape_as roll round rrelu rsqrt rsub scaled_dot_product_attention select selu
    selu_ sigmoid sigmoid_ sign silu silu_ sin size slice softmax softplus split
    split_with_sizes sqrt square squeeze squeeze_ stack std std_mean sub sub_ sum t
    tan tanh tanh_ tensor tensor_split threshold threshold_ tile to topk transpose
    transpose_ tril triu true_divide type_as unbind unflatten unfold unsqueeze
    unsqueeze_ upsample_bicubic2d upsample_bilinear2d upsample_linear1d
    upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_trilinear3d
    values var var_mean view view_as warn where zero_ zeros zeros_like
"""
_LANGUAGE = """
    Constant DictConstruct GetAttr If ListConstruct ListUnpack Loop NumToTensor
    Param RaiseException Return TupleConstruct TupleIndex TupleSlice TupleUnpack
    Uninitialized abs data device dtype is_cuda isinstance itemsize layout max min
    ndim requires_grad shape unchecked_cast unchecked_unwrap_optional
"""


def compile_program(content: bytes, device: torch.device) -> Any:
    """Return a callable of images (N, C, ...) that an archive of TorchScript holds.

    A ModelError says that it is none, or would do something else than arithmetic.
    """
    try:
        program = torch.jit.load(io.BytesIO(_packed_anew(content)), device)  # type: ignore[no-untyped-call]
        strange = sorted({*_operations(program.inlined_graph)} - _allowed())
    except ModelError:
        raise
    # What is damaged makes torch raise almost anything; nothing else is tried.
    except Exception as error:
        raise _refused("it is damaged, or made by another version of torch") from error
    if strange:
        raise _refused(f"it asks for {strange[0][:60]!r}, which is no arithmetic")
    return program.eval()


@contextmanager
def for_any_size() -> Iterator[None]:
    """Run TorchScript as it stands: torch would compile it anew for each size."""
    with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
        yield


def _allowed() -> frozenset[str]:
    aten = (f"aten::{name}" for name in _ARITHMETIC.split())
    return frozenset((*aten, *(f"prim::{name}" for name in _LANGUAGE.split())))


def _operations(graph: Any) -> Iterator[str]:
    """Yield what a graph and all graphs in it would do."""
    for node in graph.nodes():
        yield node.kind()
        for name in node.attributeNames():
            if node.kindOf(name) in ("g", "gs"):
                yield "a program in a program"
        for block in node.blocks():
            yield from _operations(block)


def _packed_anew(content: bytes) -> bytes:
    """Return the archive as Python reads it, without a word that acts when loaded."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if len(members) > _MOST_MEMBERS or len({m.filename for m in members}) < len(
            members
        ):
            raise _refused("its list of members is none that torch writes")
        code = [m for m in members if "/code/" in m.filename]
        plain = [m for m in members if "/code/" not in m.filename]
        if sum(member.file_size for member in code) > _MOST_CODE:
            raise _refused("its program is too long")
        if sum(member.file_size for member in plain) > len(content):
            raise _refused("it claims more than it has")
        if any(m.filename.endswith("/model.json") for m in plain) or not code:
            raise _refused("it is of a kind that torch writes no more")
        with zipfile.ZipFile(file, "w") as anew:
            for member in members:
                found = archive.read(member)
                if member in code and any(word in found for word in _AT_LOADING):
                    raise _refused("it would do something when it is loaded")
                anew.writestr(member.filename, found)
    return file.getvalue()


def _refused(why: str) -> ModelError:
    return ModelError(
        f"The TorchScript of this model was not run ({why}); ask who made it for one "
        "that was traced with torch.jit.trace, or for its weights."
    )

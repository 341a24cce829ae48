"""ModuleAutoencoder: two torch modules as real functions of their stored weights."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from aeverify.autoencoders.continuity import graph_continuity, leaves_of
from aeverify.autoencoders.devices import require_device
from aeverify.autoencoders.forms import evaluated, spec_of
from aeverify.autoencoders.layers import Layers, is_affine
from aeverify.autoencoders.lipschitz import lipschitz_evidence
from aeverify.autoencoders.outputs import require_rows
from aeverify.autoencoders.protocol import Autoencoder, Continuity, FloatArray, Part, require_latent_dim
from aeverify.autoencoders.shapes import code_size
from aeverify.autoencoders.stacks import first_width, last_width, layers_of, stored_fingerprint
from aeverify.core.dimensions import require_positive
from aeverify.core.evidence import Evidence
from aeverify.errors import ModelError, UsageError

if TYPE_CHECKING:
    from aeverify.autoencoders.balls import BallNetwork

_ROWS_PER_CALL = 2000

_RANDOM_IN_TRAINING = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd, nn.RReLU)


@final
class ModuleAutoencoder(Autoencoder):
    """An autoencoder of two torch modules, copied, put in eval mode, converted to float64 and evaluated on the CPU.

    Continuity is read from the graph (`graph_continuity`): from the types of the layers where E and D are plain stacks,
    else from the operators that torch.export finds. `continuity_note` names what decided.

    Ball arithmetic and Lipschitz bounds are available where both modules are such stacks of Linear, Identity, Flatten,
    Dropout (eval) and activations of `ACTIVATIONS`, or are written as such by `rebuilt`.

    Args:
        encoder, decoder: modules that map (N, n) to (N, m) and (N, m) to (N, n).
        ambient_dim, latent_dim: n and m; read from the Linear layers at both ends where these are found, m also by
            running the encoder once.
        name: how reports call the model.
        source: what rebuilds the model: the path it was loaded from, else "".
        device: where it is evaluated: "cpu", "cuda", "cuda:1".
        batch_size: most rows of one call; None for 2000.
        note: what a reader has to know of how it was made; what is changed for evaluation is added.

    Attributes:
        note: as given, and what was changed for evaluation ("was in train mode with Dropout"); "" if nothing.
        spec: of the model kind that the modules were built from; "" if none.

    Raises:
        UsageError: not modules; dimensions that cannot be read, that disagree, or not 1 <= m <= n (m > n is left to
            model kinds that are overcomplete by their spec); complex or quantised weights; a device that is not there.
        ModelError: the dimension of the code had to be found by running the encoder, which failed.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        ambient_dim: int | None = None,
        latent_dim: int | None = None,
        name: str = "modules",
        source: str = "",
        device: str = "cpu",
        batch_size: int | None = None,
        note: str = "",
    ) -> None:
        for what, module in (("encoder", encoder), ("decoder", decoder)):
            if not isinstance(module, nn.Module):
                raise UsageError(f"The {what} must be a torch.nn.Module, got {type(module).__name__}.")
            if any(tensor.is_complex() for tensor in (*module.parameters(), *module.buffers())):
                raise UsageError(f"The {what} has complex weights; aeverify evaluates real models only.")
            if any(not t.is_floating_point() and t.is_quantized for t in (*module.parameters(), *module.buffers())):
                raise UsageError(
                    f"The {what} has quantised weights, which have no float64 form; give the model before "
                    "quantisation, or export the quantised one to ONNX and open that file."
                )
        self.spec = spec_of(encoder)
        encoder, decoder = evaluated(encoder), evaluated(decoder)
        n = _agree("ambient_dim", ambient_dim, first_width(encoder), last_width(decoder))
        ends = last_width(encoder), first_width(decoder)
        if latent_dim is None and ends == (None, None):
            latent_dim = code_size(encoder, (n,))
        m = _agree("latent_dim", latent_dim, *ends)
        if not self.spec:  # as a kind, a code of more numbers than the data was asked for; here it is a mistake
            require_latent_dim(m, n)
        super().__init__(name, n, m)
        self.note = " ".join(part for part in (note, _mode_note(encoder, decoder)) if part)
        self._source = source
        try:
            self._encoder, self._decoder = copy.deepcopy(encoder), copy.deepcopy(decoder)
        except Exception as error:
            raise UsageError(
                f"The modules of {name} cannot be copied ({type(error).__name__}: {error}); give modules that "
                "copy.deepcopy accepts, since aeverify evaluates a copy of its own."
            ) from error
        for module in (self._encoder, self._decoder):
            module.to("cpu").eval().requires_grad_(False)
        # Before the conversion to float64: weights are hashed in the type in which they are stored.
        self._fingerprint = stored_fingerprint(self._encoder, self._decoder)
        self.stored_dtype = _stored_dtype(self._encoder, self._decoder)
        for module in (self._encoder, self._decoder):
            module.double()
        self.evaluate_on(device, batch_size)

    def evaluate_on(self, device: str = "cpu", batch_size: int | None = None) -> None:
        """Choose where the model is evaluated and how many rows are handed to it at once.

        Raises:
            UsageError: a device that is not there, or a batch size that is not a positive integer.
        """
        place = require_device(device)
        self._rows = _ROWS_PER_CALL if batch_size is None else require_positive(batch_size, "batch_size")
        self._device = place
        parts = (self._encoder, self._decoder)
        self._running = parts if place == "cpu" else tuple(copy.deepcopy(part).to(place) for part in parts)

    @property
    def source(self) -> str:
        """Path of the file that it was loaded from; "" where it lives in memory only."""
        return self._source

    @property
    def encoder(self) -> nn.Module:
        """The evaluated copy of E (float64, eval mode, no gradients of weights). Do not change it."""
        return self._encoder

    @property
    def decoder(self) -> nn.Module:
        """The evaluated copy of D; see `encoder`."""
        return self._decoder

    @property
    def continuity(self) -> Continuity:
        """KNOWN, DISCONTINUOUS where an operation of the graph jumps, or OPAQUE; see `graph_continuity`."""
        return self._graph_continuity[0]

    @property
    def continuity_note(self) -> str:
        """Which operations of the graph decided."""
        return self._graph_continuity[1]

    @cached_property
    def _graph_continuity(self) -> tuple[Continuity, str]:
        return graph_continuity((self._encoder, self.ambient_dim), (self._decoder, self.latent_dim))

    @property
    def affine_decoder(self) -> bool:
        """True where D is a stack of affine layers."""
        layers = self.decoder_layers
        return layers is not None and is_affine(layers)

    @cached_property
    def encoder_layers(self) -> Layers | None:
        """E as affine maps and activations, weights exact in float64; None where it is not such a stack."""
        return layers_of(self._encoder)

    @cached_property
    def decoder_layers(self) -> Layers | None:
        """D as affine maps and activations; see `encoder_layers`."""
        return layers_of(self._decoder)

    @cached_property
    def rebuilt(self) -> tuple[nn.Module, nn.Module] | str:
        """E and D as stacks of layers, made from the operators that torch.export finds, or the reason why they cannot
        be written so. The same real functions of the same weights; evaluation does not use them, enclosures may."""
        from aeverify.autoencoders.exported import stack_of
        from aeverify.autoencoders.rows import NotRebuilt

        parts = []
        for name, module, width in (
            ("encoder", self._encoder, self.ambient_dim),
            ("decoder", self._decoder, self.latent_dim),
        ):
            try:
                parts.append(stack_of(module, width))
            except NotRebuilt as reason:
                return f"the {name} cannot be written as layers, since {reason}"
        return parts[0], parts[1]

    @cached_property
    def _exact_layers(self) -> tuple[Layers | None, Layers | None]:
        """Layers of E and D, where a part is no stack of modules those of `rebuilt`."""
        e, d = self.encoder_layers, self.decoder_layers
        if (e is None or d is None) and any(leaves_of(p, blocks=True) is None for p in (self._encoder, self._decoder)):
            parts = self.rebuilt if self.continuity is Continuity.KNOWN else ""
            if not isinstance(parts, str):
                return layers_of(parts[0]), layers_of(parts[1])
        return e, d

    @cached_property
    def _lipschitz(self) -> dict[Part, Evidence | None]:
        e, d = self._exact_layers
        both = None if e is None or d is None else (*e, *d)
        parts = {Part.ENCODER: e, Part.DECODER: d, Part.RECONSTRUCTION: both}
        return {part: None if layers is None else lipschitz_evidence(layers, part) for part, layers in parts.items()}

    def lipschitz(self, part: Part) -> Evidence | None:
        """CERTIFIED upper bound: product of operator norms and activation constants; None outside such stacks."""
        return self._lipschitz[part]

    @cached_property
    def _balls(self) -> tuple[BallNetwork, BallNetwork] | None:
        from aeverify.autoencoders.balls import BallNetwork

        e, d = self._exact_layers
        return None if e is None or d is None else (BallNetwork(e), BallNetwork(d))

    def encode_balls(self, point: Sequence[Any]) -> list[Any] | None:
        """Enclosures of the coordinates of E(x); None outside stacks of affine layers and known activations."""
        return None if self._balls is None else self._balls[0].propagate(point)

    def reconstruct_balls(self, point: Sequence[Any]) -> list[Any] | None:
        """Enclosures of the coordinates of D(E(x)); None as in `encode_balls`."""
        return None if self._balls is None else self._balls[1].propagate(self._balls[0].propagate(point))

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the layers with their settings and of the stored weights; the same in every process."""
        return self._fingerprint

    def reconstruct_fast(self, points: FloatArray | NDArray[np.float32]) -> NDArray[np.float32]:
        """D(E(points)) in float32, for searching among many points: not the function that evidence is about, which is
        `reconstruct` in float64.

        Weights and points are rounded to float32. Stacks of Linear layers with ReLU or leaky ReLU run in a compiled
        kernel where there is a C compiler (a second the first time), all others as torch modules, 2000 rows a call.

        Args:
            points: shape (N, ambient_dim).

        Raises:
            UsageError: `points` has another shape.
            ModelError: the model raised.
        """
        x = np.ascontiguousarray(points, dtype=np.float32)
        if x.ndim != 2 or x.shape[1] != self.ambient_dim:
            raise UsageError(
                f"The encoder of {self.name} takes an array of shape (N, {self.ambient_dim}), got {x.shape}."
            )
        return self._fast(x)

    @cached_property
    def _fast(self) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        from aeverify.autoencoders.engines.native import fast_form

        e, d = self.encoder_layers, self.decoder_layers
        compiled = None if e is None or d is None else fast_form((*e, *d))
        if compiled is not None:
            return compiled
        parts = [copy.deepcopy(part).float() for part in (self._encoder, self._decoder)]

        def through_modules(x: NDArray[np.float32]) -> NDArray[np.float32]:
            out = np.empty_like(x)
            with torch.no_grad(), one_thread():
                for start in range(0, len(x), _ROWS_PER_CALL):
                    rows = torch.from_numpy(x[start : start + _ROWS_PER_CALL])
                    try:
                        out[start : start + _ROWS_PER_CALL] = parts[1](parts[0](rows)).numpy()
                    except Exception as error:
                        raise ModelError(f"{self.name} raised {type(error).__name__} in float32: {error}.") from error
            return out

        return through_modules

    def _encode(self, points: FloatArray) -> FloatArray:
        return self._apply(0, points, self.latent_dim)

    def _decode(self, codes: FloatArray) -> FloatArray:
        return self._apply(1, codes, self.ambient_dim)

    def _apply(self, part: int, rows: FloatArray, width: int) -> FloatArray:
        if not len(rows):
            return np.empty((0, width))
        with torch.no_grad(), one_thread():
            parts = []
            for start in range(0, len(rows), self._rows):
                chunk = torch.from_numpy(np.ascontiguousarray(rows[start : start + self._rows])).to(self._device)
                out = require_rows(self._running[part](chunk), len(chunk), width)
                parts.append(out.double().cpu().numpy())
        return np.concatenate(parts)


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread inside: two threads slow small networks down, and one gives the same bits every time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _mode_note(*modules: nn.Module) -> str:
    found = sorted(
        {
            type(m).__name__
            for module in modules
            for m in module.modules()
            if m.training and isinstance(m, _RANDOM_IN_TRAINING)
        }
    )
    notes = [f"The model was in train mode with {', '.join(found)}; it is evaluated in eval mode."] if found else []
    batch = sorted(
        {
            type(m).__name__
            for module in modules
            for m in module.modules()
            if isinstance(m, nn.modules.batchnorm._NormBase)
            and m.running_mean is None
            and not isinstance(m, nn.modules.instancenorm._InstanceNorm)
        }
    )
    if batch:
        notes.append(
            f"{', '.join(batch)} has no running statistics and normalises by the batch, in eval mode too: what it "
            "returns for a point depends on the other points of the call."
        )
    return " ".join(notes)


def _agree(what: str, given: int | None, *read: int | None) -> int:
    known = [width for width in read if width is not None]
    if given is None and not known:
        raise UsageError(
            f"{what} cannot be read from the modules, which do not begin and end with torch.nn.Linear; give {what}=."
        )
    values = {*known, *([] if given is None else [given])}
    if len(values) > 1:
        encoder, decoder = (str(width) if width is not None else "unreadable" for width in read)
        raise UsageError(
            f"The {what}s disagree: {'not given' if given is None else given} by the caller, {encoder} in the encoder, "
            f"{decoder} in the decoder. Give modules that fit together, and the {what} that is theirs."
        )
    return known[0] if given is None else given


def _stored_dtype(*modules: nn.Module) -> torch.dtype:
    """The one type of all weights; float64 where there are several or none."""
    dtypes = {p.dtype for module in modules for p in module.parameters()}
    return dtypes.pop() if len(dtypes) == 1 else torch.float64

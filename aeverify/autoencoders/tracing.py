"""Tracing: the operators of a torch module, found by torch.export, against lists of continuous and of jumping ones.

torch.export runs the module's own Python once, on tensors without values, and records every ATen operator. So a branch
on values cannot hide: it makes the trace fail, and the module stays OPAQUE. Python that computes numbers in another way
(random, counters, numpy) would be recorded as constants; the recorded graph is therefore evaluated beside the module at
random points, and has to give the same numbers. The number of rows is left symbolic, so that a module that treats a
batch of one otherwise is not traced as if it did not.

Only operators whose result depends on the values of the input and reaches the output count. A division, a power, a
logarithm or a root is continuous where it is defined; it counts as continuous only where its argument is bounded away
from the points where it is not (`_positive`).
"""

from __future__ import annotations

import io
import logging
import operator
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import torch
from torch import nn

from aeverify.autoencoders.protocol import Continuity
from aeverify.errors import ModelError


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CONTINUOUS = _words(
    """
    linear addmm mm matmul bmm baddbmm addbmm dot mv einsum bilinear conv1d conv2d conv3d conv_transpose1d
    conv_transpose2d conv_transpose3d convolution relu relu6 leaky_relu prelu elu selu celu silu gelu mish tanh
    sigmoid hardtanh hardsigmoid hardswish softsign log_sigmoid softshrink softmax log_softmax _softmax _log_softmax
    glu sin cos exp expm1 erf erfc atan sinh cosh asinh sinc abs neg positive add sub rsub mul square maximum
    minimum clamp clamp_min clamp_max addcmul lerp max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
    upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_linear1d upsample_bilinear2d
    upsample_bicubic2d upsample_trilinear3d sum mean var std amax amin logsumexp cumsum cumprod prod norm
    linalg_vector_norm linalg_norm view reshape flatten unflatten permute transpose t numpy_T swapaxes movedim
    unsqueeze squeeze expand expand_as view_as reshape_as contiguous clone detach alias lift_fresh_copy cat concat
    stack hstack split split_with_sizes chunk unbind slice select narrow pad constant_pad_nd reflection_pad1d
    reflection_pad2d replication_pad1d replication_pad2d pixel_shuffle pixel_unshuffle flip roll repeat tile diag
    diag_embed diagonal tril triu real
    """
)
"""ATen operators that are continuous functions of all their tensor arguments, whatever the others are."""

_JUMPING = _words(
    """
    round floor ceil trunc fix frac sign sgn signbit heaviside copysign argmax argmin argsort gt lt ge le eq ne
    logical_and logical_or logical_not logical_xor bitwise_and bitwise_or bitwise_not isnan isinf isfinite isclose
    greater greater_equal less less_equal not_equal any all remainder fmod floor_divide bucketize searchsorted
    one_hot histc nonzero count_nonzero unique unique_consecutive hardshrink atan2 arctan2 angle quantize_per_tensor
    quantize_per_channel fake_quantize_per_tensor_affine fake_quantize_per_channel_affine
    """
)
"""Operators that jump somewhere."""

_CHOOSING = {
    **dict.fromkeys(("masked_fill", "masked_select", "masked_scatter", "index_put", "index", "take", "embedding"), 1),
    **dict.fromkeys(("gather", "scatter", "index_select"), 2),
    "where": 0,
}
"""Position of the argument by which an operator chooses: it jumps where that depends on the values."""

_RANDOM = _words(
    """
    rand randn randint rand_like randn_like normal bernoulli multinomial uniform poisson
    """
)
_NORMALISING = {"batch_norm": (5, 7), "layer_norm": (None, 4), "group_norm": (None, 4), "instance_norm": (None, 7)}
_DROPOUT = frozenset({"dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"})
_VALUES_FIRST = frozenset({"max", "min", "topk", "sort", "kthvalue", "median", "cummax", "cummin"})
_SAME_SIGN = _words(
    """
    expand expand_as view reshape unsqueeze squeeze contiguous clone detach alias
    """
)
_NOT_NEGATIVE = _words(
    """
    square abs exp softplus sigmoid softmax linalg_vector_norm norm relu
    """
)


def traced_continuity(module: nn.Module, width: int) -> tuple[Continuity, str]:
    """KNOWN, DISCONTINUOUS or OPAQUE as the operators of a module on rows of that width say, and why.

    The module is on the CPU, in float64 and in eval mode. Its Python runs, as in any call of it.
    """
    kind = type(module).__name__
    try:
        with quiet():
            program, any_batch = traced(module, width)
            if changes_itself(program):
                return Continuity.OPAQUE, f"{kind} changes its own buffers when it is called."
            jumping, unknown = _sorted_out(program)
            same = bool(jumping) or not any_batch or _same(program, module, width)
    except Exception as error:
        what = str(error).strip().partition("\n")[0][:160]
        return (
            Continuity.OPAQUE,
            f"The graph of {kind} is not known: torch.export cannot trace it ({type(error).__name__}: {what}).",
        )
    if jumping:
        return (
            Continuity.DISCONTINUOUS,
            f"Operators of the graph that jump or draw random numbers: {', '.join(jumping)}.",
        )
    if not any_batch:
        return Continuity.OPAQUE, f"{kind} can be traced for a fixed number of rows only: others may do something else."
    if not same:
        return Continuity.OPAQUE, f"torch.export records other numbers than {kind} computes: its graph says nothing."
    if unknown:
        return Continuity.OPAQUE, f"Operators of the graph that are not known to be continuous: {', '.join(unknown)}."
    return Continuity.KNOWN, "Every operator that torch.export finds is on the list of continuous ones."


def traced(module: nn.Module, width: int) -> tuple[torch.export.ExportedProgram, bool]:
    """The traced module and True, for any number of rows; or for three rows and False, in which jumps can be found, but
    nothing can be known to be continuous. Raises whatever torch.export raises."""
    rows = torch.zeros(3, width, dtype=torch.float64)
    batch = torch.export.Dim("batch", min=1, max=2**20)
    with torch.no_grad():
        try:
            return torch.export.export(module, (rows,), dynamic_shapes=({0: batch},), strict=False), True
        except Exception:
            return torch.export.export(module, (rows,), strict=False), False


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings and log lines of a trace that fails, which we report in our own words."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _same(program: torch.export.ExportedProgram, module: nn.Module, width: int) -> bool:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(5, width, dtype=torch.float64, generator=generator)
    with torch.no_grad():
        recorded, computed = program.module()(rows), module(rows)
        if not (isinstance(recorded, torch.Tensor) and isinstance(computed, torch.Tensor)):
            raise ModelError(f"the module returns {type(computed).__name__}, not one tensor")
        return torch.allclose(recorded, computed, rtol=1e-9, atol=1e-12, equal_nan=True)


def changes_itself(program: torch.export.ExportedProgram) -> bool:
    """Whether an operator writes into a weight or a buffer."""
    inputs = set(program.graph_signature.user_inputs)
    return bool(program.graph_signature.buffers_to_mutate) or any(
        node.op == "call_function"
        and str(node.target).split(".")[1:2]
        and str(node.target).split(".")[1].endswith("_")
        and isinstance(node.args[0], torch.fx.Node)
        and node.args[0].op == "placeholder"
        and node.args[0].name not in inputs
        for node in program.graph.nodes
    )


def operator_name(node: Any) -> str:
    """`relu` for aten.relu_.default; the whole name where it is no ATen operator."""
    if node.target is operator.getitem:
        return "getitem"
    target = str(node.target)
    namespace, _, rest = target.partition(".")
    return rest.partition(".")[0].removesuffix("_") if namespace == "aten" else target


def _sorted_out(program: torch.export.ExportedProgram) -> tuple[list[str], list[str]]:
    """Names of the operators on the way from the input's values to the output: those that jump, those not known."""
    signature = program.graph_signature
    inputs = set(signature.user_inputs)
    constants = {
        **{k: program.state_dict[v] for k, v in signature.inputs_to_parameters.items()},
        **{k: program.state_dict.get(v, program.constants.get(v)) for k, v in signature.inputs_to_buffers.items()},
        **{k: program.constants[v] for k, v in signature.inputs_to_lifted_tensor_constants.items()},
    }
    nodes = list(program.graph.nodes)
    depends: set[Any] = set()
    for node in nodes:
        by_shape = "sym_size" in str(node.target)
        if node.name in inputs or (not by_shape and any(n in depends for n in node.all_input_nodes)):
            depends.add(node)
    reaching: set[Any] = set()
    for node in reversed(nodes):
        if node.op == "output" or any(user in reaching for user in node.users):
            reaching.add(node)
    jumping: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for node in nodes:
        random = node.op == "call_function" and operator_name(node) in _RANDOM
        if node.op != "call_function" or node not in reaching or (node not in depends and not random):
            continue
        name = operator_name(node)
        verdict = Continuity.DISCONTINUOUS if random else _judge(node, name, depends, reaching, constants)
        if verdict is Continuity.DISCONTINUOUS:
            jumping[name] = None
        elif verdict is Continuity.OPAQUE:
            unknown[name] = None
    return list(jumping), list(unknown)


def _judge(node: Any, name: str, depends: set[Any], reaching: set[Any], constants: dict[str, Any]) -> Continuity:
    known, opaque, jumps = Continuity.KNOWN, Continuity.OPAQUE, Continuity.DISCONTINUOUS
    args = node.args
    if name in _CONTINUOUS or name == "getitem":
        return known
    if name in _CHOOSING:
        return jumps if any(n in depends for n in _nodes(args[_CHOOSING[name]])) else known
    if name in _JUMPING:
        return jumps
    if name == "softplus":
        # torch switches to the identity above beta x = threshold: at 20 by 2.1e-9/beta, which is taken for rounding
        beta, threshold = (args[1] if len(args) > 1 else 1.0), (args[2] if len(args) > 2 else 20.0)
        return known if beta > 0 and threshold >= 20 else opaque
    if name == "threshold":
        return known if args[1] == args[2] else jumps
    if name in ("to", "_to_copy", "type_as", "double", "float"):
        kind = node.meta["val"].dtype
        return known if kind.is_floating_point else jumps
    if name in _DROPOUT:
        return jumps if args[2] else known
    if name in _NORMALISING:
        trains, eps = _NORMALISING[name]
        positive = float(args[eps] if len(args) > eps else 1e-5) > 0
        return known if positive and not (trains is not None and args[trains]) else opaque
    if name == "scaled_dot_product_attention":
        return known if len(args) < 5 or args[4] == 0.0 else jumps
    if name in _VALUES_FIRST and all(u.target is operator.getitem for u in node.users):
        return known if all(u.args[1] == 0 for u in node.users if u in reaching) else jumps
    if name in ("max", "min", "median"):
        return known
    if name == "pow":
        exponent = args[1]
        return known if isinstance(exponent, int | float) and exponent >= 0 and exponent == int(exponent) else opaque
    if name == "div" and not node.kwargs.get("rounding_mode"):
        return known if _positive(args[1], constants) else opaque
    if name == "div":
        return jumps
    if name in ("sqrt", "log", "rsqrt", "reciprocal"):
        return known if _positive(args[0], constants) else opaque
    return opaque


def _nodes(argument: Any) -> list[Any]:
    if isinstance(argument, list | tuple):
        return [n for a in argument for n in _nodes(a)]
    return [argument] if isinstance(argument, torch.fx.Node) else []


def _positive(argument: Any, constants: dict[str, Any]) -> bool:
    """Whether a divisor is a constant without zeros, or provably positive."""
    if isinstance(argument, int | float):
        return argument != 0
    if not isinstance(argument, torch.fx.Node):
        return False
    if argument.op == "placeholder":
        value = constants.get(argument.name)
        return isinstance(value, torch.Tensor) and bool((value != 0).all())
    name, args = operator_name(argument), argument.args
    if name in _SAME_SIGN:
        return _positive(args[0], constants)
    if name in ("exp", "softplus", "sigmoid", "cosh"):
        return True
    if name in ("clamp_min", "clamp"):
        return len(args) > 1 and isinstance(args[1], int | float) and args[1] > 0
    if name == "add":
        first, second = args[0], args[1]
        other = second if isinstance(first, torch.fx.Node) else first
        node = first if isinstance(first, torch.fx.Node) else second
        by_number = isinstance(other, int | float) and other > 0 and not argument.kwargs
        return by_number and _not_negative(node, constants)
    if name in ("sqrt", "square"):
        return _positive(args[0], constants)
    return False


def _not_negative(node: Any, constants: dict[str, Any]) -> bool:
    if not isinstance(node, torch.fx.Node) or node.op == "placeholder":
        return False
    name = operator_name(node)
    if name in _NOT_NEGATIVE:
        return True
    if name in ("sum", "mean", "sqrt") or name in _SAME_SIGN:
        return _not_negative(node.args[0], constants)
    if name == "pow":
        return isinstance(node.args[1], int) and node.args[1] % 2 == 0
    if name == "mul":
        return node.args[0] is node.args[1]
    return False

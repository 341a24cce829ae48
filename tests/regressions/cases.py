"""The table: twenty changes that the gates of examples/ have to catch, twenty that they have to let pass."""

from __future__ import annotations

from functools import partial

from tests.regressions import digits_changes as digits
from tests.regressions import onnx_changes as graphs
from tests.regressions import torch_changes as network
from tests.regressions.running import Case

_CONV, _KERAS, _DIGITS = "pytorch", "keras", "scikit_learn"
_VIOLATED = {"exit_code": 1, "outcome": "FAIL", "reason": "VIOLATED"}
_ERROR_BOUND = {"claim": "error-bound", **_VIOLATED}
_COLLISION = {"claim": "injectivity-gap", **_VIOLATED}
_THEOREM_2 = {"claim": "theorem-2", **_VIOLATED}
_POPULATION = {"claim": "population-error", **_VIOLATED}


def _edited(change, **settings):
    return network.with_weights(partial(change, **settings))


REGRESSIONS = (
    Case(
        "weights perturbed",
        _CONV,
        "5 % of noise on every weight.",
        _edited(network.perturbed, scale=0.05),
        **_ERROR_BOUND,
    ),
    Case(
        "decoder shifted",
        _CONV,
        "The last bias is 0.02 too large, 2 % of full white in every pixel.",
        _edited(network.shifted),
        **_ERROR_BOUND,
    ),
    Case(
        "wrong normalisation",
        _CONV,
        "Pictures are scaled to [-1, 1] before they are encoded.",
        network.with_layers("encoder", 0, network.normalisation),
        **_ERROR_BOUND,
    ),
    Case(
        "collapsed code",
        _CONV,
        "The encoder's last weights are 0: one code for all pictures.",
        _edited(network.filled, key=f"{network.CODE}.weight", value=0.0),
        **_COLLISION,
    ),
    Case(
        "dead latent coordinate",
        _CONV,
        "The second code number is constant.",
        _edited(network.filled, key=f"{network.CODE}.weight", value=0.0, row=1),
        **_COLLISION,
    ),
    Case(
        "code clipped",
        _CONV,
        "Code numbers are clipped to [-1, 1].",
        network.with_layers("encoder", -1, lambda: [network.nn.Hardtanh()]),
        **_COLLISION,
    ),
    Case(
        "versions mixed",
        _CONV,
        "The encoder of a version whose code numbers are exchanged, with the old decoder.",
        _edited(network.axes_exchanged, parts=("encoder",)),
        **_ERROR_BOUND,
    ),
    Case(
        "batch norm in train mode",
        _CONV,
        "A batch norm that uses the statistics of each batch; on K as a whole it changes nothing.",
        network.with_layers("encoder", 2, partial(network.batch_norm, tracked=False)),
        exit_code=4,
        claim="error-bound",
        outcome="VACUOUS",
        reason="PREMISE_UNMET",
    ),
    Case(
        "quantised weights", _CONV, "Weights are rounded to 8 bits.", _edited(network.quantised, bits=8), **_ERROR_BOUND
    ),
    Case(
        "off by one pixel",
        _CONV,
        "The output is moved one pixel to the right.",
        network.with_layers("decoder", -1, network.one_pixel),
        **_ERROR_BOUND,
    ),
    Case(
        "NaN weights",
        _CONV,
        "One kernel is NaN.",
        _edited(network.filled, key=f"{network.FIRST}.weight", value=float("nan"), row=3),
        exit_code=2,
        reason="NaN",
    ),
    Case(
        "wrong code dimension",
        _CONV,
        "Weights of a network with three code numbers.",
        network.three_codes,
        exit_code=2,
        reason="has shape (3, 64), expected (2, 64)",
    ),
    Case(
        "truncated file",
        _CONV,
        "Half of the file is missing.",
        network.truncated,
        exit_code=2,
        reason="truncated or damaged",
    ),
    Case(
        "torn class",
        _KERAS,
        "Codes of a tenth of one circle are clipped.",
        graphs.with_graphs(graphs.class_torn),
        **_THEOREM_2,
    ),
    Case(
        "saturated activation",
        _KERAS,
        "tanh in place of ReLU in the decoder.",
        graphs.with_graphs(graphs.saturated),
        **_THEOREM_2,
    ),
    Case(
        "wrong activation slope",
        _KERAS,
        "Leaky ReLU of slope 0.1 in place of ReLU.",
        graphs.with_graphs(graphs.leaking),
        **_THEOREM_2,
    ),
    Case(
        "dropped bias", _KERAS, "The decoder's first bias is 0.", graphs.with_graphs(graphs.without_bias), **_THEOREM_2
    ),
    Case(
        "float16 overflow",
        _KERAS,
        "Weights that went through float16, where some became infinite.",
        graphs.with_graphs(graphs.in_half),
        exit_code=2,
        reason="infinit",
    ),
    Case(
        "stale preprocessing",
        _DIGITS,
        "The scaler of a release whose pixels went from 0 to 1.",
        digits.with_numbers(digits.stale),
        **_POPULATION,
    ),
    Case(
        "permuted outputs",
        _DIGITS,
        "Pictures come back transposed.",
        digits.with_code(digits.TRANSPOSED),
        **_POPULATION,
    ),
)

HARMLESS = (
    Case("renamed file", _CONV, "Saved again, under another name.", partial(network.unchanged, name="release-2.pth")),
    Case("wrapped checkpoint", _CONV, "A checkpoint with prefixes and an epoch beside the weights.", network.prefixed),
    Case("safetensors", _CONV, "safetensors in place of a state dict.", network.safetensors),
    Case("ONNX export", _CONV, "Encoder and decoder exported to ONNX.", network.exported),
    Case("float64 weights", _CONV, "Weights stored in float64.", _edited(network.in_double)),
    Case("other batch size", _CONV, "Seven rows at once.", partial(network.unchanged, options=("--batch-size", "7"))),
    Case("other seed", _CONV, "The check draws with seed 5.", partial(network.unchanged, options=("--seed", "5"))),
    Case(
        "more threads",
        _CONV,
        "Linear algebra with two threads.",
        network.unchanged,
        environment={"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
    ),
    Case("tiny noise", _CONV, "Weights differ by one in a million.", _edited(network.perturbed, scale=1e-6)),
    Case(
        "channels permuted", _CONV, "Hidden channels in another order throughout.", _edited(network.channels_permuted)
    ),
    Case(
        "codes exchanged",
        _CONV,
        "The two code numbers exchanged in encoder and decoder.",
        _edited(network.axes_exchanged, parts=("encoder", "decoder")),
    ),
    Case(
        "layers that do nothing",
        _CONV,
        "Identity and dropout layers; the model runs in evaluation mode.",
        network.with_layers("decoder", 2, network.harmless_layers),
    ),
    Case("batch norm taken out", _CONV, "A convolution as convolution and batch norm.", network.folded_apart),
    Case(
        "units permuted", _KERAS, "Hidden units in another order throughout.", graphs.with_graphs(graphs.units_permuted)
    ),
    Case("ReLU rescaled", _KERAS, "A layer times 8, the next by 8.", graphs.with_graphs(graphs.rescaled)),
    Case("one graph", _KERAS, "Encoder and decoder in one ONNX file.", graphs.one_graph),
    Case(
        "another exporter",
        _KERAS,
        "Gemm in place of MatMul and Add, and other names for all tensors and nodes.",
        graphs.with_graphs(graphs.exported_otherwise),
    ),
    Case(
        "signs flipped", _DIGITS, "Every second principal component negated.", digits.with_numbers(digits.signs_flipped)
    ),
    Case(
        "opaque functions", _DIGITS, "Two Python functions in place of the pipeline.", digits.with_code(digits.OPAQUE)
    ),
    Case("rows shuffled", _DIGITS, "The data in another order.", digits.rows_shuffled),
)

FAST = (
    "wrong code dimension",
    "truncated file",
    "stale preprocessing",
    "signs flipped",
    "opaque functions",
    "rows shuffled",
)
"""The rows that the default tests run; the others are slow."""

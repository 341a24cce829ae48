"""CPU microseconds per model-step of the paper's network at batch 20, ours beside peers: `python
benchmarks/training.py`.

One core, float32, 3-128-128-128-1-128-128-128-3, Adam, the 1000 published points; engines take turns, and the median of
the rounds is printed, as CPU time of the process, with its ratios. Peers that are not installed are left out:
TensorFlow (Keras), JAX. Then evaluation of a million points, and the wall time of two worker processes against one.
"""

from __future__ import annotations

import ctypes
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from torch import nn

from aeverify.autoencoders.architectures import architecture
from aeverify.autoencoders.engines.advance import advance
from aeverify.autoencoders.engines.functional import flat_weights
from aeverify.autoencoders.engines.native import kernel
from aeverify.autoencoders.engines.state import Group, ModelState
from aeverify.autoencoders.ensembles import train_ensemble
from aeverify.autoencoders.executors import WorkerPool
from aeverify.autoencoders.members import Member
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.recipes import recipe
from aeverify.core.seeds import Seed
from aeverify.manifolds import training_points

SHAPE = architecture("paper")
DATA = training_points("two_circles", "paper").points.astype(np.float32)
BATCH, EPOCH = 20, 50
FLOPS_A_STEP = 3 * 2 * (2 * (3 * 128 + 2 * 128 * 128 + 128)) * BATCH
ROUNDS = 3
MILLION = 1_000_000
ACTIVE = (1, 1, 1, 0, 1, 1, 1, 0)

PEAK = """
#include <string.h>
#if defined(__AVX512F__)
#define L 16
#elif defined(__AVX__)
#define L 8
#else
#define L 4
#endif
typedef float v __attribute__((vector_size(4 * L)));
#define ALL(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11)
#define START(i) v a##i = (v){0} + i;
#define STEP(i) a##i = a##i * b + c;
#define SUM(i) s += a##i;
double peak(long n, float x) {
    v b = (v){0} + x, c = b * 0.001f, s = {0};
    ALL(START)
    for (long k = 0; k < n; k++) { ALL(STEP) }
    ALL(SUM)
    return s[0];
}
int flops(void) { return 12 * 2 * L; }
"""


def measured_peak() -> float | None:
    """Multiply-adds of one core in GFLOP/s, by twelve independent chains; None without a compiler."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "peak.c", Path(folder) / "peak.so"
        source.write_text(PEAK)
        try:
            command = ["cc", "-O2", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC", source, "-o", library]
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.SubprocessError):
            return None
        loaded = ctypes.CDLL(str(library))
    loaded.peak.restype, loaded.peak.argtypes = ctypes.c_double, [ctypes.c_long, ctypes.c_float]
    rates = []
    for _ in range(5):
        before = time.process_time()
        loaded.peak(10_000_000, 0.999)
        rates.append(1e7 * loaded.flops() / (time.process_time() - before))
    return max(rates) / 1e9


def ours(models: int, engine: str) -> tuple[int, Callable[[int], None]]:
    """An ensemble of our engines; the call takes that many epochs of each model, everything included."""

    def take(epochs: int) -> None:
        how = recipe("paper", epochs=epochs)
        weights = [flat_weights(*SHAPE.build(Seed(i))) for i in range(models)]
        states = [ModelState(w, np.zeros((2, len(w)), np.float32)) for w in weights]
        keys, rates = [(i, i) for i in range(models)], [1e-3] * models
        for k in range(0, models, 16):
            some = slice(k, k + 16)
            count = len(states[some])
            group = Group(SHAPE, how, engine, "cpu", [DATA] * count, keys[some], rates[some], [None] * count,
                          states[some], len(DATA))  # fmt: skip
            advance(group)

    return models, take


def loader() -> tuple[int, Callable[[int], None]]:
    """The usual torch loop: a DataLoader, autograd, Adam."""
    encoder, decoder = SHAPE.build(Seed(0))
    network = nn.Sequential(encoder, decoder)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, eps=1e-7)
    batches = torch.utils.data.DataLoader(torch.from_numpy(DATA), batch_size=BATCH, shuffle=True)

    def take(epochs: int) -> None:
        for _ in range(epochs):
            for rows in batches:
                optimizer.zero_grad()
                nn.functional.mse_loss(network(rows), rows).backward()
                optimizer.step()

    return 1, take


def keras() -> tuple[int, Callable[[int], None]]:
    """The program that the paper prints, without its output."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    dense, inner = tf.keras.layers.Dense, tf.keras.layers.Input(shape=(1,))
    first = tf.keras.layers.Input(shape=(3,))
    h = first
    for _ in range(3):
        h = dense(128, activation="relu")(h)
    encoder = tf.keras.models.Model(inputs=first, outputs=dense(1, activation="linear")(h))
    h = inner
    for _ in range(3):
        h = dense(128, activation="relu")(h)
    decoder = tf.keras.models.Model(inputs=inner, outputs=dense(3, activation="linear")(h))
    model = tf.keras.models.Model(inputs=first, outputs=decoder(encoder(first)))
    model.compile(optimizer="adam", loss="mean_squared_error")
    return 1, lambda epochs: model.fit(DATA, DATA, epochs=epochs, batch_size=BATCH, shuffle=True, verbose=0)


def jax_scan(models: int) -> tuple[int, Callable[[int], None]]:
    """JAX: the epochs as one compiled scan over steps, vmapped over the models where there are several."""
    import jax
    import jax.numpy as jnp

    def forward(weights, h):  # type: ignore[no-untyped-def]
        for (w, b), active in zip(weights, ACTIVE, strict=True):
            h = h @ w + b
            h = jax.nn.relu(h) if active else h
        return h

    def step(carry, rows):  # type: ignore[no-untyped-def]
        weights, m, v, t = carry
        loss, g = jax.value_and_grad(lambda p: jnp.mean((forward(p, rows) - rows) ** 2))(weights)
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        rate, root = 1e-3 / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
        weights = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) * root + 1e-7), weights, m, v)
        return (weights, m, v, t), loss

    def run(carry, rows):  # type: ignore[no-untyped-def]
        return jax.lax.scan(step, carry, rows)

    def first(i: int):  # type: ignore[no-untyped-def]
        linears = [m for part in SHAPE.build(Seed(i)) for m in part if isinstance(m, nn.Linear)]
        return [(layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in linears]

    if models == 1:
        compiled, weights = jax.jit(run), first(0)
    else:
        compiled = jax.jit(jax.vmap(run))
        weights = jax.tree.map(lambda *x: jnp.stack(x), *[first(i) for i in range(models)])
    zeros = jax.tree.map(jnp.zeros_like, weights)
    carry = [(weights, zeros, zeros, jnp.zeros(()) if models == 1 else jnp.zeros(models))]
    rng = np.random.default_rng(0)

    def take(epochs: int) -> None:
        for _ in range(epochs):
            rows = np.stack([DATA[rng.permutation(1000)].reshape(EPOCH, BATCH, 3) for _ in range(models)])
            carry[0], losses = compiled(carry[0], rows[0] if models == 1 else rows)
            losses.block_until_ready()

    return models, take


def evaluations() -> dict[str, Callable[[], object]]:
    """Ways to send a million points through the network, in float32."""
    points = np.random.default_rng(0).normal(size=(MILLION, 3)).astype(np.float32)
    model = ModuleAutoencoder(*SHAPE.build(Seed(0)))
    found: dict[str, Callable[[], object]] = {"ours": lambda: model.reconstruct_fast(points)}
    linears = [m for part in SHAPE.build(Seed(0)) for m in part if isinstance(m, nn.Linear)]

    def by_torch(rows: int) -> None:
        with torch.no_grad():
            for h in torch.from_numpy(points).split(rows):
                for layer, active in zip(linears, ACTIVE, strict=True):
                    h = layer(h).relu_() if active else layer(h)

    found["torch, 2000 rows a call"] = lambda: by_torch(2000)
    found["torch, one call"] = lambda: by_torch(MILLION)
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return found
    weights = [(jnp.asarray(m.weight.detach().numpy().T), jnp.asarray(m.bias.detach().numpy())) for m in linears]

    def forward(h):  # type: ignore[no-untyped-def]
        for (w, b), active in zip(weights, ACTIVE, strict=True):
            h = h @ w + b
            h = jax.nn.relu(h) if active else h
        return h

    mapped = jax.jit(lambda x: jax.lax.map(forward, x.reshape(-1, 2000, 3)))
    found["JAX, lax.map"] = lambda: mapped(points).block_until_ready()
    return found


def processes(workers: int) -> tuple[float, float]:
    """16 models of 100 epochs in so many processes: seconds of wall time, and CPU microseconds a model-step of the
    workers with all that their start costs."""
    members = [Member(Seed(i), DATA.astype(np.float64)) for i in range(16)]
    cpu = children()
    with WorkerPool(workers) as pool:
        for future in [pool.submit(time.sleep, 0.5) for _ in range(workers)]:
            future.result()
        before = time.perf_counter()
        for _ in train_ensemble("paper", members, recipe("paper", epochs=100), executor=pool, workers=workers):
            pass
        took = time.perf_counter() - before
    return took, (children() - cpu) / (16 * 100 * EPOCH) * 1e6


def children() -> float:
    """CPU seconds of the processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run everything that is installed."""
    torch.set_num_threads(1)
    everything = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(everything)})
    makers: dict[str, tuple[Callable[[], tuple[int, Callable[[int], None]]], int]] = {
        "Keras (TensorFlow) fit": (keras, 10),
        "torch DataLoader": (loader, 10),
        "torch.func, N = 16": (lambda: ours(16, "functional"), 2),
        "JAX jit + scan": (lambda: jax_scan(1), 20),
        "JAX jit + scan + vmap, N = 16": (lambda: jax_scan(16), 2),
        "ours without a compiler, N = 16": (lambda: ours(16, "flat"), 2),
    }
    if kernel() is not None:
        makers |= {
            "ours, N = 1": (lambda: ours(1, "native"), 40),
            "ours, N = 16": (lambda: ours(16, "native"), 10),
            "ours, N = 64": (lambda: ours(64, "native"), 4),
        }
    engines = {}
    for name, (make, epochs) in makers.items():
        try:
            engines[name] = (*make(), epochs)
        except ImportError as error:
            say(f"{name}: left out ({error.name} is not installed)")
    found: dict[str, list[float]] = {name: [] for name in engines}
    for _, take, _ in engines.values():
        take(1)
    for _ in range(ROUNDS):
        for name, (models, take, epochs) in engines.items():
            before = time.process_time()
            take(epochs)
            found[name].append((time.process_time() - before) / (models * epochs * EPOCH) * 1e6)
    peak = measured_peak()
    medians = {name: statistics.median(values) for name, values in found.items()}
    base, jax_time = medians.get("Keras (TensorFlow) fit"), medians.get("JAX jit + scan")
    if peak is not None:
        say(f"measured peak of one core: {peak:.0f} GFLOP/s; floor {FLOPS_A_STEP / peak / 1e3:.0f} us a step")
    say("| engine | CPU us a model-step | against Keras | against JAX scan | share of peak |")
    say("|---|---|---|---|---|")
    for name, us in medians.items():
        ratios = [f"{other / us:.2f}x" if other else "" for other in (base, jax_time)]
        share = f"{FLOPS_A_STEP / us / 1e3 / peak:.0%}" if peak else ""
        say(f"| {name} | {us:.0f} | {ratios[0]} | {ratios[1]} | {share} |")
    ways = evaluations()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            before = time.process_time()
            way()
            times[name].append(time.process_time() - before)
    say("| a million points | CPU seconds |")
    say("|---|---|")
    for name, values in times.items():
        say(f"| {name} | {statistics.median(values):.2f} |")
    os.sched_setaffinity(0, everything)
    if len(everything) > 1:
        runs = [(processes(1), processes(2)) for _ in range(ROUNDS)]
        walls = min(one[0] for one, _ in runs) / min(two[0] for _, two in runs)
        cpus = [statistics.median(pair[k][1] for pair in runs) for k in (0, 1)]
        say(
            f"two processes against one: {walls:.2f}x by wall time (other programs slow it), CPU us a model-step "
            f"{cpus[0]:.0f} in one and {cpus[1]:.0f} in two: {2 * cpus[0] / cpus[1]:.2f}x where nothing else runs"
        )


if __name__ == "__main__":
    main()

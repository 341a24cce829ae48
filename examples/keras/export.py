"""Train the autoencoder of Kvalheim and Sontag's appendix in Keras, on the two linked circles, and export it to ONNX.

Run with TensorFlow, Keras 3 and tf2onnx installed (none of which aeverify needs):

    python examples/keras/export.py examples/keras

writes encoder.onnx and decoder.onnx into that folder. The layers are those of the paper's network, 3-128-128-128-1 and
back with ReLU; the data are 1000 points of the two linked unit circles, noise-free; Adam, with a rate that falls to
zero.
"""

import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers


def two_circles(count: int) -> np.ndarray:
    """Points on the circle in the x-y plane about 0 and on the one in the x-z plane about (1, 0, 0), half on each."""
    t = 2 * np.pi * np.arange(count // 2) / (count // 2)
    zero = np.zeros_like(t)
    first = np.stack([np.cos(t), np.sin(t), zero], axis=1)
    second = np.stack([1 + np.cos(t), zero, np.sin(t)], axis=1)
    return np.concatenate([first, second]).astype("float32")


def dense(sizes: list[int], name: str) -> keras.Sequential:
    """A stack of dense layers, ReLU after all but the last."""
    stack = [layers.Input((sizes[0],))]
    stack += [layers.Dense(width, activation="relu") for width in sizes[1:-1]]
    return keras.Sequential([*stack, layers.Dense(sizes[-1])], name=name)


def main(folder: Path) -> None:
    """Train and export."""
    keras.utils.set_random_seed(1)
    encoder, decoder = dense([3, 128, 128, 128, 1], "encoder"), dense([1, 128, 128, 128, 3], "decoder")
    autoencoder = keras.Sequential([encoder, decoder])
    points = two_circles(1000)
    steps = 1500 * len(points) // 100
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    autoencoder.compile(optimizer=keras.optimizers.Adam(rate), loss="mse")
    autoencoder.fit(points, points, epochs=1500, batch_size=100, verbose=0)
    sys.stdout.write(f"mean squared error {autoencoder.evaluate(points, points, verbose=0):.3g}\n")
    for part in (encoder, decoder):
        part.export(str(folder / f"{part.name}.onnx"), format="onnx", verbose=False)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))

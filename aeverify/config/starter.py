"""The claims file that `aeverify init` writes: every table with what it means, and it runs as it is."""

STARTER = """\
# A claims file of aeverify: what a model must satisfy before it ships.
#   aeverify check --claims claims.toml                      the models named below
#   aeverify check model.onnx --claims claims.toml           another model
# 'aeverify list claims' and 'aeverify explain CLAIM' say what there is.

title = "A first gate"

# K, the set on which claims are checked: a manifold whose truth is known ('aeverify list manifolds'), or a data set.
manifold = "circle"            # or a [data] table, below
# latent_dim = 1               # dimension of the code; that of the models by default
seed = 0                       # the same seed gives the same report
alpha = 0.01                   # error probability of all statistical statements of a run together

# [data]
# path = "digits.npy"          # .npy, .npz, .csv, .parquet, or a folder of pictures
# held_out = 0.5               # rows that the model was not trained on: a share, "column:NAME" or a second data set

# The models. Paths are relative to this file.
[[models]]
oracle = "cut:half_width=0.01" # a hand-built autoencoder with known answers; replace it by your own:
# file = "model.onnx"          # .onnx, .safetensors, .pt, ...
# decoder = "decoder.onnx"     # where it has a file of its own
# architecture = "mlp:hidden=[64,64]"   # for a file of bare weights
# name = "my model"            # as the report calls it

# The claims, each with its parameters. Without this table: every claim that applies to K and the latent dimension.
[claims.theorem-1]             # no continuous autoencoder gets its worst error below the width of K

[claims.theorem-2]             # but most of K can be reconstructed well
epsilon = 0.1                  # errors of at most this
delta = 0.05                   # off this share of K

[gate]
# claims = ["theorem-2"]       # the claims that can stop a release; all of them by default
allow_inconclusive = false     # true: what is undecided does not stop it
fail_on = []                   # outcomes that fail besides "fail": "error", "inconclusive", "vacuous"
# baseline = "baseline/report.json"     # fail only on what is worse than there
noise = 0.01                   # relative change of a number, beyond both enclosures, that counts as none

# A verdict that may fail for a while. It stays visible as ignored, and counts again after the day.
# [[ignore]]
# claim = "theorem-2"
# subject = "my model"         # every model by default
# reason = "known since v1.2, retraining is under way"
# until = 2027-01-31

[budget]
# seconds = 600                # claims that were not reached are NOT RUN, and the gate stays shut
# memory_mib = 4096

[measure]
samples = 2000                 # points with which the search for the worst error starts
draws = 20000                  # independent draws behind every statistical statement
"""

"""Model files of all formats: `open_model(path)` recognises what a file is and makes an autoencoder of it.

Opening runs no code of the file; formats that need that are refused unless `trust=True` is given. Importing this
package loads no torch and no onnx.
"""

from __future__ import annotations

from aeverify.autoencoders.files.formats import MAX_BYTES, FileFormat, file_format
from aeverify.autoencoders.files.opening import open_model

__all__ = ["MAX_BYTES", "FileFormat", "file_format", "open_model"]

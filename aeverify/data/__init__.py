"""Data sets from outside as K: rows of which nothing is known but what they are.

`load_data` reads arrays, tables, folders of pictures and torch's loaders into a `DataSet`; what its claims need beyond
the rows themselves (independent draws, held out from training) is the caller's word, and listed as such.
"""

from aeverify.data.dataset import MEMORY, DataSet, HeldOut, Part
from aeverify.data.loading import FORMATS, LIMIT, load_data

__all__ = ["FORMATS", "LIMIT", "MEMORY", "DataSet", "HeldOut", "Part", "load_data"]

"""Safetensors: tensors, with texts in the header of the file."""

from __future__ import annotations

import json
from functools import partial

from aim_tui.errors import ExportError
from aim_tui.exports.content import Tensors
from aim_tui.exports.formats.writer import DocumentWriter, Format

# The library refuses to read a longer header.
_MOST_HEADER = 100_000_000


def _document(content: Tensors) -> bytes:
    import numpy as np
    from safetensors.numpy import save

    tensors, metadata = content.tensors()
    # Quotes and backslashes of JSON inside JSON take two characters each.
    if sum(len(json.dumps(text)) for text in metadata.values()) > _MOST_HEADER - 10_000:
        raise ExportError(
            "the names of so many images do not fit into the header of a safetensors file", "choose npz or parquet"
        )
    return save({name: np.ascontiguousarray(array) for name, array in tensors.items()}, dict(metadata))


SAFETENSORS = Format("safetensors", "safetensors", partial(DocumentWriter, _document), ("safetensors",), Tensors)

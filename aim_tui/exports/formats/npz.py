"""NPZ: NumPy's arrays without pickle, names as bytes (UTF-8, or those of the file name), and `about` as JSON."""

from __future__ import annotations

import json
import os
from functools import partial
from typing import IO, Any

from aim_tui.exports.content import Arrays
from aim_tui.exports.formats.writer import BinaryWriter, Format


def _dump(content: Arrays, stream: IO[bytes]) -> None:
    import numpy as np

    numbers, names, about = content.arrays()
    arrays: dict[str, Any] = {name: np.ascontiguousarray(array) for name, array in numbers.items()}
    arrays |= {name: np.array([os.fsencode(one) for one in texts], np.bytes_) for name, texts in names.items()}
    arrays["about"] = np.array(json.dumps(about).encode("ascii"), dtype=np.bytes_)
    np.savez(stream, allow_pickle=False, **arrays)


NPZ = Format("npz", "NPZ", partial(BinaryWriter, _dump), ("npz",), Arrays)

"""NPZ: NumPy's arrays without pickle, names as bytes (UTF-8, or what a file name is made of), and `about` as JSON."""

from __future__ import annotations

import json
import os
from typing import IO, Any

from aim_tui.exports.content import Arrays
from aim_tui.exports.formats.writer import BinaryWriter, Format


class NpzWriter(BinaryWriter[Arrays]):
    """Arrays of numbers, arrays of names, and what they are of."""

    def dump(self, stream: IO[bytes]) -> None:
        """Write the file."""
        import numpy as np

        numbers, names, about = self.content.arrays()
        arrays: dict[str, Any] = {name: np.ascontiguousarray(array) for name, array in numbers.items()}
        arrays |= {name: np.array([os.fsencode(one) for one in texts], np.bytes_) for name, texts in names.items()}
        arrays["about"] = np.array(json.dumps(about).encode("ascii"), dtype=np.bytes_)
        np.savez(stream, allow_pickle=False, **arrays)


NPZ = Format("npz", "NPZ", NpzWriter, ("npz",), needs=Arrays)

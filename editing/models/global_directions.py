"""The table of global directions: what every style channel does to a picture's CLIP embedding.

(Patashnik et al. 2021, "StyleCLIP", section 6.) One unit vector per channel of the layers that were
measured; zero where a channel changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from editing.errors import BadInput
from editing.io.tensors import described, read_tensors, write_tensors

FORMAT = "latent-studio global directions 1"


@dataclass(frozen=True, eq=False)
class GlobalDirections:
    """Rows by layer.

    rows: layer name (as in ``Generator.styles``, in its order) -> [C, d].
    clip: the text-image model it was measured with: its fingerprint, or a name; empty where a
        file of another system does not say.
    fingerprint: of the generator; empty where a file of another system does not say.
    made: how it was measured (``table_build.TableOptions``); empty where nobody says.
    """

    rows: Mapping[str, Tensor]
    clip: str = ""
    fingerprint: str = ""
    made: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        widths = {rows.shape[-1] for rows in self.rows.values()}
        if len(widths) != 1 or any(rows.ndim != 2 for rows in self.rows.values()):
            raise BadInput(
                f"A table of global directions with {len(widths)} widths is not possible; give "
                "rows [C, d] of one width for every layer."
            )

    @property
    def num_channels(self) -> int:
        return sum(len(rows) for rows in self.rows.values())

    @property
    def width(self) -> int:
        """Of the text-image model's space."""
        return int(next(iter(self.rows.values())).shape[1])

    def check(
        self, widths: Mapping[str, int], fingerprint: str, clips: Mapping[str, int], domain: str
    ) -> None:
        """Refuse a table of another generator or another text-image model.

        Args:
            widths: channels of every layer of the generator.
            clips: what the domain's text-image model is called (fingerprint and name) -> its width.

        Raises:
            BadInput: says what the table is of, and what the domain has.
        """
        if self.fingerprint and self.fingerprint != fingerprint:
            raise BadInput(
                f"The table of global directions was measured on the generator {self.fingerprint}, "
                f"but {domain} has {fingerprint}; measure it anew with 'statistics build'."
            )
        for layer, rows in self.rows.items():
            if widths.get(layer) != len(rows):
                raise BadInput(
                    f"The table of global directions has {len(rows)} channels in {layer}, but the "
                    f"generator of {domain} has {widths.get(layer, 'no such layer')}; use the one "
                    "that was measured on it."
                )
        known = self.clip in clips if self.clip else self.width in clips.values()
        if not known or self.width not in clips.values():
            raise BadInput(
                f"The table of global directions was measured with the text-image model "
                f"{self.clip or 'of an unknown name'} (width {self.width}), but {domain} has "
                f"{', '.join(clips)}; convert the file it came from again, or measure it anew with "
                "'statistics build'."
            )


def split_table(table: Tensor, widths: Mapping[str, int]) -> dict[str, Tensor]:
    """A table [channels, d] by layers: all of them, or the first convolutions (StyleCLIP).

    Args:
        widths: channels of every layer of the generator, in its order.

    Raises:
        BadInput: no number of layers has that many channels.
    """
    convolutions = {name: width for name, width in widths.items() if not name.endswith("torgb")}
    whole = len(table) == sum(widths.values())
    found, start = {}, 0
    for name, width in (widths if whole else convolutions).items():
        if start < len(table):
            found[name] = table[start : start + width]
            start += width
    if start == len(table):
        return found
    raise BadInput(
        f"The table has {len(table)} rows, but the first layers of this generator have "
        f"{', '.join(map(str, list(convolutions.values())[:6]))}, ... channels; use the table that "
        "was measured on it."
    )


def save_global_directions(path: Path | str, table: GlobalDirections) -> None:
    """Write a safetensors file, rows as float16."""
    facts = {"layers": list(table.rows), "clip": table.clip, "fingerprint": table.fingerprint,
             "made": dict(table.made)}  # fmt: skip
    write_tensors(path, table.rows, FORMAT, facts, half=True)


def load_global_directions(path: Path | str) -> GlobalDirections:
    """Read a file of ``save_global_directions``.

    Raises:
        MissingFile: there is no such file.
        UnsafeFile: it holds something else.
    """
    tensors, facts = read_tensors(path, FORMAT)
    with described(path):
        rows = {name: tensors[name] for name in facts["layers"]}
        made = dict(facts.get("made", {}))
        return GlobalDirections(rows, str(facts["clip"]), str(facts["fingerprint"]), made)

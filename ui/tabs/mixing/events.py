"""What the Mixing tab calls: values -> one action of the mixing desk -> values.

Wires the Mixing tab; ``ui.page`` calls it once the page is laid out.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from editing.edits.mix_edits import Grain, Mix, Morph, Transfer
from editing.errors import BadInput, EditingError
from editing.models.generators.layers import style_rows
from ui.components.html import progress_html
from ui.components.wire import Wire
from ui.locales import say
from ui.panels.refresh import Display, pairs
from ui.runtime.toasts import polite
from ui.studio.session import Session
from ui.tabs.mixing.actions import Mate, MixingDesk, noise_rows
from ui.tabs.mixing.layout import STYLE, MixingTab, Slot
from ui.tabs.mixing.region import RegionHandlers, needed, wire_region

SEEDS_SHOWN = 6  # of a row or column of the grid


class MixingHandlers:
    """Bound to one desk; knows nothing of any visitor."""

    def __init__(self, desk: MixingDesk, display: Display) -> None:
        self.desk, self.display, self.studio = desk, display, desk.studio

    # -- slots: (mate, picture)

    @polite
    def take_seed(self, session: Session, lang: str, seed: float | None) -> tuple[Any, Any]:
        """The portrait of a seed into the slot."""
        return self._shown(self.desk.of_seed(seed))

    @polite
    def take_current(self, session: Session, lang: str) -> tuple[Any, Any]:
        """The current portrait into the slot."""
        return self._shown(self.desk.of_session(session))

    @polite
    def take_file(self, session: Session, lang: str, file: str | None) -> tuple[Any, Any]:
        """A photo, an exported PNG or a latent file into the slot."""
        if file is None:
            return gr.skip(), gr.skip()
        return self._shown(self.desk.of_file(Path(file)))

    def _shown(self, mate: Mate) -> tuple[Any, Any]:
        return mate, mate.picture

    def roll(self) -> int:
        return secrets.randbelow(1_000_000)

    def fill(self, mate: Mate | None, seed: float | None) -> tuple[Any, Any]:
        """A slot that is first looked at shows its seed."""
        return (gr.skip(), gr.skip()) if mate else self._shown(self.desk.of_seed(seed))

    # -- edits: each is tried while a slider is dragged, and made when it is released

    def of_layers(self, mate: Mate | None, *shares: float) -> Mix:
        return self.desk.crossover(needed(mate, "B"), shares)

    def of_weight(self, mate: Mate | None, groups: list[str], weight: float) -> Mix:
        return self.desk.crossover(needed(mate, "B"), self._shares(groups, weight))

    def of_morph(self, mate: Mate | None, amount: float, space: str) -> Mix:
        return Morph(needed(mate, "B").other, float(amount), space)

    def of_transfer(
        self, before: Mate | None, after: Mate | None, amount: float, along: list[str],
        groups: list[str] | None = None,
    ) -> Mix:  # fmt: skip
        ends = needed(before, "B").other, needed(after, "C").other
        rows = None if groups is None else self.desk.rows_of(groups)
        return Transfer(*ends, float(amount), rows, tuple(along or ()))

    def of_grain(self, seed: float | None, *strengths: float) -> Mix:
        named = dict(zip(self.studio.groups, strengths, strict=True))
        return Grain(None if seed is None else int(seed), *noise_rows(self.studio, named))

    def _shares(self, groups: Sequence[str], weight: float) -> list[float]:
        shares = self.desk.shares(groups or (), weight)
        if STYLE in (groups or ()):
            for row in style_rows(self.studio.domain.generator):
                shares[row] = float(weight)
        return shares

    def trier(self, make: Callable[..., Mix]) -> Callable[..., Any]:
        """A handler that shows the edit of ``make`` on the canvas while a slider is dragged."""

        def tried(session: Session, look: str, *values: Any) -> tuple[Any, Any]:
            try:
                return pairs(self.desk.preview(session, make(*values), look == "mask"), look)
            except EditingError:  # refused on release
                return gr.skip(), gr.skip()

        return tried

    def maker(self, make: Callable[..., Mix]) -> Callable[..., Any]:
        """A handler that makes the edit of ``make``."""

        def made(session: Session, lang: str, *values: Any) -> tuple[Any, ...]:
            made_: tuple[Any, ...] = self._make(session, lang, make, values)
            return made_

        return made

    @polite
    def _make(
        self, session: Session, lang: str, make: Callable[..., Mix], values: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        session = self.desk.apply(session, make(*values))
        return session, self.display.status(session)

    def spread(self, groups: list[str], weight: float) -> list[float]:
        """The share of the chosen groups on the sliders of the single layers."""
        return self._shares(groups, weight)

    # -- the API: whole edits by name

    @polite
    def mix(
        self, session: Session, lang: str, seed: float, layers: list[str], weight: float = 1.0
    ) -> tuple[Any, ...]:
        """Take layers (coarse, middle, fine, style) from the portrait of a seed."""
        edit = self.of_weight(self.desk.of_seed(seed), layers, weight)
        session = self.desk.apply(session, edit)
        return session, self.display.status(session)

    # -- both results of a crossover

    @polite
    def exchange(
        self, session: Session, lang: str, mate: Mate | None, *shares: float
    ) -> tuple[Any, Any]:
        """The portrait with layers of B, and B with the portrait's: (gallery, what was drawn)."""
        mate = needed(mate, "B")
        if not any(shares):
            raise BadInput("Nothing is exchanged yet; choose layers and raise the share of B.")
        names = (say("mix.result.mine", lang), say("mix.result.theirs", lang, name=mate.other.name))
        pictures = self.desk.exchange(session, mate, shares)
        cells = list(zip(pictures, names, strict=True))
        return gr.update(value=cells, visible=True), (mate, shares)

    @polite
    def take_result(
        self, session: Session, lang: str, drawn: Any, event: gr.SelectData
    ) -> tuple[Any, ...]:
        """One of the two results becomes the current portrait."""
        if drawn is not None:
            mate, shares = drawn
            mine = self.desk.without(session, mate)
            first, second = (mine, mate) if int(event.index) == 0 else (mate, mine)
            session = self.desk.adopt(session, first, second, shares)
        return session, self.display.status(session)

    # -- grid

    @polite
    def grid(
        self, session: Session, lang: str, mate: Mate | None, groups: list[str], rows: str,
        columns: str,
    ) -> Iterator[tuple[Any, ...]]:  # fmt: skip
        """A style-mixing grid: (gallery, what was drawn, progress)."""
        down = [self.desk.of_session(session), *map(self.desk.of_seed, seeds_of(rows))]
        across = [*([mate] if mate else []), *map(self.desk.of_seed, seeds_of(columns))]
        if not across:
            raise BadInput("A grid needs columns; name seeds such as 31, 32, or choose B.")
        shares = self._shares(groups, 1.0)
        total = (len(down) + 1) * (len(across) + 1)
        cells = []
        for cell in self.desk.grid(down, across, shares):
            cells.append(cell)
            text = say("mix.grid.done", lang, count=len(cells))
            yield gr.skip(), gr.skip(), progress_html(text, len(cells) / total, [], lang)
        gallery = gr.update(value=cells, columns=len(across) + 1)
        yield gallery, (down, across, shares), progress_html(text, 1.0, [], lang)

    @polite
    def pick(
        self, session: Session, lang: str, drawn: Any, event: gr.SelectData
    ) -> tuple[Any, ...]:
        """A cell of the grid becomes the current portrait."""
        if drawn is not None:
            down, across, shares = drawn
            row, column = divmod(int(event.index), len(across) + 1)
            if row > 0:
                first = down[row - 1]
                second = across[column - 1] if column > 0 else None
                session = self.desk.adopt(session, first, second, shares)
            elif column > 0:
                session = self.desk.adopt(session, across[column - 1], None, shares)
        return session, self.display.status(session)


def seeds_of(text: str) -> list[int]:
    """'7, 12 30' -> [7, 12, 30].

    Raises:
        BadInput: something else, or too many.
    """
    parts = [part for part in re.split(r"[\s,，、;]+", text or "") if part]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise BadInput(f"{text!r} are no seeds; write numbers such as 7, 12, 30.")
    if len(parts) > SEEDS_SHOWN:
        raise BadInput(f"{len(parts)} seeds are too many here; take up to {SEEDS_SHOWN}.")
    return [int(part) for part in parts]


LAST = {"trigger_mode": "always_last"}


def wire_mixing(page: Any, tab: MixingTab, shown: gr.Tab, h: MixingHandlers, wire: Wire) -> None:
    """Wire all of it; ``shown`` is the tab itself."""
    slot, layers, grid = tab.slot, tab.layers, tab.grid
    for each, opens in ((slot, shown.select), (tab.transfer.slot, shown.select)):
        _wire_slot(page, each, h, wire)
        held = [each.mate, each.picture]
        opens(h.fill, [each.mate, each.seed], held, **{**wire.interactive, **wire.private})
    spread = [layers.groups, layers.weight]
    for trigger in (layers.groups.input, layers.weight.release):
        trigger(h.spread, spread, layers.rows, **wire.instant)

    sliders(page, h, wire, [layers.weight], h.of_weight, [slot.mate, *spread])
    chosen = [slot.mate, *spread]
    wire.action(layers.groups.input, h.maker(h.of_weight), chosen, sliders=False)
    sliders(page, h, wire, layers.rows, h.of_layers, [slot.mate, *layers.rows])
    morph = [slot.mate, tab.morph.amount, tab.morph.space]
    sliders(page, h, wire, [tab.morph.amount], h.of_morph, morph)
    wire.action(tab.morph.space.input, h.maker(h.of_morph), morph, sliders=False)
    t = tab.transfer
    ends = [slot.mate, t.slot.mate, t.amount, t.along, t.groups]
    sliders(page, h, wire, [t.amount], h.of_transfer, ends)
    for chosen_anew in (t.along.input, t.groups.input):
        wire.action(chosen_anew, h.maker(h.of_transfer), ends, sliders=False)
    noise = [tab.grain.seed, *tab.grain.strengths.values()]
    sliders(page, h, wire, list(tab.grain.strengths.values()), h.of_grain, noise)
    wire.action(tab.grain.seed.submit, h.maker(h.of_grain), noise, sliders=False)
    regions = RegionHandlers(h.desk, h.display)
    wire_region(page, tab.region, slot.mate, regions, h.maker, wire)
    base = [page.session, page.language]
    exchanged = [*base, slot.mate, *layers.rows]
    results = [layers.results, layers.drawn]
    layers.exchange.click(h.exchange, exchanged, results, **{**wire.interactive, **wire.private})
    wire.action(layers.results.select, h.take_result, [layers.drawn])
    grid.run.click(
        h.grid,
        [*base, slot.mate, layers.groups, grid.rows, grid.columns],
        [grid.cells, grid.drawn, grid.progress],
        **wire.long,
        **wire.private,
    )
    wire.action(grid.cells.select, h.pick, [grid.drawn])
    seed = gr.Number(7, precision=0, visible=False, label="seed")
    names = list(h.studio.groups)
    groups = gr.CheckboxGroup([*names, "style"], value=names[:1], visible=False, label="layers")
    weight = gr.Slider(0, 1, 1, visible=False, label="weight")
    wire.action(gr.Button(visible=False).click, h.mix, [seed, groups, weight], "mix")


def sliders(
    page: Any,
    h: MixingHandlers,
    wire: Wire,
    moved: list[gr.Slider],
    make: Callable[..., Any],
    inputs: list[Any],
) -> None:
    """Dragging shows the edit of ``make``, releasing makes it."""
    c = page.canvas
    gr.on(
        [slider.input for slider in moved],
        h.trier(make),
        [page.session, c.view, *inputs],
        [c.picture, c.outcome],
        **LAST,
        **wire.interactive,
        **wire.private,
    )

    def released(*args: Any, **options: Any) -> Any:
        return gr.on([slider.release for slider in moved], *args, **options)

    wire.action(released, h.maker(make), inputs, sliders=False)


def _wire_slot(page: Any, slot: Slot, h: MixingHandlers, wire: Wire) -> None:
    base = [page.session, page.language]
    held, options = [slot.mate, slot.picture], {**wire.interactive, **wire.private}
    slot.seed.submit(h.take_seed, [*base, slot.seed], held, **options)
    rolled = slot.dice.click(h.roll, None, [slot.seed], **wire.instant)
    rolled.then(h.take_seed, [*base, slot.seed], held, **options)
    slot.now.click(h.take_current, base, held, **options)
    slot.file.upload(h.take_file, [*base, slot.file], held, **options)

"""Wires the Walk tab; ``ui.page`` calls it once the page is laid out."""

from typing import Any

from ui.mixing_tab import MixingTab
from ui.walk_handlers import WalkHandlers
from ui.walk_tab import WalkTab
from ui.workshop_wiring import Wire


def wire_walk(page: Any, tab: WalkTab, mixing: MixingTab, h: WalkHandlers, wire: Wire) -> None:
    """Wire all of it."""
    base = [page.session, page.language]
    tab.kind.input(h.show_settings, [tab.kind], list(tab.settings.values()), **wire.instant)
    mates = [mixing.slot.mate, mixing.transfer.slot.mate]
    shown = [tab.picture, tab.progress, tab.film, tab.still, tab.file, tab.recipe, tab.made]
    tab.run.click(
        h.walk_by_name(), [*base, *mates, *tab.wanted], shown, **wire.long, api_name="walk"
    )
    tab.stop.click(h.stop, None, None, **wire.instant)
    tab.measure.click(
        h.measure,
        [*base, tab.made],
        [tab.report, tab.plot, tab.heat],
        **wire.long,
        api_name="walk_motion",
    )
    tab.stop_measure.click(h.stop_measuring, None, None, **wire.instant)

"""Wires the Walk tab; ``ui.page`` calls it once the page is laid out."""

from typing import Any

from ui.tabs.boundaries.wiring import Wire
from ui.tabs.mixing.layout import MixingTab
from ui.tabs.walk.events import WalkHandlers
from ui.tabs.walk.layout import NAMES, WalkTab


def wire_walk(page: Any, tab: WalkTab, mixing: MixingTab, h: WalkHandlers, wire: Wire) -> None:
    """Wire all of it."""
    base = [page.session, page.language]
    settings = [tab.settings[name] for name in NAMES]
    tab.kind.input(h.show_settings, [tab.kind], settings, **wire.instant)
    mates = [mixing.slot.mate, mixing.transfer.slot.mate]
    asked, shown = [*base, *mates, *tab.wanted], [*tab.filmed, tab.made]
    tab.run.click(
        h.walk_by_name([each.value for each in tab.wanted]),
        asked,
        shown,
        **wire.long,
        api_name="walk",
    )
    tab.stop.click(h.stop, None, None, **wire.instant)
    m = tab.measured
    m.run.click(
        h.measure,
        [*base, tab.made],
        [m.report, m.plot, m.heat],
        **wire.long,
        api_name="walk_motion",
    )
    m.stop.click(h.stop_measuring, None, None, **wire.instant)

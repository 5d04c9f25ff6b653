"""Widgets of the workshop: a pad for two directions, pictures to pick, strips to keep.

Small pieces of HTML of the workshop: a heat map, a training's result, rows, safe ranges.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from editing.directions.direction import Direction
from editing.directions.rescoring import Effect, RowEffect
from ui.locales import attribute_name, say
from ui.runtime.markup import Html, html_box, joined, tag

PAD_JS = """
let held = false;
const at = (event) => {
  const box = element.querySelector('.pad').getBoundingClientRect();
  const part = (p, from, size) => Math.min(Math.max((p - from) / size, 0), 1);
  const x = part(event.clientX, box.left, box.width);
  const y = part(event.clientY, box.top, box.height);
  const dot = element.querySelector('.pad-dot');
  dot.style.left = 100 * x + '%';
  dot.style.top = 100 * y + '%';
  return { x: 2 * x - 1, y: 1 - 2 * y };
};
element.addEventListener('pointerdown', (event) => {
  if (!event.target.closest('.pad')) return;
  held = true;
  event.preventDefault();
  trigger('drag', at(event));
});
document.addEventListener('pointermove', (event) => { if (held) trigger('drag', at(event)); });
document.addEventListener('pointerup', (event) => {
  if (!held) return;
  held = false;
  trigger('drop', at(event));
});
element.addEventListener('keydown', (event) => {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  if (!step[event.key]) return;
  event.preventDefault();
  const dot = element.querySelector('.pad-dot');
  const x = parseFloat(dot.style.left) / 50 - 1 + 0.1 * step[event.key][0];
  const y = 1 - parseFloat(dot.style.top) / 50 + 0.1 * step[event.key][1];
  const inside = (v) => Math.min(Math.max(v, -1), 1);
  dot.style.left = 50 * (inside(x) + 1) + '%';
  dot.style.top = 50 * (1 - inside(y)) + '%';
  trigger('drop', { x: inside(x), y: inside(y) });
});
"""

PICKS_JS = """
element.addEventListener('click', (event) => {
  const pick = event.target.closest('[data-index]');
  if (pick) trigger('pick', { index: Number(pick.dataset.index) });
});
"""

STRIPS_JS = """
element.addEventListener('click', (event) => {
  const keep = event.target.closest('.strips-keep');
  if (keep) trigger('keep', { index: Number(keep.dataset.index) });
});
"""

# Functions, not subclasses; see ui.components.widgets.


def pad(**options: Any) -> gr.HTML:
    """A square to drag in: ``drag`` and ``drop`` fire with x and y in -1..1."""
    return html_box(pad_html(), script=PAD_JS, **options)


def pad_html(x: str = "", y: str = "", tip: str = "", at: tuple[float, float] = (0, 0)) -> Html:
    """The pad with words on its axes, and its dot ``at`` (-1..1, -1..1)."""
    return tag(
        "div",
        tag("span", x, class_="pad-x"),
        tag("span", y, class_="pad-y"),
        tag("i", class_="pad-dot", style=f"left:{50 * (at[0] + 1)}%;top:{50 * (1 - at[1])}%"),
        class_="pad", tabindex=0, role="application", aria_label=tip, title=tip,
    )  # fmt: skip


def picks(**options: Any) -> gr.HTML:
    """Pictures to mark as more or less; ``pick`` fires with an ``index``."""
    return html_box(picks_html(()), script=PICKS_JS, **options)


def picks_html(items: Sequence[Mapping[str, str]]) -> Html:
    """The pictures, of {"src": data URI, "side": "", "more" or "less", "word": str}."""
    buttons = [
        tag(
            "button", tag("img", src=item["src"], alt=""), tag("b"),
            class_=f"pick {item['side']}".strip(), data_index=index, role="listitem",
            aria_label=item["word"], title=item["word"],
        )
        for index, item in enumerate(items)
    ]  # fmt: skip
    return tag("div", buttons, class_="picks", role="list")


def strips(**options: Any) -> gr.HTML:
    """Rows of pictures with a name; ``keep`` fires with an ``index``."""
    return html_box(strips_html((), ""), script=STRIPS_JS, **options)


def strips_html(items: Sequence[Mapping[str, Any]], keep: str) -> Html:
    """The rows, of {"name", "note", "pictures": [data URI]}; ``keep`` is on their buttons."""
    rows = [
        tag(
            "div",
            tag("span", item["name"], tag("em", item["note"]), class_="strips-name"),
            tag("span", [tag("img", src=p, alt="") for p in item["pictures"]], class_="strips-row"),
            tag("button", keep, class_="strips-keep sm secondary", data_index=index),
            class_="strips-item",
            role="listitem",
        )
        for index, item in enumerate(items)
    ]
    return tag("div", rows, class_="strips", role="list")


FULL = 1.0  # σ of full colour


def heat_html(effects: Sequence[Effect], lang: str) -> Html:
    """The rescoring table: rows move, columns are read; red is more, blue is less."""
    if not effects:
        return joined()
    columns = list(effects[0].change)
    words = [attribute_name(column, lang) for column in columns]
    words += [say(f"metrics.{key}", lang) for key in ("identity", "background")]
    head = [tag("th", tag("span", word)) for word in words]
    rows = []
    for effect in effects:
        cells = [_heat(effect.change[c], c == effect.name) for c in columns]
        kept = "–" if effect.identity is None else f"−{effect.identity:.2f}"
        cells += [tag("td", kept), tag("td", f"{100 * effect.background:.0f}%")]
        rows.append(tag("tr", tag("th", attribute_name(effect.name, lang)), cells))
    top = tag("thead", tag("tr", tag("th"), head))
    return tag("div", tag("table", top, tag("tbody", rows)), class_="heat")


def _heat(value: float, own: bool) -> Html:
    strength = 100 * min(abs(value) / FULL, 1)
    colour = "var(--heat-more)" if value > 0 else "var(--heat-less)"
    text = f"{value:.1f}".replace("-", "−") if abs(value) >= 0.1 else ""
    mixed = f"color-mix(in srgb, {colour} {strength:.0f}%, transparent)"
    look = {"class_": "own" if own else None, "style": f"background:{mixed}"}
    return tag("td", text, title=f"{value:+.2f} σ", **look)


def trained_html(direction: Direction, cosines: Mapping[str, float], lang: str) -> Html:
    """How good a trained direction is: accuracy, AUC, margins, cosines."""
    meta, lines = direction.meta, []
    for part in ("validation", "all"):
        quality = meta.get(part)
        if quality and quality["accuracy"] is not None:
            area = "" if quality["auc"] is None else f" · AUC {quality['auc']:.2f}"
            percent = tag("b", f"{100 * quality['accuracy']:.0f} %")
            lines.append(joined(f"{say(f'train.{part}', lang)} ", percent, area))
    if meta.get("picked"):
        words = ", ".join(
            f"{attribute_name(name, lang)} {weight:+.2f}" for name, weight in meta["picked"].items()
        )
        lines.append(joined(f"{say('train.meant', lang)} {words}"))
    if direction.safe_range:
        low, high = direction.safe_range
        lines.append(joined(say("train.range", lang, low=f"{low:g}", high=f"{high:g}")))
    near = sorted(cosines.items(), key=lambda item: -abs(item[1]))[:4]
    if near:
        words = ", ".join(f"{attribute_name(name, lang)} {value:+.2f}" for name, value in near)
        lines.append(joined(f"{say('train.cosines', lang)} {words}"))
    texts = [tag("p", line) for line in lines]
    return tag("div", texts, margins_svg(meta.get("margins"), lang), class_="trained")


def margins_svg(margins: Mapping[str, Any] | None, lang: str) -> Html:
    """Distances from the boundary as two histograms in one picture."""
    if not margins:
        return joined()
    less, more = margins["less"], margins["more"]
    most, width = max(*less, *more, 1), 300 / len(less)
    bars = [
        tag(
            "rect", class_=kind, x=f"{i * width:.1f}", width=f"{width - 1:.1f}",
            y=f"{56 - 52 * count / most:.1f}", height=f"{52 * count / most:.1f}",
        )
        for kind, counts in (("less", less), ("more", more))
        for i, count in enumerate(counts)
    ]  # fmt: skip
    middle = tag("line", x1="150", x2="150", y1="0", y2="60")
    return tag(
        "svg", tag("title", say("train.margins", lang)), bars, middle, class_="margins",
        viewBox="0 0 300 60", preserveAspectRatio="none", role="img",
    )  # fmt: skip


def rows_html(effects: Sequence[RowEffect], lang: str) -> Html:
    """What every row changes, as bars: the picture, the background, the attribute."""
    most = max((effect.picture for effect in effects), default=1) or 1
    lines = []
    for effect in effects:
        change = "" if effect.change is None else f"{effect.change:+.2f} σ"
        parts = (effect.picture, effect.background)
        cells = [(tag("td", _bar(part / most)), tag("td", f"{100 * part:.1f} %")) for part in parts]
        lines.append(tag("tr", tag("th", effect.row), cells, tag("td", change)))
    row, *words = (say(key, lang) for key in ("rows.row", "rows.picture", "metrics.background"))
    head = [tag("th", row), [tag("th", word, colspan=2) for word in words], tag("th")]
    return tag("table", tag("thead", tag("tr", head)), tag("tbody", lines), class_="rows")


def _bar(part: float) -> Html:
    return tag("i", style=f"width:{100 * min(part, 1):.0f}%")

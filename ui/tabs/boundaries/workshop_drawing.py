"""Small pieces of HTML of the workshop: a heat map, a training's result, rows, safe ranges."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from editing.directions.direction import Direction
from editing.directions.rescoring import Effect, RowEffect
from ui.locales import attribute_name, say

FULL = 1.0  # σ of full colour


def heat_html(effects: Sequence[Effect], lang: str) -> str:
    """The rescoring table: rows move, columns are read; red is more, blue is less."""
    if not effects:
        return ""
    columns = list(effects[0].change)
    head = "".join(f"<th><span>{escape(attribute_name(c, lang))}</span></th>" for c in columns)
    extra = [say(f"metrics.{key}", lang) for key in ("identity", "background")]
    head += "".join(f"<th><span>{escape(word)}</span></th>" for word in extra)
    rows = []
    for effect in effects:
        cells = "".join(_heat(effect.change[c], c == effect.name) for c in columns)
        kept = "–" if effect.identity is None else f"−{effect.identity:.2f}"
        cells += f"<td>{kept}</td><td>{100 * effect.background:.0f}%</td>"
        rows.append(f"<tr><th>{escape(attribute_name(effect.name, lang))}</th>{cells}</tr>")
    return (
        f'<div class="heat"><table><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _heat(value: float, own: bool) -> str:
    strength = min(abs(value) / FULL, 1)
    colour = "var(--heat-more)" if value > 0 else "var(--heat-less)"
    text = f"{value:.1f}".replace("-", "−") if abs(value) >= 0.1 else ""
    mark = ' class="own"' if own else ""
    return (
        f'<td{mark} style="background:color-mix(in srgb, {colour} {100 * strength:.0f}%, '
        f'transparent)" title="{value:+.2f} σ">{text}</td>'
    )


def trained_html(direction: Direction, cosines: Mapping[str, float], lang: str) -> str:
    """How good a trained direction is: accuracy, AUC, margins, cosines."""
    meta, lines = direction.meta, []
    for part in ("validation", "all"):
        quality = meta.get(part)
        if quality and quality["accuracy"] is not None:
            area = "" if quality["auc"] is None else f" · AUC {quality['auc']:.2f}"
            percent = f"{100 * quality['accuracy']:.0f} %"
            lines.append(f"{say(f'train.{part}', lang)} <b>{percent}</b>{area}")
    if meta.get("picked"):
        words = ", ".join(
            f"{attribute_name(name, lang)} {weight:+.2f}" for name, weight in meta["picked"].items()
        )
        lines.append(f"{say('train.meant', lang)} {escape(words)}")
    if direction.safe_range:
        low, high = direction.safe_range
        lines.append(say("train.range", lang, low=f"{low:g}", high=f"{high:g}"))
    near = sorted(cosines.items(), key=lambda item: -abs(item[1]))[:4]
    if near:
        words = ", ".join(f"{attribute_name(name, lang)} {value:+.2f}" for name, value in near)
        lines.append(f"{say('train.cosines', lang)} {escape(words)}")
    texts = "".join(f"<p>{line}</p>" for line in lines)
    return f'<div class="trained">{texts}{margins_svg(meta.get("margins"), lang)}</div>'


def margins_svg(margins: Mapping[str, Any] | None, lang: str) -> str:
    """Distances from the boundary as two histograms in one picture."""
    if not margins:
        return ""
    less, more = margins["less"], margins["more"]
    most, width = max(*less, *more, 1), 300 / len(less)
    bars = "".join(
        f'<rect class="{kind}" x="{i * width:.1f}" width="{width - 1:.1f}" '
        f'y="{56 - 52 * count / most:.1f}" height="{52 * count / most:.1f}"/>'
        for kind, counts in (("less", less), ("more", more))
        for i, count in enumerate(counts)
    )
    return (
        f'<svg class="margins" viewBox="0 0 300 60" preserveAspectRatio="none" role="img">'
        f"<title>{escape(say('train.margins', lang))}</title>{bars}"
        f'<line x1="150" x2="150" y1="0" y2="60"/></svg>'
    )


def rows_html(effects: Sequence[RowEffect], lang: str) -> str:
    """What every row changes, as bars: the picture, the background, the attribute."""
    most = max((effect.picture for effect in effects), default=1) or 1
    lines = []
    for effect in effects:
        change = "" if effect.change is None else f"{effect.change:+.2f} σ"
        lines.append(
            f"<tr><th>{effect.row}</th><td>{_bar(effect.picture / most)}</td>"
            f"<td>{100 * effect.picture:.1f} %</td><td>{_bar(effect.background / most)}</td>"
            f"<td>{100 * effect.background:.1f} %</td><td>{change}</td></tr>"
        )
    words = [say(key, lang) for key in ("rows.row", "rows.picture", "metrics.background")]
    head = f"<th>{words[0]}</th><th colspan=2>{words[1]}</th><th colspan=2>{words[2]}</th><th></th>"
    return (
        f'<table class="rows"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
    )


def _bar(part: float) -> str:
    return f'<i style="width:{100 * min(part, 1):.0f}%"></i>'


def safe_css(ranges: Mapping[str, tuple[float, float]], reach: float) -> str:
    """Style rules that mark the safe range on the track of each slider (element id -> range)."""
    rules = []
    for element, (low, high) in ranges.items():
        start, end = (0.5 + 0.5 * max(min(v / reach, 1), -1) for v in (low, high))
        rules.append(f"#{element} {{--safe-from:{start:.3g};--safe-to:{end:.3g}}}")
    return f"<style>{''.join(rules)}</style>"

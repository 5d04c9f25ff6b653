"""Small pieces of HTML: the metrics line and the progress of an inversion."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from ui.locales import attribute_name, note, say

FULL_BAR = 2.0  # sigma: a bar of this length is full
FAR = 2.0  # times what held-out pictures reach: beyond, the page says so
CURVES = ("pixel", "perceptual")
WIDTH, HEIGHT, MARGIN = 300, 60, 4  # of the curves, in units of their own


def metrics_html(
    identity: float | None,
    perceptual: float | None,
    moved: Mapping[str, float],
    lang: str,
    background: float | None = None,
) -> str:
    """Identity and difference as numbers, what moved as bars around a middle line."""
    numbers = [
        _number(key, value, lang)
        for key, value in (("metrics.identity", identity), ("metrics.perceptual", perceptual))
        if value is not None
    ]
    if background is not None:
        percent = f"<b>{100 * background:.1f} %</b>"
        numbers.append(f"{_tip('metrics.background', lang)}{percent}")
    bars = [_bar(attribute_name(name, lang), sigma) for name, sigma in moved.items()]
    moves = f'<div class="bars">{"".join(bars)}</div>' if bars else ""
    title = _tip("metrics.moved", lang) if bars else ""
    return f'<div class="metrics">{"".join(numbers)}{title}{moves}</div>'


def line_html(text: str, done: float) -> str:
    """Progress in the place of the metrics, so that it is seen from every tab."""
    bar = f'<div class="bar"><i style="width:{100 * done:.1f}%"></i></div>'
    return f'<div class="metrics waiting"><span>{escape(text)}</span>{bar}</div>'


def waiting_html(lang: str, key: str = "metrics.wait") -> str:
    return f'<div class="metrics waiting" role="status">{escape(say(key, lang))}</div>'


def progress_html(text: str, done: float, losses: Sequence[Mapping[str, float]], lang: str) -> str:
    """A bar (``done`` in 0..1), a line of text and the losses so far as curves."""
    bar = f'<div class="bar"><i style="width:{100 * done:.1f}%"></i></div>'
    curves = _curves(losses, lang) if len(losses) > 1 else ""
    return f'<div class="progress" role="status"><p>{escape(text)}</p>{bar}{curves}</div>'


def result_html(
    fit: Mapping[str, float | None] | None,
    findings: Sequence[str],
    lang: str,
    edited: bool = False,
) -> str:
    """How near an inversion is to its photo, and what the search has to say.

    ``edited``: edits were carried over to what a long search has found.
    """
    if fit is None:
        return ""
    formats = {"psnr": "{:.1f} dB", "ssim": "{:.2f}", "perceptual": "{:.3f}", "identity": "{:.2f}"}
    numbers = [
        f"{_tip(f'fit.{name}', lang)}<b>{form.format(value)}</b>"
        for name, form in formats.items()
        if (value := fit.get(name)) is not None
    ]
    lines = [note(sentence, lang) for sentence in findings]
    if edited:
        lines.append(say("fit.edited", lang))
    return f'<div class="metrics fit">{"".join(numbers)}</div>{_findings(lines)}'


def caveats_html(
    fit: Mapping[str, float | None] | None, reach: float | None, notes: Sequence[str], lang: str
) -> str:
    """What a person should know of the pictures above it; "" where all is well.

    Args:
        reach: perceptual distance of held-out pictures of the domain's world, but the worst 5 %.
        notes: of the edit in the photo.
    """
    lines = [note(sentence, lang) for sentence in notes]
    found = (fit or {}).get("perceptual")
    if reach and found and found > FAR * reach:
        lines.insert(0, say("fit.far", lang, times=f"{found / reach:.0f}"))
    return _findings(lines)


def _findings(lines: Sequence[str]) -> str:
    texts = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f'<div class="findings">{texts}</div>' if texts else ""


def note_html(text: str) -> str:
    return f'<div class="progress"><p>{escape(text)}</p></div>'


def _number(key: str, value: float, lang: str) -> str:
    return f"{_tip(key, lang)}<b>{value:.2f}</b>"


def _tip(key: str, lang: str) -> str:
    return f'<abbr title="{escape(say(f"{key}.tip", lang))}">{escape(say(key, lang))}</abbr>'


def _bar(name: str, sigma: float) -> str:
    width = 50 * min(abs(sigma) / FULL_BAR, 1)
    left = 50 - width if sigma < 0 else 50
    return (
        f'<span class="moved" title="{escape(name)} {sigma:+.2f} σ"><i><s style="left:{left:.1f}%;'
        f'width:{width:.1f}%"></s></i>{escape(name)}</span>'
    )


def _curves(losses: Sequence[Mapping[str, float]], lang: str) -> str:
    """Pixel and perceptual loss, each between its own extremes, on a logarithmic scale."""
    drawn, words = "", []
    for name in CURVES:
        points = [(i, each[name]) for i, each in enumerate(losses) if each.get(name, 0) > 0]
        if len(points) < 2:
            continue
        drawn += f'<polyline class="{name}" points="{_polyline(points, len(losses))}"/>'
        value = f"{points[-1][1]:.4f}"
        words.append(f'<span class="{name}">{escape(say(f"loss.{name}", lang))} {value}</span>')
    title = f"<title>{escape(say('inversion.loss', lang))}</title>"
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img"'
    legend = f'<div class="legend">{"".join(words)}</div>'
    return f'<svg class="curve" {box}>{title}{drawn}</svg>{legend}'


def _polyline(points: Sequence[tuple[int, float]], count: int) -> str:
    """Points of a curve; at most two for each pixel of its width."""
    logs = [(i, math.log(value)) for i, value in points[:: max(len(points) // (2 * WIDTH), 1)]]
    low, high = min(v for _, v in logs), max(v for _, v in logs)
    span, last = (high - low) or 1.0, max(count - 1, 1)
    inner = HEIGHT - 2 * MARGIN
    return " ".join(
        f"{WIDTH * i / last:.1f},{MARGIN + inner * (high - v) / span:.1f}" for i, v in logs
    )

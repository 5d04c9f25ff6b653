"""Small pieces of HTML: the metrics line and the progress of an inversion."""

import math
from collections.abc import Mapping, Sequence

from ui.locales import attribute_name, note, say
from ui.runtime.markup import Html, css_name, joined, tag

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
) -> Html:
    """Identity and difference as numbers, what moved as bars around a middle line."""
    numbers = [
        _number(key, value, lang)
        for key, value in (("metrics.identity", identity), ("metrics.perceptual", perceptual))
        if value is not None
    ]
    if background is not None:
        percent = tag("b", f"{100 * background:.1f} %")
        numbers.append(joined(_tip("metrics.background", lang), percent))
    bars = [_bar(attribute_name(name, lang), sigma) for name, sigma in moved.items()]
    moves = [_tip("metrics.moved", lang), tag("div", bars, class_="bars")] if bars else []
    return tag("div", numbers, moves, class_="metrics")


def line_html(text: str, done: float) -> Html:
    """Progress in the place of the metrics, so that it is seen from every tab."""
    return tag("div", tag("span", text), _done(done), class_="metrics waiting")


def waiting_html(lang: str, key: str = "metrics.wait") -> Html:
    return tag("div", say(key, lang), class_="metrics waiting", role="status")


def progress_html(text: str, done: float, losses: Sequence[Mapping[str, float]], lang: str) -> Html:
    """A bar (``done`` in 0..1), a line of text and the losses so far as curves."""
    curves = _curves(losses, lang) if len(losses) > 1 else None
    return tag("div", tag("p", text), _done(done), curves, class_="progress", role="status")


def result_html(
    fit: Mapping[str, float | None] | None,
    findings: Sequence[str],
    lang: str,
    edited: bool = False,
) -> Html:
    """How near an inversion is to its photo, and what the search has to say.

    ``edited``: edits were carried over to what a long search has found.
    """
    if fit is None:
        return joined()
    formats = {"psnr": "{:.1f} dB", "ssim": "{:.2f}", "perceptual": "{:.3f}", "identity": "{:.2f}"}
    numbers = [
        (_tip(f"fit.{name}", lang), tag("b", form.format(value)))
        for name, form in formats.items()
        if (value := fit.get(name)) is not None
    ]
    lines = [note(sentence, lang) for sentence in findings]
    if edited:
        lines.append(say("fit.edited", lang))
    return joined(tag("div", numbers, class_="metrics fit"), findings_html(lines))


def caveats_html(
    fit: Mapping[str, float | None] | None, reach: float | None, notes: Sequence[str], lang: str
) -> Html:
    """What a person should know of the pictures above it; "" where all is well.

    Args:
        reach: perceptual distance of held-out pictures of the domain's world, but the worst 5 %.
        notes: of the edit in the photo.
    """
    lines = [note(sentence, lang) for sentence in notes]
    found = (fit or {}).get("perceptual")
    if reach and found and found > FAR * reach:
        lines.insert(0, say("fit.far", lang, times=f"{found / reach:.0f}"))
    return findings_html(lines)


def findings_html(lines: Sequence[str]) -> Html:
    """Sentences under each other; "" without any."""
    return tag("div", [tag("p", line) for line in lines], class_="findings") if lines else joined()


def note_html(text: str) -> Html:
    return tag("div", tag("p", text), class_="progress")


def _done(done: float) -> Html:
    return tag("div", tag("i", style=f"width:{100 * done:.1f}%"), class_="bar")


def _number(key: str, value: float, lang: str) -> Html:
    return joined(_tip(key, lang), tag("b", f"{value:.2f}"))


def _tip(key: str, lang: str) -> Html:
    return tag("abbr", say(key, lang), title=say(f"{key}.tip", lang))


def _bar(name: str, sigma: float) -> Html:
    width = 50 * min(abs(sigma) / FULL_BAR, 1)
    left = 50 - width if sigma < 0 else 50
    bar = tag("i", tag("s", style=f"left:{left:.1f}%;width:{width:.1f}%"))
    return tag("span", bar, name, class_="moved", title=f"{name} {sigma:+.2f} σ")


def _curves(losses: Sequence[Mapping[str, float]], lang: str) -> Html:
    """Pixel and perceptual loss, each between its own extremes, on a logarithmic scale."""
    drawn, words = [], []
    for name in CURVES:
        points = [(i, each[name]) for i, each in enumerate(losses) if each.get(name, 0) > 0]
        if len(points) < 2:
            continue
        drawn.append(tag("polyline", class_=name, points=_polyline(points, len(losses))))
        word = f"{say(f'loss.{name}', lang)} {points[-1][1]:.4f}"
        words.append(tag("span", word, class_=name))
    picture = tag(
        "svg", tag("title", say("inversion.loss", lang)), drawn, class_="curve", role="img",
        viewBox=f"0 0 {WIDTH} {HEIGHT}", preserveAspectRatio="none",
    )  # fmt: skip
    return joined(picture, tag("div", words, class_="legend"))


def _polyline(points: Sequence[tuple[int, float]], count: int) -> str:
    """Points of a curve; at most two for each pixel of its width."""
    logs = [(i, math.log(value)) for i, value in points[:: max(len(points) // (2 * WIDTH), 1)]]
    low, high = min(v for _, v in logs), max(v for _, v in logs)
    span, last = (high - low) or 1.0, max(count - 1, 1)
    inner = HEIGHT - 2 * MARGIN
    return " ".join(
        f"{WIDTH * i / last:.1f},{MARGIN + inner * (high - v) / span:.1f}" for i, v in logs
    )


def safe_css(ranges: Mapping[str, tuple[float, float]], reach: float) -> Html:
    """Style rules that mark the safe range on the track of each slider (element id -> range)."""
    rules = []
    for element, (low, high) in ranges.items():
        start, end = (0.5 + 0.5 * max(min(v / reach, 1), -1) for v in (low, high))
        rules.append(f"#{css_name(element)} {{--safe-from:{start:.3g};--safe-to:{end:.3g}}}")
    return tag("style", "".join(rules))

"""Small pieces of HTML: the metrics line and the progress of an inversion."""

from collections.abc import Mapping, Sequence
from html import escape

from ui.messages import attribute_name, say

FULL_BAR = 2.0  # sigma: a bar of this length is full


def metrics_html(
    identity: float | None, perceptual: float | None, moved: Mapping[str, float], lang: str
) -> str:
    """Identity and difference as numbers, what moved as bars around a middle line."""
    numbers = [
        _number(key, value, lang)
        for key, value in (("metrics.identity", identity), ("metrics.perceptual", perceptual))
        if value is not None
    ]
    bars = [_bar(attribute_name(name, lang), sigma) for name, sigma in moved.items()]
    title = _tip("metrics.moved", lang) if bars else ""
    return f'<div class="metrics">{"".join(numbers)}{title}{"".join(bars)}</div>'


def line_html(text: str, done: float) -> str:
    """Progress in the place of the metrics, so that it is seen from every tab."""
    bar = f'<div class="bar"><i style="width:{100 * done:.1f}%"></i></div>'
    return f'<div class="metrics waiting"><span>{escape(text)}</span>{bar}</div>'


def waiting_html(lang: str) -> str:
    return f'<div class="metrics waiting">{escape(say("metrics.wait", lang))}</div>'


def progress_html(text: str, done: float, losses: Sequence[float], lang: str) -> str:
    """A bar (``done`` in 0..1), a line of text and the loss so far as a curve."""
    bar = f'<div class="bar"><i style="width:{100 * done:.1f}%"></i></div>'
    curve = _curve(losses, say("inversion.loss", lang)) if len(losses) > 1 else ""
    return f'<div class="progress" role="status"><p>{escape(text)}</p>{bar}{curve}</div>'


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


def _curve(losses: Sequence[float], title: str) -> str:
    low, high = min(losses), max(losses)
    span = (high - low) or 1.0
    last = len(losses) - 1
    points = " ".join(
        f"{300 * i / last:.1f},{4 + 52 * (high - loss) / span:.1f}" for i, loss in enumerate(losses)
    )
    return (
        f'<svg class="curve" viewBox="0 0 300 60" preserveAspectRatio="none" role="img">'
        f'<title>{escape(title)}</title><polyline points="{points}"/></svg>'
    )

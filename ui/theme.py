"""How the page looks and how it is served: theme, style sheet, script and launch settings."""

import json
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from ui.components.choices import LEVELS
from ui.locales import LANGUAGES, tooltips
from ui.runtime.calls import Calls
from ui.runtime.request_limits import Guard, Limits
from ui.server.headers import Headers
from ui.server.login import Login
from ui.server.origins import Names, Origins

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = ("page.js", "canvas.js")
MAX_UPLOAD = f"{Limits.upload_mb}mb"
QUEUE = 96  # events waiting over all visitors; ``request_limits.Limits`` says how many of one
TIPS = {  # element id -> message key of its hover text
    **{name: name for name in ("undo", "redo", "reset", "stop", "seed", "open", "download")},
    **{f"download-{kind}": f"download.{kind}" for kind in ("plain", "photo", "latent", "recipe")},
    **{f"download-{kind}": f"download.{kind}" for kind in ("pasted", "session", "zip")},
    "pin": "pin",
    "canvas": "canvas",
    "outcome": "canvas",
    "zoom": "zoom",  # page.js places it
    **{f"level-{level}": "level" for level in LEVELS},
    **{name: name for name in ("resume", "film", "untune")},
}


def theme() -> gr.themes.Base:
    """One accent colour on quiet greys, in the visitor's own system font (also for Chinese)."""
    fonts = ["system-ui", "-apple-system", "Segoe UI", "PingFang SC", "Noto Sans SC", "sans-serif"]
    return gr.themes.Base(
        primary_hue=gr.themes.colors.indigo,
        secondary_hue=gr.themes.colors.indigo,
        neutral_hue=gr.themes.colors.zinc,
        radius_size=gr.themes.sizes.radius_md,
        font=fonts,
        font_mono=["ui-monospace", "Consolas", "monospace"],
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        block_shadow="none",
        block_border_width="0px",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_500",
        button_primary_text_color="white",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
    )


def script() -> str:
    """The page's scripts, with the hover texts they hang on elements by id."""
    tips = {lang: tooltips(TIPS, lang) for lang in LANGUAGES}
    scripts = [(ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return "".join(scripts).replace("/* TIPS */ {}", json.dumps(tips))


def launch_options(names: Names | None = None) -> dict[str, Any]:
    """Settings fit for strangers: no telemetry, no run history, nothing of an error's inside.

    ``names`` are those that the server answers to beside "localhost" and addresses of digits.
    """
    names, own = names or Names(), script()
    walls = [
        Middleware(Headers, scripts=[own], framed=names.any),
        Middleware(Origins, names=names),
        Middleware(Login),
        Middleware(Guard),
        Middleware(Calls),
    ]
    return {
        "theme": theme(),
        "css_paths": ASSETS / "page.css",
        "head": f"<script>{own}</script>",
        "max_file_size": MAX_UPLOAD,
        "show_error": False,
        "run_history": False,
        "max_threads": 64,  # more than the queue lets run: what is instant waits for none of it
        "state_session_capacity": 500,  # a long session holds some megabytes of pictures
        "enable_monitoring": False,
        "ssr_mode": False,
        "footer_links": ["api"],
        "app_kwargs": {"middleware": walls},
        "quiet": True,
    }

"""Latent Studio's door: flags -> a domain -> the page -> a server."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from editing.domains import Domain
    from ui.workshop import Truth


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Start Latent Studio in your browser.")
    parser.add_argument("--domain", default="portraits", help="which world (default: portraits)")
    parser.add_argument("--host", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="port (default: the first free one from 7860)")
    parser.add_argument("--share", action="store_true", help="also make a public link")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--lang", choices=["en", "zh"], default="en", help="first language")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    return parser.parse_args(arguments)


def truth_of(domain: "Domain") -> "Truth | None":
    """The renderer behind the bundled world, where its code is here; None for any other domain."""
    if domain.name != "portraits":
        return None
    try:
        from training.twin import RenderedTruth
    except ImportError:  # training/ is for developers and may be left out
        return None
    return RenderedTruth(domain.resolution)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; 2 for a refusal, which is one sentence on stderr."""
    options = parse(arguments)
    print("Starting Latent Studio…", flush=True)  # what follows takes some seconds
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported
    # Threads that wait sleep instead of spinning: on shared cores a picture took ten times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported
    from editing.domains import open_domain
    from editing.errors import EditingError
    from editing.memory import keep_large_blocks
    from ui.look import launch_options
    from ui.page import build_app

    keep_large_blocks()
    try:
        domain = open_domain(options.domain, device=options.device)
        page = build_app(domain, options.lang, truth_of(domain))
        page.launch(
            server_name=options.host,
            server_port=options.port,
            share=options.share,
            inbrowser=options.open,
            prevent_thread_lock=True,
            **launch_options(),
        )
    except (EditingError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Latent Studio is at {page.local_url} (stop it with Ctrl-C)", flush=True)
    if options.share:
        print(
            f"Public link: {page.share_url}"
            if page.share_url
            else "There is no public link, because gradio.live could not be reached; the local "
            "address works, and an SSH tunnel to it makes it public.",
            flush=True,
        )
    page.block_thread()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Latent Studio's door: flags -> a domain -> the page -> a server."""

import argparse
import errno
import importlib.util
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr

    from editing.domains import Domain
    from ui.workshop import Truth

BUNDLED = "portraits"
LOCAL = "127.0.0.1"
MAX_PORT = 65535


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Start Latent Studio in your browser.")
    parser.add_argument("--domain", default=BUNDLED, help="which world (default: portraits)")
    parser.add_argument("--host", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="port (default: the first free one from 7860)")
    parser.add_argument(
        "--hosts",
        metavar="NAMES",
        help="names the server is reached by, as NAME or NAME,NAME (default: this machine's own)",
    )
    parser.add_argument("--share", action="store_true", help="also make a public link")
    parser.add_argument("--auth", metavar="USER:PASSWORD", help="ask visitors for these")
    parser.add_argument("--mcp", action="store_true", help="serve the endpoints as MCP tools, too")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--lang", choices=["en", "zh"], default="en", help="first language")
    parser.add_argument(
        "--links",
        metavar="FOLDER",
        help="let visitors share work made from photos: kept in FOLDER for 7 days (default: off)",
    )
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


def auth_of(text: str | None) -> tuple[str, str] | None:
    """USER:PASSWORD -> both, or None for None.

    Raises:
        BadInput: one of them is missing.
    """
    from editing.errors import BadInput

    user, _, password = (text or "").partition(":")
    if text is not None and not (user and password):
        raise BadInput(f"--auth {user!r} needs a user and a password; write --auth USER:PASSWORD.")
    return (user, password) if text else None


def check_mcp(wanted: bool, auth: object) -> None:
    """Gradio would print a page of errors, and serve without it.

    Raises:
        BadInput: together with a password: the tools would be listed to anybody, and work for
            nobody.
        MissingFile: the extra is not installed.
    """
    from editing.errors import BadInput, MissingFile

    if wanted and auth:
        raise BadInput(
            "--mcp and --auth do not go together: a program that uses the tools cannot log in. "
            "Start one studio with --mcp on this machine, and one with --auth for visitors."
        )
    if wanted and importlib.util.find_spec("mcp") is None:
        raise MissingFile("--mcp needs the package mcp; run pip install 'gradio[mcp]' first.")


def check_port(host: str | None, port: int | None) -> None:
    """Find out before anything is loaded whether the server can listen there.

    Raises:
        BadInput: no port, one that is in use or not allowed, or an address of another machine.
    """
    from editing.errors import BadInput

    if port is None:  # the first free one is looked for
        return
    if not 1 <= port <= MAX_PORT:
        raise BadInput(f"--port {port} is not possible; choose from 1024 to {MAX_PORT}.")
    name = host or os.environ.get("GRADIO_SERVER_NAME") or LOCAL
    try:
        kind, *_, address = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(kind, socket.SOCK_STREAM) as trial:
            if os.name == "posix":  # as the server does: a port just left is free
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except socket.gaierror as error:
        raise BadInput(f"--host {name!r} is no address; leave it out for this machine.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"The port {port} is in use; choose another --port, or leave it out"
        elif error.errno == errno.EACCES:
            reason = f"The port {port} needs rights that you do not have; choose one above 1023"
        else:
            reason = f"--host {name} is no address of this machine; leave it out"
        raise BadInput(f"{reason}.") from error


def prepare() -> None:
    """What libraries read from the environment when they are imported."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    # Threads that wait sleep instead of spinning: on shared cores a picture took ten times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Its threads would belong to whoever asks first, and keep the low priority of long work.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Who names visitors for us has to be configured: else anybody on this machine could be all.
    proxies = {"spaces": "*"}  # there its proxy alone reaches the app
    os.environ.setdefault("FORWARDED_ALLOW_IPS", proxies.get(os.environ.get("SYSTEM", ""), ""))
    if os.environ.get("SPACES_ZERO_GPU"):  # this package has to be there before torch
        importlib.import_module("spaces")


def build_page(options: argparse.Namespace) -> "gr.Blocks":
    """The page of the domain that was asked for; of the bundled one where its files are missing."""
    from editing.domains import open_domain
    from editing.errors import MissingFile
    from ui.fetching import Fetcher
    from ui.lanes import share_cores
    from ui.links import Links
    from ui.page import build_app
    from ui.room import claim, default_base, move_in
    from ui.zerogpu import home_device

    # Downloads go to this machine: only where nobody else can reach the page may it start them.
    host = options.host or os.environ.get("GRADIO_SERVER_NAME") or LOCAL
    own = host in (LOCAL, "localhost", "::1") and not options.share
    links = Links(Path(options.links)) if options.links else None
    device = home_device(options.device)
    domain = open_domain(options.domain, device=device)
    move_in(claim(default_base()))  # before anything is made that keeps files

    def page_of(domain: "Domain", fetcher: Fetcher) -> "gr.Blocks":
        share_cores(domain.resolution)
        return build_app(domain, options.lang, truth_of(domain), fetcher, links)

    try:
        return page_of(domain, Fetcher(allowed=own))
    except MissingFile as error:
        if domain.name == BUNDLED:
            raise
        print(f"{error} Meanwhile the studio opens on {BUNDLED}.", file=sys.stderr, flush=True)
    return page_of(open_domain(BUNDLED, device=device), Fetcher(domain, own))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; 2 for a refusal, which is one sentence on stderr."""
    from editing.errors import EditingError

    options = parse(arguments)
    mcp = options.mcp or os.environ.get("GRADIO_MCP_SERVER", "").lower() == "true"
    try:
        auth = auth_of(options.auth)
        check_mcp(mcp, auth)
        check_port(options.host, options.port)
    except EditingError as error:
        print(error, file=sys.stderr)
        return 2
    print("Starting Latent Studio…", flush=True)  # what follows takes some seconds
    if options.share:  # its tunnel ends on this machine, and names visitors
        os.environ.setdefault("FORWARDED_ALLOW_IPS", "127.0.0.1")
    prepare()
    from editing.memory import keep_large_blocks
    from ui.look import launch_options
    from ui.messages import say
    from ui.origins import names_of
    from ui.tools import serve_tools

    keep_large_blocks()
    try:
        page = build_page(options)
        page.launch(
            server_name=options.host,
            server_port=options.port,
            share=options.share,
            auth=auth,
            auth_message=say("login.slow", options.lang) if auth else None,
            mcp_server=mcp,
            inbrowser=options.open,
            prevent_thread_lock=True,
            **launch_options(names_of(options.host, options.hosts, os.environ)),
        )
        if mcp:
            serve_tools(page)
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
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: tidily
    page.block_thread()
    return 0


if __name__ == "__main__":
    sys.exit(main())

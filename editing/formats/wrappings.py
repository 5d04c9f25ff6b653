"""State dicts inside checkpoints: under which keys and behind which prefixes they lie."""

from collections.abc import Iterator
from typing import Any

# Where a generator is kept, what is drawn with first: the running average before the weights that
# are trained.
AVERAGED = ("g_ema", "G_ema", "generator_ema", "params_ema", "ema", "generator_smooth")
TRAINED = ("state_dict", "g", "G", "generator", "params", "model")
HOLDERS = ("models",)  # of several networks by name: genforce's training checkpoints
PREFIXES = ("module.", "_orig_mod.", "generator_ema.", "g_ema.", "G_ema.", "generator.", "g.", "G.",
            "netG.")  # fmt: skip
MOST = 3  # keys and prefixes around one state dict
State = dict[str, Any]


def states_in(content: Any) -> Iterator[State]:
    """The state dicts in what a file holds, as it is first, then unwrapped, the likeliest first."""
    if not isinstance(content, dict):
        return
    waiting: list[tuple[dict[Any, Any], int]] = [(content, 0)]
    for found, depth in waiting:  # grows while it is read
        yield {str(key): value for key, value in found.items()}
        if depth == MOST:
            continue
        keys = (*AVERAGED, *HOLDERS, *TRAINED)
        inner = [found[key] for key in keys if isinstance(found.get(key), dict)]
        inner += [part for prefix in PREFIXES if (part := _behind(prefix, found))]
        waiting += [(part, depth + 1) for part in inner]


def state_with(content: Any, name: str) -> State:
    """The first state dict with a tensor of this name; {} where there is none."""
    return next((state for state in states_in(content) if name in state), {})


def mean_in(content: Any) -> Any:
    """The mean of W that rosinality's and its heirs' checkpoints hold beside the state dict."""
    return content.get("latent_avg") if isinstance(content, dict) else None


def is_trained_only(content: Any) -> bool:
    """Whether a checkpoint has the weights that are trained, and no running average of them."""
    return isinstance(content, dict) and (
        not any(key in content for key in (*AVERAGED, "state_dict"))
        and any(isinstance(content.get(key), dict) for key in TRAINED)
    )


def _behind(prefix: str, state: dict[Any, Any]) -> State:
    """The entries behind a prefix, without it."""
    return {
        str(key)[len(prefix) :]: value
        for key, value in state.items()
        if str(key).startswith(prefix)
    }

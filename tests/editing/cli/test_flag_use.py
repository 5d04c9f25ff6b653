"""A flag that does nothing in a mode of a command is refused there, not ignored."""

from argparse import Namespace
from pathlib import Path

import pytest

from editing.cli.flags.use import check_mode, flags_in, refuse_idle
from editing.cli.main import main
from editing.errors import BadInput
from editing.models.domain import Domain

TAKES = {"fast": ("--steps", "--rate"), "slow": ("--steps",), "none": ()}


def test_what_somebody_typed() -> None:
    words = ["edit", "x", "--move", "smile=-1", "--seed=3", "-h", "--", "--out"]
    assert flags_in(words) == {"--move", "--seed"}


def test_flags_of_other_modes_are_refused() -> None:
    args = Namespace(typed=frozenset({"--steps", "--json"}))
    check_mode(args, "fast", TAKES)
    with pytest.raises(BadInput, match="--steps does not apply to none; it is for fast or slow"):
        check_mode(args, "none", TAKES)
    check_mode(Namespace(), "none", TAKES)  # from Python, nothing was typed
    with pytest.raises(BadInput, match="--json does not apply to a seed; leave it out"):
        refuse_idle(args, "a seed", ["--json"])


@pytest.mark.parametrize(
    "words, message",
    [
        (("edit", "seed:1", "--move", "smile=1", "--level", "best"), "--level does not apply to a"),
        (("edit", "seed:1", "--move", "smile=1", "--no-align"), "--no-align does not apply"),
        (("edit", "seed:1", "--move", "smile=1", "--latent", "x.npz"), "for an exported PNG"),
        (("mix", "seed:1", "seed:2", "--feather", "0.1"), "--feather does not apply to layers"),
        (("mix", "seed:1", "seed:2", "--layers", "0", "--level", "quick"), "--level does not"),
        (("morph", "seed:1", "seed:2", "--amount", "0.5", "--fps", "5"), "--fps does not apply"),
        (("walk", "seed:1", "--kind", "sweep", "--along", "smile", "--radius", "1"), "--radius"),
        (("walk", "seed:1", "--kind", "loop", "--along", "smile"), "--along does not apply"),
        (("direction", "find", "--method", "axis", "--layers", "0"), "--layers does not apply"),
        (("direction", "find", "--method", "sefa", "--attribute", "smile"), "for subspace"),
        (("direction", "sweep", "seed:1", "--along", "smile", "--level", "best"), "--level does"),
        (("boundary", "train", "x", "--more", "1,2", "--less", "3,4", "--space", "z"), "--space"),
        (("boundary", "train", "x", "--labels", "l.csv", "--count", "50"), "--count does not"),
    ],
)
def test_at_the_command_line(
    tmp_path: Path,
    tiny_domain: Domain,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    message: str,
) -> None:
    out = tmp_path / ("x.gif" if words[0] == "walk" else "x.png")
    assert main([*words, "--domain", str(tiny_domain.folder), "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert message in said and "does not apply to" in said, said
    assert not out.exists()

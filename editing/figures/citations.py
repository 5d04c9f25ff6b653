"""BibTeX of the methods that a figure uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from editing.edits.stack import ChannelMove, Move
from editing.figures.figure import AnyEdit, Figure
from editing.inversion.invert import options_for
from editing.inversion.options import LEVELS

# key: (kind, authors, title, where, year)
PAPERS: dict[str, tuple[str, str, str, str, int]] = {
    "karras2019stylegan": (
        "inproceedings", "Karras, Tero and Laine, Samuli and Aila, Timo",
        "A Style-Based Generator Architecture for Generative Adversarial Networks", "CVPR", 2019,
    ),
    "karras2020stylegan2": (
        "inproceedings",
        "Karras, Tero and Laine, Samuli and Aittala, Miika and Hellsten, Janne and Lehtinen, "
        "Jaakko and Aila, Timo",
        "Analyzing and Improving the Image Quality of StyleGAN", "CVPR", 2020,
    ),
    "karras2021stylegan3": (
        "inproceedings",
        "Karras, Tero and Aittala, Miika and Laine, Samuli and H{\\\"a}rk{\\\"o}nen, Erik and "
        "Hellsten, Janne and Lehtinen, Jaakko and Aila, Timo",
        "Alias-Free Generative Adversarial Networks", "NeurIPS", 2021,
    ),
    "abdal2019image2stylegan": (
        "inproceedings", "Abdal, Rameen and Qin, Yipeng and Wonka, Peter",
        "Image2StyleGAN: How to Embed Images Into the StyleGAN Latent Space?", "ICCV", 2019,
    ),
    "abdal2020image2styleganpp": (
        "inproceedings", "Abdal, Rameen and Qin, Yipeng and Wonka, Peter",
        "Image2StyleGAN++: How to Edit the Embedded Images?", "CVPR", 2020,
    ),
    "zhu2020idinvert": (
        "inproceedings", "Zhu, Jiapeng and Shen, Yujun and Zhao, Deli and Zhou, Bolei",
        "In-Domain GAN Inversion for Real Image Editing", "ECCV", 2020,
    ),
    "alaluf2021restyle": (
        "inproceedings", "Alaluf, Yuval and Patashnik, Or and Cohen-Or, Daniel",
        "ReStyle: A Residual-Based StyleGAN Encoder via Iterative Refinement", "ICCV", 2021,
    ),
    "roich2022pti": (
        "article", "Roich, Daniel and Mokady, Ron and Bermano, Amit H. and Cohen-Or, Daniel",
        "Pivotal Tuning for Latent-based Editing of Real Images",
        "ACM Transactions on Graphics", 2022,
    ),
    "shen2020interfacegan": (
        "inproceedings", "Shen, Yujun and Gu, Jinjin and Tang, Xiaoou and Zhou, Bolei",
        "Interpreting the Latent Space of GANs for Semantic Face Editing", "CVPR", 2020,
    ),
    "patashnik2021styleclip": (
        "inproceedings",
        "Patashnik, Or and Wu, Zongze and Shechtman, Eli and Cohen-Or, Daniel and Lischinski, Dani",
        "StyleCLIP: Text-Driven Manipulation of StyleGAN Imagery", "ICCV", 2021,
    ),
    "wu2021stylespace": (
        "inproceedings", "Wu, Zongze and Lischinski, Dani and Shechtman, Eli",
        "StyleSpace Analysis: Disentangled Controls for StyleGAN Image Generation", "CVPR", 2021,
    ),
    "zhang2018lpips": (
        "inproceedings",
        "Zhang, Richard and Isola, Phillip and Efros, Alexei A. and Shechtman, Eli and Wang, "
        "Oliver",
        "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", "CVPR", 2018,
    ),
}  # fmt: skip
FAMILIES = {
    "stylegan1": "karras2019stylegan",
    "stylegan2": "karras2020stylegan2",
    "stylegan3": "karras2021stylegan3",
}
INVERSIONS = {
    "restyle": "alaluf2021restyle",
    "w": "abdal2019image2stylegan",
    "image2stylegan": "abdal2019image2stylegan",
    "image2stylegan++": "abdal2020image2styleganpp",
    "idinvert": "zhu2020idinvert",
    "projector": "karras2020stylegan2",
    "pti": "roich2022pti",
}


def cited(figure: Figure, family: str) -> list[str]:
    """Keys of ``PAPERS`` that a figure of this family of generators rests on, each once.

    Our own levels (quick, standard, best) cite the stages that they took from others.
    """
    return list(dict.fromkeys(_keys(figure, family)))


def _keys(figure: Figure, family: str) -> Iterator[str]:
    if family in FAMILIES:
        yield FAMILIES[family]
    for name in figure.inversions:
        if name in INVERSIONS:
            yield INVERSIONS[name]
        options = options_for(name)
        if name in LEVELS and options.noise.steps:
            yield "abdal2020image2styleganpp"
        if name in LEVELS and options.tune.steps:
            yield "roich2022pti"
    yield from (_edit_key(column.edit) for column in figure.columns)
    yield "zhang2018lpips"


def _edit_key(edit: AnyEdit) -> str:
    if isinstance(edit, Move):
        return "shen2020interfacegan"
    return "wu2021stylespace" if isinstance(edit, ChannelMove) else "patashnik2021styleclip"


def bibtex(keys: Iterable[str]) -> str:
    """The entries of these ``PAPERS``."""
    return "\n".join(_entry(key) for key in keys)


def _entry(key: str) -> str:
    kind, authors, title, where, year = PAPERS[key]
    place = "journal" if kind == "article" else "booktitle"
    return (
        f"@{kind}{{{key},\n  author = {{{authors}}},\n  title = {{{{{title}}}}},\n"
        f"  {place} = {{{where}}},\n  year = {{{year}}}\n}}\n"
    )

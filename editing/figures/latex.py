"""Tables for papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SPECIAL = {letter: f"\\{letter}" for letter in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "σ": r"$\sigma$",
    "α": r"$\alpha$",
}


def latex_table(rows: Sequence[Mapping[str, str]], caption: str) -> str:
    """A booktabs table; the keys of the first row are its head."""
    names = list(rows[0])
    words = " & ".join(escaped(name.replace("_", " ")) for name in names)
    lines = [" & ".join(escaped(row[name]) for name in names) + r" \\" for row in rows]
    parts = [
        r"\begin{table}",
        rf"\caption{{{escaped(caption)}}}",
        rf"\begin{{tabular}}{{{'l' * len(names)}}}",
        r"\toprule",
        words + r" \\",
        r"\midrule",
        *lines,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Plain text as LaTeX."""
    found = "".join(SPECIAL.get(letter, letter) for letter in text)
    return found.replace("–", "--")

"""Tables for papers."""

from editing.figures.latex import escaped, latex_table


def test_special_letters_are_escaped_once() -> None:
    assert escaped(r"50 % & a_b {x} #1 $ ~ ^") == (
        r"50 \% \& a\_b \{x\} \#1 \$ \textasciitilde{} \textasciicircum{}"
    )
    assert escaped("\\") == r"\textbackslash{}" and escaped("1 σ – α") == r"1 $\sigma$ -- $\alpha$"


def test_a_table_has_a_line_per_row() -> None:
    text = latex_table([{"a_b": "1", "c": "2"}, {"a_b": "3", "c": "4"}], "A & b")
    assert r"\begin{tabular}{ll}" in text and r"a b & c \\" in text
    assert text.count(r" \\") == 3 and r"\caption{A \& b}" in text

"""The words of the figure panel, in English and Chinese; of ``ui.locales``."""

FIGURE_MESSAGES: dict[str, tuple[str, str]] = {
    "figure": ("A figure for a paper", "论文插图"),
    "figure.intro": (
        "This portrait, every chosen inversion in a row, every edit in a column, each as strong as "
        "it must be to change its attribute equally. You get a PDF, a PNG, a LaTeX table, BibTeX "
        "and the recipe that draws it again.",
        "同一肖像：每种反演一行，每个编辑一列，强度调到属性变化相等。得到 PDF、PNG、LaTeX 表格、"
        "BibTeX 以及可重绘的配方。",
    ),
    "figure.attributes": ("Attributes", "属性"),
    "figure.texts": ("Texts, one per line", "文本，每行一个"),
    "figure.own": ("The edits made above, too", "也包括上面已做的编辑"),
    "figure.inversions": ("Inversions of the photo", "照片的反演方式"),
    "figure.inversions.info": (
        "None: the portrait as it is now.",
        "不选：用当前肖像本身。",
    ),
    "figure.amount": ("Change of each attribute (σ)", "每个属性的变化量（σ）"),
    "figure.draw": ("Draw the figure", "绘制插图"),
    "figure.stop": ("Stop", "停止"),
    "figure.picture": ("Figure", "插图"),
    "figure.files": ("Files", "文件"),
    "figure.running": (
        "Drawing and matching strengths… {percent} %",
        "正在绘制并匹配强度… {percent} %",
    ),
    "figure.left": ("about {seconds} s left", "约剩 {seconds} 秒"),
    "figure.done": ("{cells} pictures in {seconds} s", "{cells} 张图，用时 {seconds} 秒"),
    "figure.stopped": ("Stopped; nothing was written.", "已停止，没有写入文件。"),
    "figure.missed": (
        "{edit} reaches {change} σ of {attribute} only; the figure says so.",
        "{edit} 只能使{attribute}变化 {change} σ；图中已注明。",
    ),
}

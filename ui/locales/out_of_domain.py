"""The words of "Keep what the model cannot draw", in English and Chinese; of ``ui.locales``."""

KEEPING_MESSAGES: dict[str, tuple[str, str]] = {
    "keep": ("Keep what the model cannot draw", "保留模型画不出的内容"),
    "keep.tip": (
        "A hat, a hand, a patterned wall: your photo stays, and the edit is put in only where it "
        "changes something.",
        "帽子、手、花纹背景：照片保持原样，只在编辑真正改变之处放入编辑结果。",
    ),
    "keep.how": ("How the edit is put into your photo", "编辑如何放入照片"),
    "keep.threshold": ("Threshold", "阈值"),
    "keep.threshold.info": (
        "Higher: the edit keeps to where it shows most.",
        "越高，编辑越只限于变化最明显之处。",
    ),
    "keep.softness": ("Softness", "柔和度"),
    "keep.softness.info": (
        "How slowly photo and edit pass into each other.",
        "照片与编辑之间过渡的快慢。",
    ),
    "keep.deghost": ("Draw over ghosts", "去除残影"),
    "keep.deghost.off": ("no", "否"),
    "keep.deghost.mask": ("inside the mask", "仅在蒙版内"),
    "keep.deghost.all": ("everywhere", "整张图"),
    "keep.brush": (
        "Correct the mask by hand: white adds, black takes away.",
        "手动修正蒙版：白色添加，黑色去除。",
    ),
    "keep.use": ("Use what I painted", "采用涂抹"),
    "keep.forget": ("Forget it", "清除涂抹"),
    "keep.part.photo": ("I: your photo", "I：照片"),
    "keep.part.inverted": ("I′: its inversion", "I′：反演"),
    "keep.part.edited": ("T: the inversion, edited", "T：编辑后的反演"),
    "keep.part.mask": ("M: where it changed", "M：变化之处"),
    "keep.part.fused": ("F: T inside M, I outside", "F：M 内为 T，M 外为 I"),
    "keep.part.result": ("result, without ghosts", "去残影后的结果"),
    "keep.misfit": ("misfit inside M", "M 内的反演误差"),
    "keep.misfit.tip": (
        "How far the inversion is from your photo where the edit goes in: a part that was inverted "
        "badly is edited badly",
        "放入编辑之处反演与照片相差多少：反演不好的部分，编辑也不会好",
    ),
}

# Notes of the library, as patterns.
KEEPING_NOTES: tuple[tuple[str, str], ...] = (
    (r"The edit changes nothing", "编辑没有改变任何内容，照片原样返回。"),
    (r"No deghosting was trained", "此生成器没有训练去残影网络，直接给出融合结果。"),
    (
        r"differs from the photo by (\d+) % \(usual: up to (\d+) %\)",
        "蒙版内反演与照片相差 {0} %（通常不超过 {1} %），此处编辑可能不自然；"
        "请延长反演或启用调优。",
    ),
)

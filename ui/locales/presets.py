"""The words of the Presets tab."""

PRESET_MESSAGES: dict[str, tuple[str, str]] = {
    "presets": ("Presets", "预设"),
    "presets.intro": (
        "Published experiments, ready to run: as they were published, or on your portrait.",
        "已发表的实验，随时可运行：按原样运行，或应用到你的肖像。",
    ),
    "presets.group": ("Show", "显示"),
    "presets.group.all": ("all", "全部"),
    "presets.group.boundary": ("boundaries", "语义边界"),
    "presets.group.inversion": ("inversion", "反演"),
    "presets.group.text": ("text", "文字"),
    "presets.group.mixing": ("mixing", "风格混合"),
    "presets.group.walk": ("walks", "漫步"),
    "presets.apply": ("Apply to my portrait", "应用到我的肖像"),
    "presets.publish": ("Run as published", "按发表原样运行"),
    "presets.idle": (
        "Choose a card: pictures go to the canvas, sheets and films appear here.",
        "选择一张卡片：图像显示在画布上，拼图与影片显示在这里。",
    ),
    "presets.none": ("There are no presets here.", "这里没有预设。"),
    "presets.picture": ("{title}: before and after, or its frames", "{title}：前后对比或若干帧"),
    "presets.lacks": ("Not here yet: {reason}", "暂不可用：{reason}"),
    "presets.opened": ("{title}: opening…", "{title}：正在打开…"),
    "presets.edited": (
        "{title}: done. The edits are on the stack of the Boundaries tab.",
        "{title}：完成。编辑已放入“语义边界”页的编辑列表。",
    ),
    "presets.inverted": (
        "{title}: done. Undo brings the portrait before it back.",
        "{title}：完成。撤销可回到之前的肖像。",
    ),
    "presets.drawing": ("picture {done} of {total}", "第 {done} / {total} 张"),
    "presets.drawn": ("{title}: {total} pictures.", "{title}：{total} 张图像。"),
    "presets.stopped": ("{title}: stopped.", "{title}：已停止。"),
    "presets.file": ("Download", "下载"),
    "presets.recipe": ("Download its recipe", "下载配方"),
    "history.preset": ("{preset}", "{preset}（预设）"),
}

# What a domain lacks, as ``editing.recipes.presets.lacks`` says it.
PRESET_NOTES: tuple[tuple[str, str], ...] = (
    (r"(\S+) has no direction '([^']+)', which this needs", "{0} 没有方向 {1}，此预设需要它。"),
    (r"(\S+) has the layers 0-(\d+), and this needs (\d+)", "{0} 只有 0-{1} 层，此预设需要 {2}。"),
    (r"(\S+) has no channel (\S+);", "{0} 没有通道 {1}。"),
    (r"(\S+) has no text-image model", "{0} 还没有文本-图像模型（CLIP），无法读懂文字。"),
    (r"(\S+) has no scorer, which this walk asks", "{0} 没有打分模型，此漫步需要它。"),
    (r"(\S+) is StyleGAN2; only StyleGAN3", "{0} 是 StyleGAN2；只有 StyleGAN3 能移动和转动图像。"),
)

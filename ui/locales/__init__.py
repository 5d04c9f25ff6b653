"""Every word a visitor reads, in English and Chinese, side by side."""

import re
from collections.abc import Mapping, Sequence

from ui.locales.boundaries import BOUNDARY_MESSAGES, BOUNDARY_NOTES
from ui.locales.downloads import WEIGHTS_MESSAGES
from ui.locales.figures import FIGURE_MESSAGES
from ui.locales.mixing import MIXING_MESSAGES
from ui.locales.out_of_domain import KEEPING_MESSAGES, KEEPING_NOTES
from ui.locales.presets import PRESET_MESSAGES, PRESET_NOTES
from ui.locales.refusal_sentences import REFUSED
from ui.locales.refusals import REFUSAL_MESSAGES
from ui.locales.saving import SAVING_MESSAGES
from ui.locales.text import TEXT_MESSAGES

LANGUAGES = ("en", "zh")

# key: (English, Chinese). {names} are filled in by say().
MESSAGES: dict[str, tuple[str, str]] = {
    "tagline": ("Drop a photo, or move a slider.", "拖入一张照片，或移动一个滑块。"),
    "language": ("Language", "语言"),
    # source
    "photo": ("Your photo", "你的照片"),
    "photo.drop": ("Drop, paste or take a photo", "拖入、粘贴或拍一张照片"),
    "photo.looking": ("Looking for a face…", "正在寻找人脸…"),
    "examples": ("Or start from an example", "或从示例开始"),
    "example.photo": ("a photo", "真实照片"),
    "seed": ("Seed", "种子"),
    "class": ("Class", "类别"),
    "seed.tip": (
        "A number stands for one invented person: the same number always gives the same face.",
        "一个数字对应一个虚构人物：同一数字总是同一张脸。",
    ),
    "dice": ("Someone new", "换一个人"),
    "open": ("Open saved work", "打开已存文件"),
    "open.tip": (
        "A session file (.studio), a latent file (.npz) or a PNG that was downloaded here comes "
        "back ready to edit. Or drop it anywhere.",
        "在此下载的会话文件（.studio）、隐编码文件（.npz）或 PNG：打开或拖入页面即可继续编辑。",
    ),
    "open.photo": (
        "This was made from the photo {name}, which is not in the file. Drop that photo to get "
        "“Your photo, edited” back.",
        "此文件由照片 {name} 制作，但不含照片本身。拖入该照片即可恢复“编辑后的照片”。",
    ),
    "centre_crop": ("Use the centre of the picture", "使用图片中央"),
    # canvas
    "canvas": ("before | after", "编辑前 | 编辑后"),
    "canvas.tip": (
        "Zoom with the wheel, two fingers or + and −; ← and → move the line",
        "用滚轮、双指或 + − 键缩放；← → 键移动分界线",
    ),
    "zoom.tip": ("Show the whole picture again (0)", "恢复显示整幅图片（0）"),
    "world": ("You, in this world", "这个世界里的你"),
    "composite": ("Your photo, edited", "编辑后的照片"),
    "undo": ("Undo", "撤销"),
    "undo.tip": ("Take back the last change", "撤销上一步"),
    "undo.none": ("There is nothing to undo yet", "还没有可撤销的操作"),
    "redo": ("Redo", "重做"),
    "redo.tip": ("Do the undone change again", "重做被撤销的一步"),
    "redo.none": ("Nothing was undone", "没有可重做的操作"),
    "reset": ("Reset", "重置"),
    "reset.tip": ("Set every slider back to 0 (Undo brings them back)", "所有滑块归零（可撤销）"),
    "reset.none": ("There are no edits to take away", "没有可清除的编辑"),
    "download": ("Download", "下载"),
    "download.world": ("Download: you, in this world", "下载：这个世界里的你"),
    "download.more": ("More downloads", "更多下载"),
    "download.tip": (
        "PNG with its recipe and latent inside, so that it can be opened and edited again",
        "PNG 内含配方与隐编码，可重新打开继续编辑",
    ),
    "download.plain": ("PNG without recipe", "PNG（不含配方）"),
    "download.plain.tip": (
        "Pixels only. A latent is a face: choose this to share nothing else.",
        "只有像素。隐编码等同于一张脸：不想分享更多时请选此项。",
    ),
    "download.photo": ("Download: your photo, edited", "下载：编辑后的照片"),
    "download.photo.tip": (
        "Your photo with the edit in it; what the model cannot draw stays",
        "把编辑放入你的照片，模型画不出的内容保持原样",
    ),
    "download.latent": ("Latent (.npz)", "隐编码（.npz）"),
    "download.latent.tip": (
        "The numbers behind the portrait, for the command line and notebooks",
        "肖像背后的数值，可用于命令行与笔记本",
    ),
    "download.recipe": ("Recipe (.yaml)", "配方（.yaml）"),
    "download.recipe.tip": (
        "Source and edits as text: replay it with python -m editing run",
        "以文本记录来源与编辑，可用 python -m editing run 重放",
    ),
    "metrics.wait": ("measuring…", "测量中…"),
    "metrics.identity": ("identity", "身份"),
    "metrics.identity.tip": (
        "How much the portrait still shows the same person: 1 is the same",
        "还像不像同一个人：1 表示相同",
    ),
    "metrics.perceptual": ("difference", "差异"),
    "metrics.perceptual.tip": (
        "Perceptual distance to the picture before editing: 0 is no difference",
        "与编辑前图像的感知距离：0 表示没有差别",
    ),
    "metrics.moved": ("what moved", "变化"),
    "metrics.moved.tip": (
        "Change of each attribute as an independent scorer reads it, in standard deviations of "
        "this world",
        "打分模型读到的各属性变化，单位为该世界的标准差",
    ),
    "history": ("History", "历史"),
    "history.start": ("start", "起点"),
    "history.estimate": ("guess", "初步估计"),
    "history.photo": ("photo back", "找回照片"),
    "history.recipe": ("recipe", "配方"),
    "history.inverted": ("inverted", "反演"),
    "history.reset": ("reset", "重置"),
    "history.off": ("{name} off", "关闭{name}"),
    "history.on": ("{name} on", "开启{name}"),
    "history.removed": ("{name} removed", "移除{name}"),
    "history.order": ("new order", "调整顺序"),
    "history.layers": ("{name} layers", "{name} 的层"),
    "history.absolute": ("{name} as distance", "{name} 按距离"),
    "history.given": ("{name} given", "{name} 的条件"),
    "source.photo": ("Your photo", "你的照片"),
    "source.seed": ("Seed {seed}", "种子 {seed}"),
    "source.latent": ("Opened file", "打开的文件"),
    # inversion tab
    "inversion": ("Inversion", "反演"),
    "inversion.intro": (
        "Inversion finds the point in this world that looks most like your photo. "
        "Longer searches come closer; edits hold up best after a short one.",
        "反演在这个世界里寻找最像你照片的一点；搜索越久越接近，但短的搜索之后编辑效果最稳。",
    ),
    "level.quick": ("Quick", "快速"),
    "level.standard": ("Standard", "标准"),
    "level.best": ("Best", "最佳"),
    "time.seconds": ("about {seconds} s", "约 {seconds} 秒"),
    "time.minutes": ("about {minutes} min", "约 {minutes} 分钟"),
    "level.tip": (
        "Search the photo's place in this world; longer searches come closer",
        "在这个世界里搜索照片的位置；越久越接近",
    ),
    "level.none": ("A search is running; press Stop first", "搜索正在进行，请先停止"),
    "stop": ("Stop", "停止"),
    "stop.tip": ("Stop and keep the best so far", "停止并保留目前最好的结果"),
    "stop.none": ("Nothing is running", "没有正在进行的任务"),
    "inversion.idle": (
        "Drop a photo above; it is found, aligned and inverted at once.",
        "在上方拖入照片，会立即检测、对齐并反演。",
    ),
    "inversion.running": ("Step {step} of {total}", "第 {step} / {total} 步"),
    "inversion.left": ("{seconds} s left", "剩余 {seconds} 秒"),
    "inversion.done": ("{steps} steps in {seconds} s", "{steps} 步，用时 {seconds} 秒"),
    "inversion.stopped": (
        "Stopped after {steps} steps; the best so far is kept.",
        "第 {steps} 步后停止，已保留目前最好的结果。",
    ),
    "inversion.kept": (
        "The portrait you had is nearer to the photo than where the search was stopped, so it "
        "stays; Continue goes on with the search.",
        "原有的肖像比停止时的结果更接近照片，因此保留；点“继续”可接着搜索。",
    ),
    "inversion.loss": ("losses, falling", "损失曲线"),
    "loss.pixel": ("pixels", "像素"),
    "loss.l1": ("L1 of pixels", "像素 L1"),
    "loss.perceptual": ("perceptual", "感知"),
    "loss.vgg": ("VGG16 maps", "VGG16 特征"),
    "loss.ms_ssim": ("MS-SSIM", "多尺度 SSIM"),
    "loss.style": ("local style", "局部风格"),
    "loss.identity": ("identity", "身份"),
    "loss.in_domain": ("in-domain", "域内约束"),
    "loss.mean": ("distance to the mean", "与均值的距离"),
    "loss.prior": ("how usual W is", "W 的常见程度"),
    "loss.spread": ("spread of rows", "各层的差异"),
    "loss.noise": ("noise pyramid", "噪声金字塔"),
    "stage.latent": ("Latent", "隐编码"),
    "stage.noise": ("Noise maps", "噪声图"),
    "stage.tune": ("Weights", "权重"),
    "resume": ("Continue", "继续"),
    "resume.tip": ("Go on with the search that was stopped", "从停止处继续搜索"),
    "resume.none": ("No search of this photo was stopped", "没有被停止的搜索"),
    "film": ("Make a film", "生成反演影片"),
    "film.tip": ("The search as a short video", "把搜索过程做成短片"),
    "film.none": ("Invert a photo first", "请先反演一张照片"),
    "untune": ("Remove tuning", "移除调优"),
    "untune.tip": (
        "Draw with the generator's own weights and noise again, from the same latent",
        "用生成器原有的权重和噪声重新绘制同一隐编码",
    ),
    "untune.none": ("Nothing was tuned for this portrait", "此肖像没有调优"),
    "history.untuned": ("untuned", "未调优"),
    "fit.psnr": ("likeness", "相似度"),
    "fit.psnr.tip": (
        "PSNR between photo and portrait: 20 dB is rough, 30 dB close, 40 dB hard to tell apart",
        "照片与肖像之间的 PSNR：20 dB 较粗略，30 dB 接近，40 dB 难以分辨",
    ),
    "fit.ssim": ("structure", "结构"),
    "fit.ssim.tip": ("SSIM: 1 is the same structure everywhere", "SSIM：1 表示处处结构相同"),
    "fit.perceptual": ("perceptual", "感知"),
    "fit.perceptual.tip": (
        "Perceptual distance to the photo: 0 is none",
        "与照片的感知距离：0 为无差别",
    ),
    "fit.identity": ("identity", "身份"),
    "fit.identity.tip": ("1 is the same person", "1 表示同一个人"),
    "fit.far": (
        "This photo is {times} times farther from this world than its own people are: the "
        "portrait is the nearest there is, not the person, and an edit may hardly show in “Your "
        "photo, edited”, or look painted on.",
        "这张照片与这个世界的距离是其中人物的 {times} 倍：肖像只是最接近的一个，并非本人；"
        "“编辑后的照片”里的编辑可能几乎看不出，或像是画上去的。",
    ),
    "fit.edited": (
        "Your edits were carried over to this nearer portrait. Where they look blotchy, press "
        "Undo: edits hold up best on the portrait of a short search.",
        "编辑已沿用到这个更接近的肖像。若出现斑块，请点“撤销”：短的搜索得到的肖像最适合编辑。",
    ),
    "view.compare": ("before | after", "前 | 后"),
    "view.difference": ("difference", "差异"),
    "view.mask": ("reach", "范围"),
    "view.difference.label": ("after | how far it differs from before", "编辑后 | 与编辑前的差异"),
    "view.mask.label": ("after | where the edit reaches", "编辑后 | 编辑触及之处"),
    "region": ("Region", "区域"),
    "region.tip": (
        "Brush where the portrait must resemble your photo; the search looks nowhere else. "
        "Nothing brushed = everywhere.",
        "涂出肖像必须像照片的部分，搜索只看这里；不涂则看整张照片。",
    ),
    "advanced": ("Advanced", "高级"),
    "method": ("Method", "方法"),
    "method.tip": ("Fills in the rest", "填入其余各项"),
    "space": ("Space", "空间"),
    "space.tip": ("w+: one row per layer", "w+：每层一行"),
    "start": ("Start", "起点"),
    "start.tip": ("empty: the method's own", "留空：方法默认"),
    "start.file": ("Start from a latent file", "从隐编码文件开始"),
    "start.file.tip": (
        "A latent file or an exported PNG here is where the search begins, whatever Start says.",
        "若在此放入隐编码文件或导出的 PNG，搜索便从它开始，不论“起点”如何。",
    ),
    "steps.latent": ("Latent steps", "隐编码步数"),
    "steps.noise": ("Noise steps", "噪声步数"),
    "steps.tune": ("Weight steps", "权重步数"),
    "losses.tip": ("Weights of the losses; 0 leaves one out", "各项损失的权重；0 表示不用"),
    "search.lr": ("Learning rate", "学习率"),
    "search.lr.tip": ("In standard deviations of W", "以 W 的标准差为单位"),
    "search.ramp_up": ("Ramp up", "升速比例"),
    "search.ramp_up.tip": ("Share of the steps in which the rate rises", "学习率上升所占步数比例"),
    "search.ramp_down": ("Ramp down", "降速比例"),
    "search.ramp_down.tip": ("Share in which it falls", "学习率下降所占步数比例"),
    "search.jitter": ("Noise", "噪声"),
    "search.jitter.tip": (
        "On the latent, gone after three quarters",
        "加在隐编码上，四分之三后消失",
    ),
    "search.stop_at": ("Stop at, dB", "达到即停（dB）"),
    "search.stop_at.tip": (
        "Ends a stage that is this near; 0: never",
        "达到此近似度即结束；0 表示不停",
    ),
    "search.patience": ("Patience", "耐心步数"),
    "search.patience.tip": (
        "Ends a stage after this many steps without gain; 0: never",
        "连续多少步无改善即结束；0 表示不停",
    ),
    "search": ("Search with these settings", "按这些设置搜索"),
    "inversion.two": (
        "After it you see two honest outcomes: the portrait of you in this world, and your own "
        "photo with only the change added.",
        "之后会看到两个结果：这个世界里你的肖像，以及只加上变化的原照片。",
    ),
    # boundaries tab
    "boundaries": ("Boundaries", "语义边界"),
    "unit": (
        "Each slider moves the portrait across a boundary between less and more of an attribute; "
        "1 is one standard deviation in this world. The thin line under a track is the range in "
        "which the attribute follows the slider; beyond it the picture may break.",
        "每个滑块让肖像越过某一属性强弱之间的语义边界；1 为它在这个世界里的一个标准差。"
        "滑轨下的细线是属性跟随滑块的范围；超出后图像可能失真。",
    ),
    "stack": ("Edits", "编辑"),
    "stack.empty": ("No edits yet: move a slider.", "还没有编辑：移动一个滑块。"),
    "stack.toggle": ("Turn on or off", "开启或关闭"),
    "stack.remove": ("Remove", "移除"),
    "stack.tip": (
        "Click an edit to change its layers; drag to reorder",
        "点击编辑以修改其层；拖动可排序",
    ),
    "details": ("Layers and conditions", "层与条件"),
    "details.for": ("Applies to: {name}", "作用于：{name}"),
    "details.next": ("Applies to the next slider you move", "作用于下一个移动的滑块"),
    "layers": ("Layers", "层"),
    "layers.tip": (
        "Which layers of the generator the edit reaches: coarse shapes pose and head, middle the "
        "features, fine the colours.",
        "编辑作用于生成器的哪些层：粗层管姿态与头形，中层管五官，细层管颜色。",
    ),
    "layers.coarse": ("coarse", "粗"),
    "layers.middle": ("middle", "中"),
    "layers.fine": ("fine", "细"),
    "given": ("Hold still", "保持不变"),
    "given.tip": (
        "Attributes this edit must not move: their directions are projected out of its own.",
        "编辑不应改变的属性：从其方向中投影去除。",
    ),
    **BOUNDARY_MESSAGES,
    **MIXING_MESSAGES,
    **PRESET_MESSAGES,
    **TEXT_MESSAGES,
    **FIGURE_MESSAGES,
    **REFUSAL_MESSAGES,
    **KEEPING_MESSAGES,
    **SAVING_MESSAGES,
    **WEIGHTS_MESSAGES,
}

# notes of the library, as patterns
NOTES: tuple[tuple[str, str], ...] = (
    (r"(\d+) faces were found", "找到 {0} 张人脸，使用最大的一张。"),
    (r"does not stand upright; the face was turned by (\d+)", "照片不是正立的，人脸已转动 {0}°。"),
    (r"The picture's centre is used", "直接使用图片中央，未对齐人脸。"),
    (r"noise inputs are off", "此生成器的噪声输入未启用，已跳过噪声图阶段。"),
    (r"reached ([\d.]+) dB", "已达到 {0} dB，提前结束。"),
    (r"did not reach ([\d.]+) dB", "未能达到 {0} dB。"),
    (r"no gain in (\d+) steps", "{0} 步内没有改进，提前结束。"),
    (r"became unstable at step (\d+)", "第 {0} 步变得不稳定，已保留最好的结果。"),
    *BOUNDARY_NOTES,
    *KEEPING_NOTES,
    *PRESET_NOTES,
)


def say(key: str, lang: str, **values: object) -> str:
    """The message ``key`` in ``lang`` ("en" or "zh") with its {names} filled in."""
    return MESSAGES[key][LANGUAGES.index(lang)].format(**values)


def attribute_name(name: str, lang: str) -> str:
    """An attribute as a word; those without a message keep their own name."""
    if f"attribute.{name}" in MESSAGES:
        return say(f"attribute.{name}", lang)
    base, _, number = name.rpartition(" ")  # a variant: "smile 2"
    if number.isdigit() and f"attribute.{base}" in MESSAGES:
        return f"{say(f'attribute.{base}', lang)} {number}"
    return name.replace("_", " ").capitalize()


def refusal(error: Exception, lang: str) -> str:
    """The sentence to show for ``error``: the library's own, or its counterpart in Chinese."""
    if (sentence := _counterpart(str(error), REFUSED, lang)) is not None:
        return sentence
    own = MESSAGES.get(f"error.{type(error).__name__}", ("",))[0]
    if lang == "en":
        return own or str(error)
    for kind in type(error).__mro__:
        if f"error.{kind.__name__}" in MESSAGES:
            if own:
                return say(f"error.{kind.__name__}", lang)
            # The original follows: it names the value and the limit.
            return f"{say(f'error.{kind.__name__}', lang)}（{error}）"
    return str(error)


def note(sentence: str, lang: str) -> str:
    """A note of the library in ``lang``; one without a counterpart stays English."""
    found = _counterpart(sentence, NOTES, lang)
    return sentence if found is None else found


def _counterpart(sentence: str, known: Sequence[tuple[str, str]], lang: str) -> str | None:
    """What ``known``, of (pattern, Chinese), has for a sentence of the library."""
    for pattern, chinese in known if lang == "zh" else ():
        if found := re.search(pattern, sentence):
            return chinese.format(*found.groups())
    return None


def preferred_language(accept_language: str) -> str:
    """The first of ours in an Accept-Language header such as "fr, zh-HK;q=0.8, en;q=0.5"."""

    def weight(part: str) -> float:
        found = re.search(r"q=([01](?:\.\d+)?)", part)
        return float(found.group(1)) if found else 1.0

    parts = sorted(accept_language.split(","), key=weight, reverse=True)
    tags = (part.split(";")[0].strip().lower() for part in parts)
    return next((lang for tag in tags for lang in LANGUAGES if tag.split("-")[0] == lang), "en")


def tooltips(keys: Mapping[str, str], lang: str) -> dict[str, list[str]]:
    """Element id -> hover texts [as it is, while it is disabled], from id -> message key."""
    return {
        element: [say(f"{key}.tip", lang), say(off if off in MESSAGES else f"{key}.tip", lang)]
        for element, key in keys.items()
        for off in [f"{key}.none"]
    }

"""The words of the Text tab, in English and Chinese; part of ``ui.locales``."""

# Prompts that are worth a click: (English, Chinese).
SUGGESTIONS: tuple[tuple[str, str], ...] = (
    ("a person smiling broadly", "笑得很开心的人"),
    ("an old person", "老年人"),
    ("a person wearing glasses", "戴着眼镜的人"),
    ("a person with red hair", "留着红色的头发的人"),
    ("a person with curly hair", "留着卷发的人"),
    ("a person with a beard", "留着胡子的人"),
    ("a person with blue eyes", "有一双蓝色的眼睛的人"),
)

TEXT_MESSAGES: dict[str, tuple[str, str]] = {
    "text": ("Text", "文本"),
    "text.loading": (
        "The text-image model is being loaded; a first edit waits for it.",
        "正在加载文本–图像模型，第一次编辑会稍等片刻。",
    ),
    "text.none": (
        "This domain has no text-image model, so it cannot be edited by text. Name one in its "
        "domain.yaml: a CLIP folder, or a model of the Hugging Face hub.",
        "此域没有图文模型，无法用文本编辑。请在其 domain.yaml 中指定一个 CLIP 文件夹"
        "或 Hugging Face 模型。",
    ),
    "text.neutral": ("From", "从"),
    "text.neutral.tip": ("what it is compared with", "用于比较的描述"),
    "text.target": ("To", "到"),
    "text.target.tip": ("what the portrait should show; press Enter", "希望肖像呈现的样子；按回车"),
    "text.person": ("a person", "人"),
    "text.run": ("Edit", "编辑"),
    "text.accept": ("Go on from here", "以此为起点继续"),
    "text.alpha": ("Strength (alpha)", "强度（alpha）"),
    "text.alpha.tip": (
        "in standard deviations of the strongest channel; the bright part of the track is safe",
        "单位为最强通道的标准差；轨道上明亮的部分为安全范围",
    ),
    "text.beta": ("How selective (beta)", "选择性（beta）"),
    "text.beta.tip": (
        "higher: fewer channels, and less else that changes",
        "越高则参与的通道越少，附带变化也越少",
    ),
    "text.auto": ("choose beta by itself", "自动选择 beta"),
    "text.suggestions": ("Try one of these", "试试这些"),
    "text.channels": (
        "{count} of {total} channels · beta {beta}",
        "{total} 个通道中的 {count} 个 · beta {beta}",
    ),
    "text.asked": ("CLIP got {percent} % of what was asked", "CLIP 得到所求的 {percent} %"),
    "text.unknown": ("not known to the model: {words}", "模型不认识：{words}"),
    "text.alone": ("See this channel alone", "单独查看此通道"),
    "text.layer": ("{layer}: {count} channels", "{layer}：{count} 个通道"),
    "text.more": ("Selection", "选择"),
    "text.count": ("Number of channels instead of beta", "指定通道数（代替 beta）"),
    "text.keep": ("Keep", "保持"),
    "text.keep.tip": (
        "these attributes do not follow, to first order; a text may be written as well",
        "这些属性保持不变（一阶近似）；也可以写一段文本",
    ),
    "text.layers": ("Layers that may take part", "允许参与的层"),
    "text.method": ("Method", "方法"),
    "text.method.global": ("table of global directions", "全局方向表"),
    "text.method.jacobian": ("gradient, without a table", "梯度（无需方向表）"),
    "text.templates": ("Templates", "模板"),
    "text.templates.lines": ("One per line, {{}} is the text", "每行一个，{{}} 处为文本"),
    "text.templates.tip": ("empty: the list for portraits", "留空则使用肖像模板"),
    "text.templates.portraits": ("Portraits", "肖像"),
    "text.templates.general": ("General", "通用"),
    "text.grid": ("Strength × selectivity", "强度 × 选择性"),
    "text.grid.run": ("Draw the grid", "绘制网格"),
    "text.grid.sheet": ("alpha in columns, beta in rows", "列为 alpha，行为 beta"),
    "text.optimise": ("Optimise", "优化"),
    "text.optimise.intro": (
        "Searches a change of this one portrait that CLIP takes for the text; slower, and it may "
        "go where no channel leads.",
        "为当前肖像搜索一个让 CLIP 认为符合文本的改动；较慢，但可到达单个通道到不了的地方。",
    ),
    "text.optimise.space": ("Space", "空间"),
    "text.optimise.steps": ("Steps", "步数"),
    "text.optimise.l2": ("Stay near (L2)", "靠近原点（L2）"),
    "text.optimise.identity": ("Stay the same person", "保持身份"),
    "text.optimise.run": ("Optimise", "开始优化"),
    "text.optimise.done": ("step {done} of {total}", "第 {done} / {total} 步"),
    "text.optimise.elsewhere": (
        "Another portrait is here now, so what was found for the last one is left out.",
        "现在已是另一张肖像，因此未加入为上一张找到的结果。",
    ),
    "text.search": ("Search", "搜索"),
    "text.search.text": ("Find portraits of", "查找肖像"),
    "text.search.count": ("Seeds to look through", "搜索的种子数"),
    "text.search.run": ("Search", "搜索"),
    "text.working": ("{done} of {total}", "{done} / {total}"),
    "history.text": ("“{text}” {alpha}", "「{text}」{alpha}"),
    "history.optimised": ("“{text}” optimised", "「{text}」优化"),
}

"""Chinese for single refusals, found by their English: those that a visitor is likely to meet."""

REFUSED: tuple[tuple[str, str], ...] = (
    # what is missing
    ("There is no text yet", "还没有文本：请写下肖像应呈现的样子。"),
    ("The text is empty", "文本为空：请写下图片应呈现的内容。"),
    ("There is no region yet", "还没有选择区域：请先用画笔涂出要改变的地方。"),
    ("There is nothing to film yet", "还没有可制作影片的内容：请先反演一张照片。"),
    ("There is no film yet", "还没有影片：请先点击“漫步”。"),
    ("There is no stopped search", "没有这张照片已停止的搜索可继续：请改按一个级别。"),
    ("There is no direction to save", "没有可保存的方向：请先寻找、训练或打开一个。"),
    ("There is no direction to change", "没有可修改的方向：请选择一个。"),
    ("There are no labels yet", "还没有标签：请上传包含种子和分数的 CSV。"),
    ("Inversion needs a photo", "反演需要照片：请在上方拖入一张，或选用示例照片。"),
    (
        "This preset begins with an inversion",
        "此预设从反演开始：请在上方拖入照片，或按发表时运行。",
    ),
    ("This portrait has no photo", "此肖像没有可承载编辑的照片：请先拖入照片。"),
    ("The whole photo that this portrait was cut out of", "没有此肖像的整张照片：请再次拖入。"),
    ("needs at least one layer", "至少需要一层：请选择粗、中或细。"),
    ("Click the chip of an edit first", "请先点击一个编辑的标签，再说明其强度的含义。"),
    ("Nothing is exchanged yet", "还没有交换任何内容：请选择层并提高 B 的份额。"),
    ("A grid needs columns", "网格需要列：请写出种子（如 31, 32）或选择 B。"),
    ("Choose portrait (.+) first", "请先选择肖像 {0}：种子、文件或当前肖像。"),
    ("Portrait (.+) of the Mixing tab is empty", "“混合”页的肖像 {0} 为空：请选择一个。"),
    ("The direction needs a name", "方向需要名称：请写一个。"),
    ("A sweep needs an attribute", "扫描需要一个属性：请选择。"),
    ("A sweep needs two strengths", "扫描需要起止两个强度：通常为 -3 和 3。"),
    ("Two directions are needed", "需要两个方向：请都选好。"),
    ("Nothing would change by 0", "0 不会带来任何变化：请写下要转动或添加多少。"),
    ("A figure without edits", "没有编辑的图没有内容：请至少选择一个，如微笑。"),
    ("A photo is drawn through an inversion", "照片要经过反演才能绘制：请选择一种，如快速。"),
    ("Move an attribute of this world first", "请先移动此世界的一个属性，再看它应有的效果。"),
    # texts
    (
        "The neutral and the target text are both (.+); say",
        "两个文本都是 {0}：请在目标中写出要改变的内容。",
    ),
    (r"(.+) and (.+) mean the same to", "{0} 与 {1} 对模型含义相同：请写两个不同的文本。"),
    (
        r"No channel reaches beta ([\d.]+).* beta ([\d.]+) would let (\d+)",
        "没有通道达到 beta {0}；beta {1} 可让 {2} 个通道参与。",
    ),
    ("No channel has anything to do with this text", "没有通道与此文本有关：请允许其他层。"),
    (
        "Nothing is left of this edit",
        "保持其他内容不变后，此编辑已无剩余：请少保持一些，或减小 beta。",
    ),
    (r"The text has (\d+) characters; the limit is (\d+)", "文本有 {0} 个字符，上限为 {1}。"),
    (r"The text has (\d+) tokens; .+ reads at most (\d+)", "文本有 {0} 个词元，最多可读 {1} 个。"),
    ("knows no word of (.+); ", "模型不认识 {0} 中的任何词：请换个说法。"),
    (
        r"(.+) cannot change while (.+) stay",
        "{1} 不变时 {0} 无法改变，它们含义相同：请少保持一些。",
    ),
    # values out of range
    (
        r"The seed (.+) is not possible; choose from 0 to (\d+)",
        "种子 {0} 不可用：请选择 0 到 {1}。",
    ),
    (r"(.+) are no seeds; write numbers", "{0} 不是种子：请写数字，如 7, 12, 30。"),
    (r"(\d+) seeds are too many here; take up to (\d+)", "{0} 个种子太多：最多 {1} 个。"),
    (
        r"A truncation psi of (.+) is not possible; choose from (\S+) to ([\d.]+)",
        "截断 psi 不能为 {0}：请选择 {1} 到 {2}。",
    ),
    (
        r"^(.+)=(\S+) is not possible; choose a strength from (\S+) to ([\d.]+)",
        "{0} 的强度不能为 {1}：请选择 {2} 到 {3}。",
    ),
    (
        r"alpha (\S+) is not possible; choose a strength from (\S+) to ([\d.]+)",
        "alpha 不能为 {0}：请选择 {1} 到 {2}。",
    ),
    (r"beta (\S+) is not possible", "beta 不能为 {0}：请选择 0 到 1，或自动。"),
    (
        r"A film of (\S+) frames is too long for the page; choose up to (\d+)",
        "{0} 帧的影片对网页来说太长：最多 {1} 帧，更长请用命令行。",
    ),
    (
        r"A walk of (\S+) frames is not possible; choose from 1 to (\d+)",
        "漫步需 1 到 {1} 帧，不能为 {0}。",
    ),
    (r"(\S+) steps were asked for; here at most (\d+)", "要求了 {0} 步：这里最多 {1} 步。"),
    (
        r"A figure of (\d+) pictures is too large for the page; take at most (\d+)",
        "{0} 张图片对网页来说太多：最多 {1} 张，更多请用命令行。",
    ),
    (
        r"^(.+) ([\d,]+) pictures of (\d+) px to draw, and here one request gets ([\d,]+)",
        "需要绘制 {1} 张 {2} 像素的图片，这里每次请求最多 {3} 张：请减少区域、文本、步数或帧数，"
        "更多请用命令行。",
    ),
    (
        r"The portraits inside these edits hold ([\d,]+) MB, and here one request gets ([\d,]+)",
        "这些编辑中的肖像占 {0} MB，这里每次请求最多 {1} MB：请少用几个。",
    ),
    (r"This address has more than (\d+) fields", "此地址的字段超过 {0} 个：请重新复制链接。"),
    (
        "The server's disk is full or cannot be written",
        "服务器磁盘已满，无法建立链接：请保存会话文件。",
    ),
    (r"The layers (.+) do not (?:all )?exist", "层 {0} 不都存在：请使用此生成器已有的层。"),
    (r"(.+) is no layer; use rows", "{0} 不是层：请写 0-3,7 这样的行号，或粗、中、细。"),
    (r"Your shelf holds (\d+) directions already", "你的架子上已有 {0} 个方向：请先移除一个。"),
    (
        r"(\d+) pictures are picked as more and (\d+) as less",
        "“更多”选了 {0} 张、“更少”选了 {1} 张：每边至少 2 张，8 张更好。",
    ),
    ("The frames hardly differ", "各帧几乎没有差别，没有可测量的运动：请走得更远。"),
    # photos and files
    (
        r"(.+) is (\d+)×(\d+) pixels; each side must have at least (\d+)",
        "{0} 为 {1}×{2} 像素：每边至少需要 {3}。",
    ),
    ("is HEIC: export it as JPEG", "这是 HEIC 图片，这里无法读取：请导出为 JPEG。"),
    (
        r"is \w+ (\w+), but damaged, cut short or of a rare kind",
        "这是 {0} 图片，但已损坏、不完整或属于少见的变体：请重新保存或下载，或导出为 JPEG。",
    ),
    (
        r"is a TIFF with (.+), which is not read",
        "此 TIFF 为 {0}，这里无法读取：请另存为 8 位 PNG。",
    ),
    (
        r"unpacks to more than (\d+) MB, the limit for one file",
        "其中的隐编码解压后超过 {0} MB 的上限：请减少肖像，或不带微调权重和噪声图另存。",
    ),
    ("holds several frames or pages", "此文件含多帧或多页：请将需要的一帧另存为 JPEG 或 PNG。"),
    ("carries no recipe, so it is a photo", "此文件不含配方，只是普通照片：请拖到放照片的地方。"),
    (
        r"was made in the domain (\S+), and this is (\S+); open",
        "它来自领域 {0}，而这里是 {1}：请在原领域中打开。",
    ),
    ("is an empty mask", "蒙版为空：请把要计入的区域涂白。"),
    ("The link is damaged or cut short", "链接已损坏或不完整：请复制整个链接。"),
    ("This address holds no work", "此地址不含作品：请复制整个链接。"),
    ("The loss of the start is no number", "起点的损失不是数值：请换一个起点，或减小权重。"),
)

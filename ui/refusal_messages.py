"""Refusals: of the server, before anything is read, and of the library."""

REFUSAL_MESSAGES: dict[str, tuple[str, str]] = {
    "guard.size": (
        "This is more than the {limit} MB that one request may have; send something smaller.",
        "此请求超过了 {limit} MB 的上限，请发送更小的内容。",
    ),
    "guard.slow": (
        "This came so slowly that it was given up; try again with a smaller file or a better "
        "connection.",
        "传输过慢，已放弃；请换用更小的文件或更好的网络再试。",
    ),
    "guard.file": (
        "Only files that were uploaded here can be used; upload the file first.",
        "只能使用上传到这里的文件，请先上传。",
    ),
    "guard.uploads": (
        "{count} uploads from here are still going on; wait until one has ended.",
        "这里还有 {count} 个上传正在进行，请等其中一个结束。",
    ),
    "guard.sent": (
        "The {limit} MB that your network may send in {minutes} minutes are used up; wait a while.",
        "你的网络在 {minutes} 分钟内可发送的 {limit} MB 已用完，请稍等。",
    ),
    "guard.sent_all": (
        "So much was uploaded here lately that there is no room for more; try again in some "
        "minutes.",
        "近期上传过多，暂无空间，请过几分钟再试。",
    ),
    "guard.full": (
        "The server's disk is full, so nothing can be stored now; try again later, or tell whoever "
        "runs it.",
        "服务器磁盘已满，暂时无法存储；请稍后再试，或告知管理者。",
    ),
    "guard.form": (
        "This is no upload: it needs a form whose field files holds a file with a name.",
        "这不是有效的上传：表单的 files 字段应包含一个有名称的文件。",
    ),
    "guard.share": (
        "{count} of your actions are still waiting; wait until one has ended.",
        "你还有 {count} 个操作在等待，请等其中一个结束。",
    ),
    "guard.long": (
        "{count} of your searches or films are still going on; wait until one has ended, or stop "
        "it.",
        "你还有 {count} 个搜索或影片正在进行，请等待或停止其中一个。",
    ),
    "guard.address_long": (
        "{count} searches or films from your network are still going on; wait until one has ended.",
        "你的网络中还有 {count} 个搜索或影片正在进行，请等其中一个结束。",
    ),
    "guard.address": (
        "{count} actions from your network are still waiting; try again in a moment.",
        "你的网络中还有 {count} 个操作在等待，请稍后再试。",
    ),
    "manners.json": (
        "The request's body is not JSON of an object; send one.",
        "请求内容不是 JSON 对象，请检查后再发送。",
    ),
    "manners.endpoint": (
        "There is no endpoint {name} here; /gradio_api/info lists those there are.",
        "这里没有端点 {name}；可用端点见 /gradio_api/info。",
    ),
    "manners.unknown": (
        "There is no argument {name}; this endpoint takes {names}.",
        "没有参数 {name}；此端点的参数为 {names}。",
    ),
    "manners.missing": ("{name} is missing; add it.", "缺少 {name}，请补上。"),
    "manners.data": (
        "data is {value}; it needs a list of the arguments in their order.",
        "data 为 {value}；它应是按顺序排列的参数列表。",
    ),
    "manners.count": (
        "data has {count} values, and this endpoint takes {wanted}: {names}.",
        "data 有 {count} 个值，而此端点需要 {wanted} 个：{names}。",
    ),
    "manners.none": ("{name} has no value; give it one.", "{name} 没有值，请填写。"),
    "manners.number": (
        "{name} is {value}; it needs a number.",
        "{name} 为 {value}；它应是一个数。",
    ),
    "manners.finite": (
        "{name} is {value}; it needs a number with an end, of at most 400 digits.",
        "{name} 为 {value}；它应是有限的数，且不超过 400 位。",
    ),
    "manners.range": (
        "{name} is {value}; it goes from {low} to {high}.",
        "{name} 为 {value}；其范围是 {low} 到 {high}。",
    ),
    "manners.switch": (
        "{name} is {value}; it needs true or false.",
        "{name} 为 {value}；它应是 true 或 false。",
    ),
    "manners.text": ("{name} is {value}; it needs a text.", "{name} 为 {value}；它应是文字。"),
    "manners.list": ("{name} is {value}; it needs a list.", "{name} 为 {value}；它应是列表。"),
    "manners.choice": (
        "{name} is {value}; choose from {choices}.",
        "{name} 为 {value}；可选值为 {choices}。",
    ),
    "manners.named": (
        "{name} is {value}; it needs numbers by name.",
        "{name} 为 {value}；它应是按名称给出的数。",
    ),
    "manners.file": (
        "{name} is {value}; it needs a file that was uploaded here first.",
        "{name} 为 {value}；它应是先上传到这里的文件。",
    ),
    "manners.shape": (
        "{name} is {value}; it needs what the page sends for it, as /gradio_api/info describes.",
        "{name} 为 {value}；它应是页面所发送的结构，见 /gradio_api/info。",
    ),
    "manners.place": (
        "{name} is {value}; it needs a whole number from 0.",
        "{name} 为 {value}；它应是从 0 开始的整数。",
    ),
    "manners.gone": (
        "There is nothing at {value} any more; look at the page again.",
        "{value} 处已没有内容，请重新查看页面。",
    ),
    "origin.host": (
        "This server does not answer to the name {host}. If it should, start it with --hosts NAME.",
        "此服务器不以 {host} 为名；如需使用此名称，请用 --hosts 启动。",
    ),
    "origin.page": (
        "Another website ({page}) asked for this; open the studio's own page instead.",
        "此请求来自其他网站（{page}），请直接打开本工具的页面。",
    ),
    "login.needed": ("Log in first.", "请先登录。"),
    "login.slow": (
        "After some wrong passwords the next try has to wait.",
        "连续输错密码后需等待片刻才能再试。",
    ),
    "login.wait": (
        "{count} wrong passwords came from your address; wait {seconds} s before the next try.",
        "你的地址已输错 {count} 次密码，请等待 {seconds} 秒再试。",
    ),
    "error.address": (
        "Addresses are not fetched here; send the picture itself.",
        "这里不会下载网址，请上传图片本身。",
    ),
    "error.unexpected": (
        "Something went wrong here that is not your fault; your portrait is kept, try again.",
        "程序出错，不是你的问题；肖像已保留，请再试一次。",
    ),
    # the library's own sentences are English; where there are words here they stand in for them
    "error.NoFace": (
        "No face was found: use an upright, well-lit photo of a person looking towards the camera, "
        "or go on with the picture's centre (the button under the photo).",
        "照片里没有找到人脸：请上传一张正面、清晰的人像照片，或使用图片中央。",
    ),
    "error.BadPicture": ("", "无法读取这张图片：请上传一张静态的 JPEG、PNG 或 WebP 图片。"),
    "error.BadLatent": ("", "此隐编码文件不适用于当前生成器：请打开由同一领域导出的文件。"),
    "error.BadRecipe": ("", "无法重放此文件中的配方：请打开由本工具导出的 PNG 或配方。"),
    "error.MissingFile": ("", "找不到所需文件。"),
    "error.UnsafeFile": ("", "此文件不是它声称的内容，已拒绝打开：请选择在此下载的文件。"),
    "error.DamagedFile": ("", "此文件已损坏：请重新获取。"),
    "error.UnsupportedFile": ("", "此文件的格式或网络结构在这里不受支持。"),
    "error.CannotWrite": ("", "无法写入文件：磁盘可能已满。"),
    "error.Left": ("", "访问者已离开，工作已停止。"),
    "error.BadInput": ("", "此输入无法使用。"),
}

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
    "guard.share": (
        "{count} of your actions are still waiting; wait until one has ended.",
        "你还有 {count} 个操作在等待，请等其中一个结束。",
    ),
    "guard.long": (
        "{count} of your searches or films are still going on; wait until one has ended, or stop "
        "it.",
        "你还有 {count} 个搜索或影片正在进行，请等待或停止其中一个。",
    ),
    "guard.address": (
        "{count} actions from your network are still waiting; try again in a moment.",
        "你的网络中还有 {count} 个操作在等待，请稍后再试。",
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
    "error.BadInput": ("", "此输入无法使用。"),
}

"""The words about files still to be fetched, in English and Chinese; of ``ui.locales``."""

WEIGHTS_MESSAGES: dict[str, tuple[str, str]] = {
    "weights": ("Other worlds: files to fetch", "其他领域：待下载的文件"),
    "weights.choose": ("World", "领域"),
    "weights.wanted": (
        "{title} is not here yet: {parts} missing. The studio has opened on portraits meanwhile.",
        "{title} 尚不可用：缺少 {parts}。在此期间先使用自带的 portraits。",
    ),
    "weights.complete": (
        "Everything that can be fetched is here.",
        "可下载的文件已全部就绪。",
    ),
    "weights.size": ("{size} to download", "需下载 {size}"),
    "weights.more": (
        "and {count} whose size the server says",
        "另有 {count} 个文件大小由服务器告知",
    ),
    "weights.unsized": (
        "{count} to download, whose size the server says",
        "需下载 {count} 个文件，大小由服务器告知",
    ),
    "weights.file": ("File", "文件"),
    "weights.bytes": ("Size", "大小"),
    "weights.from": ("From", "来源"),
    "weights.licence": ("Licence", "许可"),
    "weights.unknown": ("not known before", "下载前未知"),
    "weights.unstated": ("not stated", "未注明"),
    "weights.by_hand": (
        "The same on the command line: {command}. Files from elsewhere go into {folder}.",
        "命令行方式：{command}。从别处取得的文件请放入 {folder}。",
    ),
    "weights.offline": (
        "{flag} is set, so nothing is downloaded.",
        "已设置 {flag}，不会下载任何文件。",
    ),
    "weights.fetch": ("Download", "下载"),
    "weights.fetch.tip": (
        "Download what this world lacks; it can be stopped, and goes on where it ended",
        "下载该领域缺少的文件；可随时停止，之后从断点继续",
    ),
    "weights.fetch.none": (
        "Only whoever runs this server can download to it",
        "只有运行此服务器的人才能下载",
    ),
    "weights.stop": ("Stop", "停止"),
    "weights.running": ("{part}: file {number} of {files}", "{part}：第 {number} / {files} 个文件"),
    "weights.amount": ("{done} of {total}", "{done} / {total}"),
    "weights.stopped": (
        "Stopped; what has arrived is kept, and a download goes on where it ended.",
        "已停止；已下载的部分会保留，之后从断点继续。",
    ),
    "weights.done": (
        "{title} is complete. Start the studio with it: {command}",
        "{title} 已就绪。用它启动：{command}",
    ),
    "error.CannotFetch": ("", "无法下载：请检查网络，或按提示手动放置文件。"),
}

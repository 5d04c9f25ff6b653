"""What the server says before anything is read: too large, too slow, too much at once."""

GUARD_MESSAGES: dict[str, tuple[str, str]] = {
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
}

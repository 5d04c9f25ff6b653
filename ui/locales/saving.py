"""The words about saving, sharing and comparing, in English and Chinese; of ``ui.locales``."""

SAVING_MESSAGES: dict[str, tuple[str, str]] = {
    # the canvas
    "against": ("Compare with", "对比对象"),
    "against.source": ("with the original", "与原图对比"),
    "against.step": ("with {step} · {name}", "与第 {step} 步对比 · {name}"),
    "against.pinned": ("with the pinned state", "与固定的状态对比"),
    "against.label": ("{name} | now", "{name} | 当前"),
    "pin": ("Pin", "固定"),
    "pin.tip": (
        "Keep what you see now on the left side, to compare what comes next with it",
        "把当前画面固定在左侧，与之后的结果对比",
    ),
    "unpin": ("Unpin", "取消固定"),
    "view.whole": ("whole photo", "整张照片"),
    "view.whole.label": ("your photo | with the edited face", "原照片 | 放回编辑后的脸"),
    # downloads
    "download.pasted": ("Whole photo, edited", "整张照片（贴回原图）"),
    "download.pasted.tip": (
        "The edited face put back into your whole photo; every pixel outside of it is your own",
        "把编辑后的脸贴回整张原图；脸以外的像素完全不变",
    ),
    "download.zip": ("Everything (.zip)", "全部（.zip）"),
    "download.zip.tip": (
        "Picture, photo, latent and recipe in one archive",
        "图像、照片、隐编码与配方打包在一起",
    ),
    "download.session": ("Session file (.studio)", "会话文件（.studio）"),
    "download.session.tip": (
        "Your whole history in one file: drop it onto the page to go on where you left. It holds "
        "your aligned photo.",
        "整个历史存为一个文件：拖回页面即可继续。文件含对齐后的照片。",
    ),
    # what the browser keeps
    "offer": (
        "This browser kept your last work.",
        "浏览器保存了你上次的工作。",
    ),
    "offer.take": ("Go on with it", "继续"),
    "offer.leave": ("Forget it", "删除"),
    "open.wait": ("Opening your work…", "正在打开…"),
    "open.untuned": (
        "What was tuned for this portrait is too large for a browser and stayed behind, so it may "
        "look less like the photo. A session file keeps it.",
        "为此肖像调优的权重过大，浏览器未保存，因此可能不如之前像。会话文件会保留它。",
    ),
    "history.shared": ("from a link", "来自链接"),
    # links
    "share": ("Share and go on later", "分享与保存"),
    "share.intro": (
        "A link leads to what you see now. Everyone who opens it, or this page, has a session of "
        "their own: nobody sees or changes what you do here. This browser keeps your last work; "
        "a session file (under *More downloads*) keeps all of it.",
        "链接指向当前画面。打开链接或本页面的每个人都有自己的会话，互不可见、互不影响。"
        "浏览器会保存你最近的工作；会话文件（见“更多下载”）保存全部。",
    ),
    "share.kept": (
        "Work made from a photo is kept on this server for 7 days; whoever has the link can open "
        "it and delete it.",
        "由照片制作的内容会在服务器上保存 7 天；拥有链接的人都可以打开或删除。",
    ),
    "share.off": (
        "A link holds invented people only: this server keeps no photos.",
        "链接只能包含虚构人物：本服务器不保存照片。",
    ),
    "share.make": ("Make a link", "生成链接"),
    "share.link": ("Link", "链接"),
    "share.delete": ("Delete this link", "删除此链接"),
    "share.own": (
        "This link holds the work itself: nothing of it is on the server, so there is nothing to "
        "delete.",
        "此链接本身就包含全部内容：服务器上没有保存，无需删除。",
    ),
    "error.DeadLink": ("", "此链接已失效：内容已被删除，或超过了保存期限。"),
    "share.deleted": ("The link leads nowhere any more.", "链接已失效。"),
}

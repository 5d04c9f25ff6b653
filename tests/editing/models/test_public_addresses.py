"""Where the public domains' files come from: the addresses and digests of their makers.

Compared with the repositories as they stood at the commits below, files read there and hashed, and
addresses as the makers' own README names them. A file that moves there has to be moved here.
"""

from pathlib import Path

import pytest

from editing.io.downloads import Remote
from editing.models.domain import open_domain

WEIGHTS = Path(__file__).parents[3] / "weights"
RAW = "https://raw.githubusercontent.com"
REPOSITORIES = {  # owner/name/branch -> commit
    "genforce/idinvert_pytorch/master": "ce866b05f13ff0466e26f1641292b456315a75a0",
    "genforce/interfacegan/master": "8da3fc0fe2a1d4c88dc5f9bee65e8077093ad2bb",
    "omertov/encoder4editing/main": "99ea50578695d2e8a1cf7259d8ee89b23eea942b",
    "richzhang/PerceptualSimilarity/master": "082bb24f84c091ea94de2867d34c4544f68e0963",
}
FILES = {  # in them, and the first digits of their SHA-256
    "genforce/idinvert_pytorch/master/boundaries/stylegan_ffhq256/age.npy": "bfe1db61",
    "genforce/idinvert_pytorch/master/boundaries/stylegan_ffhq256/expression.npy": "21c13555",
    "genforce/idinvert_pytorch/master/boundaries/stylegan_ffhq256/eyeglasses.npy": "4d3c0e20",
    "genforce/idinvert_pytorch/master/boundaries/stylegan_ffhq256/gender.npy": "0fcaacee",
    "genforce/idinvert_pytorch/master/boundaries/stylegan_ffhq256/pose.npy": "5a98a711",
    "genforce/interfacegan/master/boundaries/stylegan_ffhq_age_w_boundary.npy": "f92c72c6",
    "genforce/interfacegan/master/boundaries/stylegan_ffhq_eyeglasses_w_boundary.npy": "ac826235",
    "genforce/interfacegan/master/boundaries/stylegan_ffhq_gender_w_boundary.npy": "077953b1",
    "genforce/interfacegan/master/boundaries/stylegan_ffhq_pose_w_boundary.npy": "688585cf",
    "genforce/interfacegan/master/boundaries/stylegan_ffhq_smile_w_boundary.npy": "5a729c20",
    "omertov/encoder4editing/main/editings/ganspace_pca/ffhq_pca.pt": "4d7f9df1",
    "omertov/encoder4editing/main/editings/interfacegan_directions/age.pt": "50074516",
    "omertov/encoder4editing/main/editings/interfacegan_directions/pose.pt": "736e0eac",
    "omertov/encoder4editing/main/editings/interfacegan_directions/smile.pt": "817a7e73",
    "richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/vgg.pth": "a78928a0",
}
ADA = "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained"
NAMED = {  # address -> who names it
    f"{ADA}/ffhq.pkl": "NVlabs/stylegan2-ada-pytorch d72cc7d, README.md",
    f"{ADA}/metfaces.pkl": "NVlabs/stylegan2-ada-pytorch d72cc7d, README.md",
    f"{ADA}/afhqcat.pkl": "NVlabs/stylegan2-ada-pytorch d72cc7d, README.md",
    f"{ADA}/afhqdog.pkl": "NVlabs/stylegan2-ada-pytorch d72cc7d, README.md",
    f"{ADA}/afhqwild.pkl": "NVlabs/stylegan2-ada-pytorch d72cc7d, README.md",
    "https://api.ngc.nvidia.com/v2/models/nvidia/research/stylegan3/versions/1/files/"
    "stylegan3-t-ffhq-1024x1024.pkl": "NVlabs/stylegan3 c233a91, README.md",
    "https://drive.google.com/file/d/1cUv_reLE6k3604or78EranS7XzuVMWeO/view": (
        "omertov/encoder4editing 99ea505, README.md"
    ),
    "https://drive.google.com/file/d/1KW7bjndL3QG3sxBbZxreGHigcCCpsDgn/view": (
        "omertov/encoder4editing 99ea505, README.md"
    ),
    "https://drive.google.com/file/d/1SjWD4slw612z2cXa3-n38JwKZXqDUerG/view": (
        "genforce/idinvert_pytorch ce866b0, README.md"
    ),
    "https://drive.google.com/file/d/1gij7xy05crnyA-tUTQ2F3yYlAlu6p9bO/view": (
        "genforce/idinvert_pytorch ce866b0, README.md"
    ),
    "https://www.dropbox.com/s/qyv37eaobnow7fu/stylegan_ffhq.pth?dl=1": (
        "genforce/interfacegan 8da3fc0, docs/InterFaceGAN.ipynb"
    ),
    "https://download.pytorch.org/models/vgg16-397923af.pth": "torchvision, models/vgg.py",
}


def remotes() -> list[tuple[str, str, Remote]]:
    """Domain, file and remote of every file that is fetched."""
    domains = [open_domain(path) for path in sorted(WEIGHTS.glob("*/domain.yaml"))]
    return [
        (domain.name, member.file, member.remote)
        for domain in domains
        for entry in domain.entries.values()
        for member in entry.members
        if member.urls
    ]


@pytest.mark.parametrize(("domain", "file", "remote"), remotes())
def test_every_file_is_where_its_makers_keep_it(domain: str, file: str, remote: Remote) -> None:
    origin = remote.urls[0]
    if not origin.startswith(RAW):
        assert origin in NAMED, f"{domain}: {file}"
        return
    path = origin.removeprefix(f"{RAW}/")
    assert path in FILES, f"{domain}: {file} is at {path}, which that repository does not have"
    assert remote.sha256 is not None and remote.sha256.startswith(FILES[path])
    assert any(path.startswith(repository) for repository in REPOSITORIES)

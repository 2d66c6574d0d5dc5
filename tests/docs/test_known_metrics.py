"""The recipe for FD in DINOv2's features does what it says, with the real architecture and random weights."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import timm
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import normalize, resize

import study
from study.metrics.extractors import open_extractor
from tests.docs import pages
from tests.study import kept_launches
from trainables.data import Digits
from trainables.networks import Dcgan

_PAGE = pages.DOCS / "howto" / "known_metrics.md"
_DIM = 384


@pytest.mark.slow
def test_the_recipe_for_dinov2_gives_its_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    network = timm.create_model("vit_small_patch14_dinov2", pretrained=False, num_classes=0, img_size=224).eval()
    values = {**network.state_dict(), "mask_token": torch.zeros(1, _DIM)}  # which the authors' file has, too
    torch.save(values, "dinov2_vits14_pretrain.pth")
    (recipe,) = [block.text for block in pages.blocks(_PAGE) if "timm" in block.text]
    assert "side = 32" in recipe
    exec(compile(recipe.replace("side = 32", "side = 16"), "recipe", "exec"), {"__name__": "recipe"})

    found = open_extractor("exported", Path("dinov2.pt2"))
    gray = torch.rand(3, 1, 16, 16) * 2 - 1
    shown = resize((gray.repeat(1, 3, 1, 1) + 1) / 2, [224, 224], InterpolationMode.BICUBIC, antialias=True)
    with torch.inference_mode():
        due = network(normalize(shown, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
        assert due.shape == (3, _DIM)
        torch.testing.assert_close(found.extract(gray), due, rtol=1e-4, atol=1e-4)

    config = replace(
        kept_launches.RING,
        data=Digits(),
        generator=Dcgan(channels=(8, 8)),
        discriminator=Dcgan(channels=(8, 8)),
        steps=4,
    )
    store = kept_launches.train(kept_launches.plan(config, keep="last", seeds=1), tmp_path)
    measured = study.measure_metrics(store.root, "exported", "dinov2.pt2", n=12)
    assert list(measured.weights_digest) == [sha256(Path("dinov2.pt2").read_bytes()).hexdigest()]
    assert measured.fid.notna().all()
    assert (study.load(store.root).metrics.fid == measured.fid).all()

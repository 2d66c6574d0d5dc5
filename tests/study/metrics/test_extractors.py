"""Feature extractors: their files, what is refused, and what Inception gets to see."""

import re
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from torch import nn

from study.metrics import extractors, feature_extractor
from study.metrics.extractors import check_library, open_extractor


@pytest.fixture(autouse=True)
def _no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extractors, "_plugins", {})


def test_an_absent_file_of_inception_is_one_sentence_with_its_address(tmp_path: Path) -> None:
    address = (
        r"fetch https://github\.com/toshas/torch-fidelity/releases/download/v0\.2\.0/weights-inception-\S+\.pth once"
    )
    with pytest.raises(ValueError, match=f"^weights must be a file for features inception, got none; {address}"):
        open_extractor("inception", None)
    absent = tmp_path / "absent.pth"
    got = re.escape(str(absent))
    with pytest.raises(ValueError, match=f"^weights must be a file, got {got}: there is none; {address}"):
        open_extractor("inception", absent)


def test_an_unknown_extractor_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^features must be inception or exported, got 'incption': did you mean"):
        open_extractor("incption", None)


def test_an_absent_library_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extractors, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="needs the Python package torch-fidelity, which is not installed here"):
        check_library()


@pytest.mark.parametrize("name", ["inception", "exported"])
def test_a_file_of_something_else_is_one_sentence(name: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"no weights")
    with pytest.raises(ValueError, match=r"^weights must be .*, got \S+weights\.pt \(.+\)") as caught:
        open_extractor(name, path)
    assert "\n" not in str(caught.value)


def test_a_pickle_that_runs_code_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return (Path.write_text, (tmp_path / "ran", "yes"))  # type: ignore[return-value]

    torch.save({"weights": Evil()}, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="weights must be those of Inception"):
        open_extractor("inception", tmp_path / "weights.pth")
    assert not (tmp_path / "ran").exists()


def test_an_exported_network_gets_three_channels(tmp_path: Path) -> None:
    path = tmp_path / "features.pt2"
    any_number = ({0: torch.export.Dim("batch")},)
    torch.export.save(torch.export.export(nn.Flatten(), (torch.zeros(2, 3, 4, 4),), dynamic_shapes=any_number), path)
    opened = open_extractor("exported", path)
    assert opened.weights_digest == sha256(path.read_bytes()).hexdigest()
    gray = torch.rand(5, 1, 4, 4)
    assert torch.equal(opened.extract(gray), gray.expand(-1, 3, -1, -1).flatten(1))


def test_a_plugin_has_a_name_of_its_own() -> None:
    @feature_extractor("flat")
    def flat(weights: Path | None) -> extractors.Extract:
        return lambda samples: samples.flatten(1)

    opened = open_extractor("flat", None)
    assert torch.equal(opened.extract(torch.ones(2, 1, 2, 2)), torch.ones(2, 4))
    assert (len(opened.plugin_digest), opened.weights_digest) == (16, "")
    for name in ("flat", "inception"):
        with pytest.raises(ValueError, match=f"the feature extractor {name} must have a name that no other one has"):
            feature_extractor(name)(lambda weights: torch.clone)


@pytest.mark.slow
def test_inception_sees_whole_numbers_of_three_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch_fidelity import feature_extractor_inceptionv3 as inception

    torch.manual_seed(0)
    with monkeypatch.context() as unloaded:
        unloaded.setattr(inception, "load_state_dict_from_url", lambda *args, **kwargs: {})
        unloaded.setattr(inception.FeatureExtractorInceptionV3, "load_state_dict", lambda self, values: None)
        network = inception.FeatureExtractorInceptionV3("random", ["2048"], verbose=False)
    torch.save(network.state_dict(), tmp_path / "random.pth")
    gray = torch.rand(2, 1, 16, 16) * 2 - 1
    found = open_extractor("inception", tmp_path / "random.pth").extract(gray)
    assert found.shape == (2, 2048)
    pixels = ((gray + 1) * 127.5).round().to(torch.uint8).repeat(1, 3, 1, 1)
    assert torch.equal(found, network(pixels)[0])
    with pytest.raises(ValueError, match="features inception must be of images"):
        open_extractor("inception", tmp_path / "random.pth").extract(torch.zeros(2, 2))


def test_a_plugin_that_is_in_no_file_is_refused() -> None:
    def flat(weights: Path | None) -> extractors.Extract:
        return lambda samples: samples.flatten(1)

    flat.__module__ = "__main__"
    with pytest.raises(ValueError, match="the feature extractor flat must be defined in a Python file"):
        feature_extractor("flat")(flat)

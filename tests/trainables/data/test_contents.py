"""What a data set contains, in words."""

import torch

from trainables.data import Digits, ImageTruth
from trainables.data.contents import classes, counted, sentence

IMAGES = torch.zeros(3, 1, 8, 8, dtype=torch.uint8)


def test_classes_are_named_with_their_numbers() -> None:
    assert counted([60, 1_058], ("cat", "dog")) == "2: cat 60, dog 1,058"
    assert counted([3, 4]) == "2, with 3, 4 images"


def test_empty_classes_are_counted_where_there_are_many() -> None:
    assert counted([0, 3, *[5] * 998]) == "1,000, with 0 to 5 images each; 1 without any"


def test_the_first_of_many_classes_are_named() -> None:
    names = tuple(f"k{number:02}" for number in range(25))
    found = counted([2] * 25, names)
    assert found.startswith("25: k00, k01, ")
    assert found.endswith(", k19 and 5 more, with 2 to 2 images each; 0 without any")


def test_unlabeled_images_have_no_classes() -> None:
    assert classes(ImageTruth(images=IMAGES, labels=None, classes=0)) == "none: unlabelled"


def test_images_that_are_not_the_users_have_no_remarks() -> None:
    truth = ImageTruth(images=IMAGES, labels=torch.tensor([0, 1, 1]), classes=2)
    assert sentence(Digits(), truth) == "3 images, classes 2, with 1, 2 images"

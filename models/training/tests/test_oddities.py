import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from captioner import odd_photographs
from captioner.images import open_archive
from captioner.oddities import KINDS, make, write


def photograph():
    rng = np.random.default_rng(5)
    return Image.fromarray(rng.integers(0, 256, (32, 40, 3), np.uint8)).resize((160, 128))


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_draws_an_image_of_the_size_asked_for(kind):
    for seed in range(4):
        image = KINDS[kind](np.random.default_rng(seed), 120, 90)
        assert image.mode == "RGB" and image.size == (120, 90)


@pytest.mark.parametrize("kind", odd_photographs.KINDS)
def test_a_spoilt_photograph_keeps_its_size_and_is_another_image(kind):
    before = photograph()
    after = odd_photographs.KINDS[kind](np.random.default_rng(0), before)
    assert after.mode == "RGB" and after.size == before.size
    assert np.abs(np.asarray(after, float) - np.asarray(before, float)).mean() > 10


def test_the_seed_and_the_number_decide_an_image():
    one, again, other, next_one = make(7, 1), make(7, 1), make(7, 2), make(7 + len(KINDS), 1)
    assert one[0] == again[0] and one[1].tobytes() == again[1].tobytes()
    assert one[1].tobytes() != other[1].tobytes()
    assert one[0][5:] == next_one[0][5:] and one[1].tobytes() != next_one[1].tobytes()


def test_all_kinds_take_turns():
    names = {make(number, 1, [photograph])[0][5:] for number in range(len(KINDS) + len(odd_photographs.KINDS))}
    assert names == {*KINDS, *odd_photographs.KINDS}


def test_the_same_command_writes_the_same_files(tmp_path):
    data = io.BytesIO()
    photograph().save(data, "jpeg")
    with zipfile.ZipFile(tmp_path / "photographs.zip", "w") as archive:
        archive.writestr("train/a.jpg", data.getvalue())
    assert open_archive(tmp_path / "photographs.zip")[0]().size == (160, 128)
    write(tmp_path / "one", 4, 3, open_archive(tmp_path / "photographs.zip"))
    command = [sys.executable, "-m", "captioner.oddities", "--output", str(tmp_path / "two"), "--count", "4"]
    subprocess.run([*command, "--seed", "3", "--photographs", str(tmp_path / "photographs.zip")], check=True)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(files) == 4
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()

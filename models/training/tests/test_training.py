import copy
import io
import json
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from captioner import checkpoint, manifest
from captioner.checkpoint import mean
from captioner.cider import NONE, Cider, padded
from captioner.data import pad
from captioner.faults import breaks_off, repetitions, says_twice
from captioner.graphs import decoder_graph, decoder_weights, encoder_graph, session
from captioner.images import augment, load_image
from captioner.network import ENCODERS, Backbone, Captioner, normalise
from captioner.reinforce import sample, sharpen
from captioner.search import Decoding, Judge, beam_search
from captioner.vocabulary import Vocabulary, tokenize


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.build([tokenize("a dog runs on the grass"), tokenize("a cat sits")], 1)


@pytest.fixture(scope="module")
def captioner(vocabulary):
    torch.manual_seed(0)
    model = Captioner(len(vocabulary), "lite1").eval()
    for module in model.backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.1)
            module.running_var.uniform_(0.3, 0.5)
    return model


@pytest.mark.parametrize(
    "caption, tokens",
    [
        ("A Dog runs .", "a dog runs ."),
        ("two dogs fighting", "two dogs fighting ."),
        ("The boy's dog doesn't run.", "the boy 's dog does n't run ."),
        ('a sign says "stop" , she waits', "a sign says stop , she waits ."),
        ("a tri-colored dog ,", "a tri-colored dog ."),
    ],
)
def test_captions_become_tokens_that_end_in_a_full_stop(caption, tokens):
    assert tokenize(caption) == tokens.split()


def test_a_vocabulary_survives_writing_and_reading(vocabulary, tmp_path):
    vocabulary.write(tmp_path / "words.txt")
    lines = (tmp_path / "words.txt").read_text().splitlines()
    again = Vocabulary.read(tmp_path / "words.txt")
    assert again.counts == vocabulary.counts
    assert lines[again.start].startswith("<S> ") and again.unknown == len(lines)
    assert [n for _, n in again.counts] == sorted((n for _, n in again.counts), reverse=True)


def test_rare_words_are_unknown(vocabulary):
    assert vocabulary.encode(["a", "zebra"]) == [
        vocabulary.start,
        vocabulary.ids["a"],
        vocabulary.unknown,
        vocabulary.end,
    ]


def test_padding_has_no_loss():
    inputs, targets = pad([[1, 5, 2], [1, 5, 6, 2]])
    assert inputs.tolist() == [[1, 5, 0], [1, 5, 6]]
    assert targets.tolist() == [[5, 2, -100], [5, 6, 2]]


def test_an_upside_down_photograph_is_turned():
    image = Image.new("RGB", (40, 20))
    image.paste((255, 0, 0), (0, 0, 40, 10))
    exif = Image.Exif()
    exif[0x0112] = 3
    data = io.BytesIO()
    image.save(data, "PNG", exif=exif)
    pixels = load_image(data.getvalue(), 224)
    assert pixels.shape == (224, 224, 3) and pixels[0, 0, 0] == 0 and pixels[223, 0, 0] == 255


def test_augmentation_is_the_same_for_the_same_seed():
    images = normalise(np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8))
    views = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        views.append(augment(images))
    assert torch.equal(views[0], views[1]) and not torch.equal(views[0], views[2])
    assert views[0].shape == images.shape and views[0].abs().max() <= 1


def test_a_whole_crop_in_the_same_light_is_the_image_or_its_mirror():
    image = normalise(np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8))
    torch.manual_seed(0)
    view = augment(image, smallest=1, light=0)
    assert min((view - image).abs().max(), (view - image.flip(3)).abs().max()) < 1e-4


def test_the_exported_encoder_equals_pytorch(captioner):
    images = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = captioner.embed_map(captioner.backbone(normalise(images))).numpy()
    embedding, regions = session(encoder_graph(captioner), 1).run(None, {"image": images})
    np.testing.assert_allclose(regions, expected, atol=1e-4)
    np.testing.assert_allclose(embedding, regions.mean(1), atol=1e-5)


def decoder_inputs(words):
    rng = np.random.default_rng(1)
    return {
        "word": np.array([-1, 0, words - 1]),
        "image_embedding": rng.normal(size=(3, 512), scale=0.3).astype(np.float32),
        "state": rng.uniform(-1, 1, (3, 1024)).astype(np.float32),
        "k": np.array([3]),
    }


def test_the_exported_step_equals_pytorch(captioner, vocabulary):
    inputs = decoder_inputs(len(vocabulary))
    found = session(decoder_graph(decoder_weights(captioner.decoder)), 1).run(None, inputs)
    x = captioner.decoder.embedding(torch.from_numpy(inputs["word"]).clamp(min=0))
    x[0] = torch.from_numpy(inputs["image_embedding"])[0]
    with torch.no_grad():
        state, expected = captioner.decoder.step(x, torch.from_numpy(inputs["state"]))
    np.testing.assert_allclose(found[0], state, atol=1e-5)
    np.testing.assert_allclose(found[3], expected, atol=1e-5)
    np.testing.assert_allclose(found[1], np.take_along_axis(found[3], found[2], 1))


class Table:
    """A decoder whose next-word probabilities depend on the last word only."""

    probabilities = {
        0: {1: 0.1, 2: 0.2, 3: 0.3, 4: 0.4},
        2: {5: 0.1, 6: 0.9},
        3: {1: 0.1, 7: 0.4, 8: 0.5},
        4: {1: 0.3, 9: 0.3, 10: 0.4},
        9: {1: 0.5, 11: 0.5},
    }

    def embedding(self, ids):
        return ids

    def step(self, x, state):
        scores = torch.full((len(x), 12), -torch.inf)
        for row, word in enumerate(x.tolist() if x.dim() == 1 else []):
            for following, p in self.probabilities.get(word, {1: 1.0}).items():
                scores[row, following] = np.log(p)
        return state, scores


class Ids:
    start, end = 0, 1


@pytest.mark.parametrize("width, expected", [(1, [4, 10]), (2, [4, 10]), (3, [2, 6])])
def test_beam_search_finds_what_im2txt_finds(width, expected):
    found = beam_search(Table(), torch.zeros(2, 512), Ids, Decoding(beam_width=width))
    assert found == [expected, expected]


def test_partial_captions_win_only_if_none_is_complete():
    search = lambda length: beam_search(Table(), torch.zeros(1, 512), Ids, Decoding(max_length=length))[0]
    assert search(2) == [4] and search(3) == [4]


def test_an_ending_before_the_minimum_is_no_candidate():
    assert beam_search(Table(), torch.zeros(1, 512), Ids, Decoding(beam_width=1, min_length=2)) == [[4, 10]]


def plain_cider(references, image, ids, longest=4, sigma=6.0):
    """CIDEr-D with dictionaries, as its paper says it."""
    grams = lambda ids, n: Counter(tuple(ids[i : i + n]) for i in range(len(ids) - n + 1))
    total = 0.0
    for n in range(1, longest + 1):
        frequency = Counter(g for some in references for g in {g for r in some for g in grams(r, n)})
        weigh = lambda ids: {g: c * (np.log(len(references)) - np.log(max(1, frequency[g]))) for g, c in grams(ids, n).items()}
        norm = lambda vector: np.sqrt(sum(w * w for w in vector.values()))
        mine = weigh(ids)
        for reference in references[image]:
            theirs = weigh(reference)
            shared = sum(min(w, theirs[g]) * theirs[g] for g, w in mine.items() if g in theirs)
            if shared:
                total += np.exp(-((len(ids) - len(reference)) ** 2) / (2 * sigma**2)) * shared / norm(mine) / norm(theirs)
    return 10 * total / longest / len(references[image])


def test_the_reward_is_cider_d():
    rng = np.random.default_rng(1)
    ids = lambda: rng.integers(0, 9, rng.integers(1, 14)).tolist()
    references = [[ids() for _ in range(rng.integers(1, 5))] for _ in range(12)]
    captions = [ids() for _ in range(12)]
    found = Cider(references, 9).score(torch.arange(12), padded(captions, 14))
    expected = [plain_cider(references, image, caption) for image, caption in enumerate(captions)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_reward_prefers_whole_captions_with_rare_words():
    common, rare, other, end = 0, 1, 2, 9
    cider = Cider([[[common, rare, end]] * 5, [[common, other, end]] * 5, [[common, 3, end]] * 5], 10)
    score = lambda image, ids: cider.score(torch.tensor([image]), padded([ids], 6)).item()
    whole = score(0, [common, rare, end])
    assert abs(whole - 10 * 3 / 4) < 1e-5  # three words have no 4-grams
    assert whole > score(0, [common, rare]) > score(0, [common, end]) >= 0
    assert score(1, [common, rare, end]) < score(0, [common, rare, end])


def test_the_judge_drops_full_stops_and_counts_faults(vocabulary):
    judge = Judge([[["a", "dog", "."]], [["a", "zebra", "."]]], vocabulary)
    ids = lambda text: [vocabulary.ids[word] for word in text.split()]
    perfect, other = judge.ciders([ids("a dog ."), ids("a cat .")]).tolist()
    assert abs(perfect - 500) < 1e-2 and other < 100  # two words have no 3-grams and no 4-grams
    assert judge.score([ids("a dog ."), ids("a dog dog .")])["faulty"] == 1


def test_the_mean_of_checkpoints_is_weighted():
    states = [{"w": torch.tensor([0.0]), "n": torch.tensor(3)}, {"w": torch.tensor([3.0]), "n": torch.tensor(9)}]
    averaged = mean(states, [1, 2])
    assert averaged["w"].item() == 2 and averaged["n"].item() == 3


def test_sampled_captions_end_once_and_never_say_unknown(captioner, vocabulary):
    torch.manual_seed(0)
    for row in sample(captioner.decoder, torch.randn(20, 512), vocabulary, longest=30).tolist():
        ids = [i for i in row if i != NONE]
        assert row == ids + [NONE] * (30 - len(ids)) and vocabulary.end not in ids[:-1]
        assert vocabulary.unknown not in ids and vocabulary.start not in ids


@pytest.mark.parametrize(
    "caption, again, twice, off",
    [
        ("two dogs run on the grass on the beach .", 0, False, False),
        ("a black dog and a brown dog .", 1, False, False),
        ("a white and white dog .", 1, True, False),
        ("a man in a hat and a hat .", 1, True, False),
        ("a man in a red shirt and a red shirt .", 2, True, False),
        ("a dog dog runs .", 1, True, False),
        ("a man with a .", 0, False, True),
        ("a man with a hat", 0, False, True),
        ("a dog jumps up .", 0, False, False),
    ],
)
def test_faults_are_found(caption, again, twice, off):
    words = caption.split()
    assert (repetitions(words), says_twice(words), breaks_off(words)) == (again, twice, off)


def test_a_sharper_decoder_prefers_the_same_word_more(captioner):
    decoder = copy.deepcopy(captioner.decoder)
    x, state = torch.randn(4, 512), torch.zeros(4, 1024)
    with torch.no_grad():
        before = decoder.step(x, state)[1]
        sharpen(decoder, 1.5)
        after = decoder.step(x, state)[1]
    assert (before.argmax(1) == after.argmax(1)).all() and (after.max(1).values > before.max(1).values).all()


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_imagenet_weights_fit(encoder):
    Captioner(5, encoder).load_imagenet()


def test_a_larger_image_has_more_cells(vocabulary):
    model = encoder_graph(Captioner(len(vocabulary), "lite0", 256))
    regions = session(model, 1).run(["region_embeddings"], {"image": np.zeros((1, 256, 256, 3), np.uint8)})[0]
    assert regions.shape == (1, 64, 512)


def test_a_manifest_describes_its_files(vocabulary, tmp_path):
    vocabulary.write(tmp_path / "word_counts.txt")
    for name in ("encoder.onnx", "decoder.onnx"):
        (tmp_path / name).write_bytes(b"graph")
    described = {"name": "x", "description": "y", "license": "z", "provenance": []}
    manifest.write(tmp_path, manifest.build(tmp_path, Backbone("lite2", 256), vocabulary, {}, described))
    written = json.loads((tmp_path / "manifest.json").read_text())
    assert written["files"]["encoder"]["bytes"] == 5 and "metrics" not in written
    assert written["vocabulary"]["size"] == written["vocabulary"]["unknownId"] + 1
    assert manifest.read(tmp_path) == written


def test_a_bundle_with_another_byte_is_refused(vocabulary, tmp_path):
    vocabulary.write(tmp_path / "word_counts.txt")
    for name in ("encoder.onnx", "decoder.onnx"):
        (tmp_path / name).write_bytes(b"graph")
    described = {"name": "x", "description": "y", "license": "z", "provenance": []}
    manifest.write(tmp_path, manifest.build(tmp_path, Backbone("lite2", 256), vocabulary, {}, described))
    for file in sorted(tmp_path.iterdir()):
        right = file.read_bytes()
        for at in range(0, len(right), 7):
            file.write_bytes(right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :])
            with pytest.raises(manifest.BundleError):
                manifest.read(tmp_path)
        file.write_bytes(right)
    manifest.read(tmp_path)
    (tmp_path / "manifest.json.sha256").unlink()
    with pytest.raises(manifest.BundleError, match="manifest.json.sha256"):
        manifest.read(tmp_path)


def test_a_bundle_of_before_checksums_is_read(vocabulary, tmp_path):
    for name in manifest.FILES.values():
        (tmp_path / name).write_bytes(b"x")
    described = {"name": "x", "description": "y", "license": "z", "provenance": []}
    content = manifest.build(tmp_path, Backbone("lite2", 256), vocabulary, {}, described)
    del content["checksum"]
    manifest.write(tmp_path, content)
    (tmp_path / "manifest.json.sha256").unlink()
    assert manifest.read(tmp_path) == content


def test_a_checkpoint_replaces_the_old_one_whole(tmp_path):
    checkpoint.save(tmp_path / "model.pt", epoch=1)
    checkpoint.save(tmp_path / "model.pt", epoch=2)
    assert checkpoint.load(tmp_path / "model.pt") == {"epoch": 2}
    assert [p.name for p in tmp_path.iterdir()] == ["model.pt"]

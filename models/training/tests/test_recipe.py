"""A whole recipe on a few dozen small images, and what it is made of."""

import json
import shutil
import zipfile
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from captioner import checkpoint, fit, manifest, recipe
from captioner.bundle import BundleError, grown, read_bundle, with_words
from captioner.evidence import EvidenceOptions, fit_evidence, targets_of, write_evidence
from captioner.graphs import session
from captioner.network import Captioner, normalise
from captioner.retrieve import consensus, different, likelihoods
from captioner.sources import read_sentences, read_sources
from captioner.vocabulary import Vocabulary, tokenize

THINGS = {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (30, 40, 200)}

RECIPE = """
name = "colours"
description = "plain colours"
license = "none"
encoder = "lite0"
size = 64
min-count = 1
sentences = "sentences.txt"
{bundle}

[[source]]
folder = "seen"
reinforce = true

[[source]]
folder = "bare"
weight = 0.5

[[step]]
name = "found"
do = "retrieve"
sources = ["bare"]
nearest = 4
captions = 2

[[step]]
name = "decoder"
do = "fit"
epochs = 2
sentences = 4

[[step]]
name = "found-again"
do = "retrieve"
sources = ["bare", "seen"]
fill = ["seen"]
filled = 3
nearest = 4
captions = 2
voice = "seen"

[[step]]
name = "encoder"
do = "fit"
first = 14
epochs = 1

[[step]]
name = "rewarded"
do = "reinforce"
epochs = 1
samples = 2
own = ["seen"]

[[step]]
name = "mean"
do = "average"
of = ["encoder", "rewarded"]
weights = [1, 3]

[[step]]
name = "options"
do = "choose"
counts = {{ seen = 1 }}
length-normalization = [0.0, 1.0]
max-length = [8]

[[step]]
name = "bundle"
do = "export"
fold = {{ seen = 1.0 }}
"""


def write_source(folder, split, count, captions):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(count)
    files = {}
    with zipfile.ZipFile(folder / f"{split}.zip", "w") as archive:
        for i in range(count):
            name = list(THINGS)[i % len(THINGS)]
            pixels = np.clip(np.array(THINGS[name]) + rng.integers(-20, 20, (48, 64, 3)), 0, 255).astype(np.uint8)
            with archive.open(f"{split}-{i}.png", "w") as file:
                Image.fromarray(pixels).save(file, "PNG")
            files[f"{split}-{i}.png"] = captions(name)
    return files


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    say = lambda name: [f"A {name} square.", f"a square that is {name}"]
    seen = {split: write_source(root / "seen", split, n, say) for split, n in (("train", 12), ("dev", 6))}
    bare = {"train": write_source(root / "bare", "train", 6, lambda name: ["a thing"])}
    for name, content in (("seen", seen), ("bare", bare)):
        (root / name / "captions.json").write_text(json.dumps(content))
    lines = [f"a {size} {name} square" for size in ("small", "large") for name in THINGS]
    (root / "sentences.txt").write_text("\n".join(lines) + "\n\n")
    return root


def run_recipe(data, folder, bundle="", until=None):
    path = folder / "recipe.toml"
    path.write_text(RECIPE.format(bundle=bundle))
    run = recipe.Run(recipe.read_recipe(path), data, folder / "run", "cpu")
    done = []
    for name in run.steps:
        if not run.done(name):
            run.do(name)
            done.append(name)
        if name == until:
            break
    return run, done


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipe")
    run, done = run_recipe(data, folder)
    assert done == list(run.steps)
    return folder, run


def test_a_recipe_goes_from_photographs_to_a_bundle(finished):
    _, run = finished
    described = json.loads((run.run / "bundle" / "manifest.json").read_text())
    assert described["name"] == "colours" and described["image"]["width"] == 64
    assert [row["what"] for row in described["provenance"]][1:] == ["captions of seen", "captions of bare"]
    assert all(len(row["sha256"]) == 64 for row in described["provenance"])


def test_what_is_done_is_not_done_again(finished, data):
    folder, _ = finished
    assert run_recipe(data, folder)[1] == []


def test_a_step_goes_on_after_the_epoch_that_it_finished(data, tmp_path, monkeypatch):
    watch, seen = fit.Watch.__call__, []

    def interrupted(self, model):
        seen.append(watch(self, model))
        if len(seen) == 2:
            raise KeyboardInterrupt
        return seen[-1]

    monkeypatch.setattr(fit.Watch, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_recipe(data, tmp_path, until="decoder")
    path = tmp_path / "run" / "decoder.pt"
    before = checkpoint.load(path)
    assert [row["epoch"] for row in before["curve"]] == [1] and "model" in before
    run, done = run_recipe(data, tmp_path, until="decoder")
    after = checkpoint.load(path)
    assert done == ["decoder"] and len(seen) == 3
    assert after["curve"][0] == before["curve"][0] and [row["epoch"] for row in after["curve"]] == [1, 2]
    # What only an interrupted step needs is gone.
    assert "model" not in after and not list((tmp_path / "run").glob("*.features"))


def test_a_step_may_end_before_its_schedule(data, tmp_path):
    text = RECIPE.format(bundle="").replace("epochs = 2\n", "epochs = 2\nstop = 1\n")
    (tmp_path / "recipe.toml").write_text(text)
    run = recipe.Run(recipe.read_recipe(tmp_path / "recipe.toml"), data, tmp_path / "run", "cpu")
    for name in ("found", "decoder"):
        run.do(name)
    assert [row["epoch"] for row in checkpoint.load(run.path("decoder"))["curve"]] == [1] and run.done("decoder")


def test_photographs_keep_their_own_captions_and_get_found_ones_beside(finished):
    _, run = finished
    found = json.loads(run.path("found-again").read_text())
    for row in run.photographs.rows("seen"):
        captions = found[run.photographs.keys[row]]
        assert captions[:2] == run.photographs.own[row] and len(captions) == 3


def test_photographs_of_two_sources_may_have_the_same_name(finished):
    _, run = finished
    bare, seen = run.photographs.rows("bare"), run.photographs.rows("seen")
    assert {run.photographs.names[row] for row in bare} < {run.photographs.names[row] for row in seen}
    run.take_found(run.steps["encoder"])
    own = [tokens for row in seen for tokens in run.photographs.own[row]]
    assert not any(tokens in own for row in bare for tokens in run.photographs.captions[row])


def test_sentences_that_agree_come_before_one_that_does_not():
    sentences = [tokenize(text) for text in ("a red dog runs", "a red dog runs fast", "a red dog sits", "blue boats sail")]
    words = Vocabulary.build(sentences, 1)
    finder = SimpleNamespace(sentences=sentences)
    # A second photograph, or every word would be in all.
    scores = consensus(finder, words, torch.tensor([[0, 1, 2, 3], [3, 3, 3, 3]]), "cpu")
    assert scores.shape == (2, 4) and scores[0, 3] < scores[0, :3].min()


def test_a_caption_is_as_likely_as_its_words_one_after_the_other():
    words = Vocabulary.build([tokenize("a dog runs"), tokenize("a cat")], 1)
    torch.manual_seed(0)
    model = Captioner(len(words), "lite0", 64).eval()
    images = torch.randn(2, 512)
    ids = [words.encode(tokenize(text)) for text in ("a dog runs", "a cat")]
    found = likelihoods(model.decoder, lambda at: images[at], ids, "cpu")
    for image, caption, mean in zip(images, ids, found.tolist()):
        state, _ = model.decoder.step(image[None], torch.zeros(1, 1024))
        total = 0.0
        for word, following in zip(caption, caption[1:]):
            state, scores = model.decoder.step(model.decoder.embedding(torch.tensor([word])), state)
            total += scores[0, following].item()
        assert abs(mean - total / (len(caption) - 1)) < 0.02  # bfloat16


def test_found_captions_are_sentences_that_differ(finished):
    _, run = finished
    found = json.loads(run.path("found").read_text())
    sentences = [" ".join(tokens) for tokens in run.sentences]
    assert len(found) == 6 and all(" ".join(tokens) in sentences for some in found.values() for tokens in some)
    words = [{"a", "b", "c"}, {"a", "b", "d"}, {"x", "y", "z"}]
    assert different([0, 1, 2], words, 2, 0.5) == [0, 2]


def test_the_choice_is_sorted_by_score(finished):
    _, run = finished
    rows = json.loads(run.path("options").read_text())
    assert len(rows) == 2 and rows[0]["score"] >= rows[1]["score"] and rows[0]["max_length"] == 8


def test_the_mean_lies_between(finished):
    _, run = finished
    first, second, mean = (checkpoint.load(run.path(name))["average"] for name in ("encoder", "rewarded", "mean"))
    name = "decoder.output.bias"
    torch.testing.assert_close(mean[name], 0.25 * first[name] + 0.75 * second[name])


def test_the_encoder_learns_from_the_block_that_is_named(finished):
    _, run = finished
    before, after = (checkpoint.load(run.path(name))["average"] for name in ("decoder", "encoder"))
    moved = {name.split(".")[2] for name in before if name.startswith("backbone.blocks") and not torch.equal(before[name], after[name])}
    assert moved == {"14", "15"}


def test_a_bundle_is_read_back_as_it_was(finished):
    _, run = finished
    directory = run.run / "bundle"
    model, vocabulary = read_bundle(directory, ["mine"])
    assert vocabulary.words == run.vocabulary.words and model.names == ["mine"]
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    expected = session(str(directory / "encoder.onnx"), 1).run(["image_embedding"], {"image": images})[0]
    with torch.no_grad():
        found = model.embed_map(model.backbone(normalise(images))).mean(1)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-2)


def test_what_is_no_bundle_of_ours_is_refused(finished, tmp_path):
    _, run = finished
    copy = shutil.copytree(run.run / "bundle", tmp_path / "copy")
    graph = onnx.load(copy / "encoder.onnx")
    for constant in graph.graph.initializer:
        constant.name = f"x_{constant.name}"
    onnx.save(graph, copy / "encoder.onnx")
    described = manifest.read(run.run / "bundle")
    described["files"]["encoder"] = manifest.file_entry(copy, "encoder.onnx")
    manifest.write(copy, described)
    with pytest.raises(BundleError, match="encoder.onnx"):
        read_bundle(copy)


def test_training_goes_on_from_a_bundle_with_new_words(finished, data, tmp_path):
    _, run = finished
    directory = run.run / "bundle"
    again, done = run_recipe(data, tmp_path, f'bundle = "{directory}"', until="decoder")
    assert done == ["found", "decoder"] and again.encoder == "lite0"
    assert again.vocabulary.words[: len(run.vocabulary) - 1] == run.vocabulary.words[:-1]


def test_new_words_start_unsaid(finished):
    _, run = finished
    model, vocabulary = read_bundle(run.run / "bundle")
    more = Vocabulary([*[(mark, 9) for mark in ("<S>", "</S>")], ("purple", 3)])
    larger = grown(vocabulary, more)
    assert larger.words[-2:] == ["purple", "<UNK>"] and len(larger) == len(vocabulary) + 1
    bias = with_words(model, vocabulary, larger).decoder.output.bias
    assert bias[-2] == model.decoder.output.bias.min() and bias[-1] == model.decoder.output.bias[-1]


def test_a_wrong_key_of_a_step_is_named(tmp_path, data):
    text = RECIPE.format(bundle="").replace("epochs = 1\nsamples", "epoks = 1\nsamples")
    (tmp_path / "recipe.toml").write_text(text)
    run = recipe.Run(recipe.read_recipe(tmp_path / "recipe.toml"), data, tmp_path / "run", "cpu")
    with pytest.raises(recipe.RecipeError, match="step rewarded: unknown epoks"):
        recipe.options_of(recipe.ReinforceOptions, run.steps["rewarded"])


def test_an_unknown_kind_of_step_is_named(tmp_path):
    (tmp_path / "recipe.toml").write_text('name = "x"\n[[step]]\nname = "a"\ndo = "dream"\n')
    with pytest.raises(recipe.RecipeError, match="dream"):
        recipe.read_recipe(tmp_path / "recipe.toml")


def test_what_a_bundle_must_say_is_asked_for_first(tmp_path):
    text = RECIPE.format(bundle="").replace('license = "none"\n', "")
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(recipe.RecipeError, match="license"):
        recipe.read_recipe(tmp_path / "recipe.toml")


def test_a_data_folder_without_the_source_is_named(tmp_path):
    (tmp_path / "recipe.toml").write_text(RECIPE.format(bundle=""))
    with pytest.raises(recipe.RecipeError, match="seen.captions.json"):
        recipe.Run(recipe.read_recipe(tmp_path / "recipe.toml"), tmp_path, tmp_path / "run", "cpu")


def test_a_source_suggests_its_own_options(tmp_path):
    folder = tmp_path / "everyday" / "coco"
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text('{"weight": 0.5, "repeat": 3, "rl": true}')
    source = read_sources([{"folder": "everyday/coco", "repeat": 2}], tmp_path)[0]
    assert (source.name, source.weight, source.repeat, source.reinforce) == ("coco", 0.5, 2, True)


def test_sentences_are_lines(tmp_path):
    (tmp_path / "s.txt").write_text("A dog runs.\n\na cat\n")
    assert read_sentences(tmp_path / "s.txt") == [tokenize("a dog runs"), tokenize("a cat")]


def test_evidence_rises_with_what_is_seen(tmp_path):
    words = Vocabulary.build([tokenize("a dog"), tokenize("a cat")], 1)
    torch.manual_seed(0)
    sides = torch.arange(200) % 2
    embeddings = torch.randn(200, 512) + 2 * sides[:, None]
    captions = [[tokenize("a cat" if side else "a dog")] for side in sides]
    weights, biases = fit_evidence(embeddings, targets_of(captions, words), EvidenceOptions(epochs=20))
    scores = embeddings @ weights.T + biases
    cat = scores[:, words.ids["cat"]]
    assert cat[sides == 1].min() > cat[sides == 0].max()
    assert scores[:, words.ids["a"]].max() < -5  # no evidence for function words
    write_evidence(tmp_path / "evidence.bin", weights, biases)
    data = (tmp_path / "evidence.bin").read_bytes()
    n = len(words)
    assert len(data) == n * (4 + 4 + 512)
    steps = np.frombuffer(data, "<f4", n, 4 * n)
    rows = np.frombuffer(data, "i1", n * 512, 8 * n).reshape(n, 512)
    np.testing.assert_allclose(rows * steps[:, None], weights, atol=float(steps.max()) / 2 + 1e-9)

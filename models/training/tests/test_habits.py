import json
import sys

from captioner import habits


def tokens(*texts):
    return [text.split() for text in texts]


def test_shares_are_of_captions_of_peoples_captions_and_of_photographs():
    captions = tokens("a man runs .", "a dog .", "a close up of a cat .", "a woman .")
    references = [tokens("a man .", "a boy ."), tokens("a dog .", "a man ."), tokens("a cat ."), tokens("a girl .")]
    assert habits.shares(captions, references, {"man", "men"}) == (25, 25, 50)
    assert habits.shares(captions, references, {"close up"}) == (25, 0, 0)


def test_both_kinds_of_fault_are_counted():
    assert habits.faults_of(tokens("a hat and a hat .", "a man with a .", "a dog runs .")) == (1, 1)


def test_the_command_reads_what_evaluate_prints(tmp_path, monkeypatch, capsys):
    images = [{"image": "a.jpg", "caption": "a dog runs ."}, {"image": "b.jpg", "caption": "a dog runs ."}]
    (tmp_path / "evaluation.json").write_text(json.dumps({"sets": {"mine": {"perImage": images}}}))
    (tmp_path / "captions.json").write_text(json.dumps({"dev": {"a.jpg": ["A dog."], "b.jpg": ["A man."]}}))
    arguments = [str(tmp_path / "evaluation.json"), "--captions", f"mine={tmp_path / 'captions.json'}"]
    monkeypatch.setattr(sys, "argv", ["habits", *arguments])
    habits.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mine: 2 captions, 1 different, 4 words"
    assert any(line.split() == ["dog,", "dogs", "100.0", "/", "50.0", "/", "50.0"] for line in lines)

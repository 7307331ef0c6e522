"""The n-gram baseline: its probabilities are those of the formula, and the decoding loop takes it for a decoder."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from tunes import tune

from composer import generate
from composer.decode import write, write_many
from composer.evaluation import writer
from composer.evaluation.kneser_ney import ORDER, KneserNey, NGramRuntime, sequence_of
from theory.errors import ModelError, RequestError
from theory.tokens import Tokenizer

SIZE = 7


def texts():
    dice = np.random.default_rng(1)
    return [dice.choice(SIZE, 30, p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.1, 0.0]).tolist() for _ in range(12)]


def by_hand(rows):
    """Interpolated modified Kneser-Ney, as the paper writes it, on dictionaries."""
    counts = [Counter() for _ in range(ORDER + 1)]
    for row in rows:
        padded = [SIZE] * (ORDER - 1) + row
        for end in range(ORDER, len(padded) + 1):
            counts[ORDER][tuple(padded[end - ORDER : end])] += 1
    for order in range(ORDER - 1, 0, -1):
        for gram in counts[order + 1]:
            counts[order][gram[1:]] += 1
    discounts = []
    for order in range(ORDER + 1):
        n = Counter(counts[order].values())
        share = n[1] / (n[1] + 2 * n[2]) if n[1] else 0
        own = [k - share * (k + 1) * n[k + 1] / n[k] if n[k] else k for k in (1, 2, 3)]
        discounts.append([0, *(min(max(value, 0.1), k - 0.1) for k, value in zip((1, 2, 3), own, strict=True))])
    after = [defaultdict(dict) for _ in range(ORDER + 1)]
    for order in range(1, ORDER + 1):
        for gram, count in counts[order].items():
            after[order][gram[:-1]][gram[-1]] = count

    def probability(word, context, order):
        if order == 0:
            return 1 / SIZE
        found = after[order].get(context[len(context) - order + 1 :])
        lower = probability(word, context, order - 1)
        if not found:
            return lower
        total = sum(found.values())
        off = {one: discounts[order][min(count, 3)] for one, count in found.items()}
        return max(found.get(word, 0) - off.get(word, 0), 0) / total + sum(off.values()) / total * lower

    return lambda word, context: probability(word, context, ORDER)


@pytest.mark.parametrize(
    "context", [(SIZE,) * 4, (SIZE, SIZE, 0, 1), (0, 0, 0, 0), (0, 1, 2, 3), (6, 6, 6, 0), (6,) * 4]
)
def test_probabilities_are_those_of_the_formula(context):
    expected = by_hand(texts())
    found = KneserNey.of(texts(), SIZE).probabilities(context)
    np.testing.assert_allclose(found, [expected(word, context) for word in range(SIZE)], rtol=1e-12)
    assert found.sum() == pytest.approx(1)
    assert (found > 0).all()


def test_counts_come_back_from_their_file_and_give_the_same_bytes(tmp_path):
    model = KneserNey.of(texts(), SIZE)
    for name in ("a", "b"):
        model.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    context = (0, 1, 0, 0)
    assert (KneserNey.load(tmp_path / "a").probabilities(context) == model.probabilities(context)).all()
    (tmp_path / "a").write_bytes(b"damaged")
    with pytest.raises(ModelError):
        KneserNey.load(tmp_path / "a")


def test_nothing_to_count():
    with pytest.raises(RequestError, match="no training piece"):
        KneserNey.of([], SIZE)


def test_a_tune_reads_alike_in_every_key():
    one, other = (sequence_of(tune(3).replace(keys=()), Tokenizer()), sequence_of(tune(3), Tokenizer()))
    assert len(one) < len(other)  # its key is said
    from theory.transform import transpose

    assert sequence_of(transpose(tune(3), 2), Tokenizer())[8:].tolist() == other[8:].tolist()


@pytest.fixture(scope="module")
def baseline(models, tmp_path_factory):
    path = tmp_path_factory.mktemp("n-grams") / "n-grams.safetensors"
    tokenizer = Tokenizer()
    pieces = [sequence_of(tokenizer.quantize(tune(seed)), tokenizer) for seed in range(20)]
    KneserNey.of(pieces, tokenizer.vocabulary.size).save(path)
    return writer.ngrams(path, writer.model(models["vae"]))


def test_it_writes_what_is_asked_for_alone_as_among_others(baseline):
    fields = {"key": "D major", "meter": "3/4", "bars": 4}
    found = baseline.compose(4, 5, **fields)
    for number, piece in enumerate(found):
        assert piece.score.bars == 4
        assert str(piece.score.meters[0].meter) == "3/4"
        (alone,) = baseline.compose(1, 5 + number, **fields)
        assert alone.score == piece.score
    assert len({piece.score for piece in found}) == 4
    assert found[0].recipe.model == {"name": "5-gram", "sha256": baseline.sha256}


def test_side_by_side_it_draws_what_it_draws_alone(baseline):
    ready = baseline.prepared(key="G major", meter="4/4", bars=2)
    assert isinstance(ready.task.runtime, NGramRuntime)
    drafts = write_many(ready.task, [1, 2, 3])
    assert [draft.ids for draft in drafts] == [write(ready.task, seed).ids for seed in (1, 2, 3)]


def test_it_knows_what_it_has_counted(baseline):
    from composer.evaluation.likelihoods import nats

    _, runtime = baseline.load()
    known, new = (tune(seed) for seed in (3, 99))
    style = generate.load(baseline.folder)[0].style
    assert nats(runtime, style.undress(known)) / known.notes < nats(runtime, style.undress(new)) / new.notes

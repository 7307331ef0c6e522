"""What the page says between its tables, for musicians and researchers alike."""

from __future__ import annotations

SUMMARY = """Small figures are 95 % confidence intervals by the bootstrap over pieces. In the last column of figures
stands what real music reaches when it is measured in the same way."""

LISTEN = "The same requests, played alike: one tempo, dynamics by phrase, equal loudness."

OVERLAP = """For each feature: overlapped area (higher is better), and beside it the Kullback-Leibler divergence in
nats (lower is better). Overlap looks at features one by one, and is kind: a model can reach it and still be told
apart by the Frechet distance, by repetition or by form. Read them together."""

VARIETY = """A generator that writes the same piece again and again has few different n-grams and a high self-BLEU.
What real music has is the aim."""

FORM = """Music in phrases comes back to what it said 4 or 8 bars ago: its line rises there. A line that only falls is
music that forgets."""

METRICS = """Means over pieces of MusPy's and MuseGAN's metrics and some others. What real music has is the aim,
neither more nor less: ▲ and ▼ mark intervals that lie wholly above or below the real one."""

VOICES = """How often a rule is broken, for 100 changes of harmony. Bach breaks all of them now and then: the last
column has his 365 chorales. Pieces that are asked for with <code>--rules four-part</code> break none of what these
rules forbid; here nothing was asked."""

LATENTS = """An excerpt is encoded, a latent is drawn from its posterior, and the decoder writes it again with the
likeliest token at every step. Accuracy is the share of 16th steps that say the same (a note of that pitch begins, a
note ends, nothing happens), as of MusicVAE's melodies. More bits make it easier: read both together."""

STEERED = """Steered requests of 8 bars: places at which all rules hold, of those at which they apply; pieces found of
pieces wanted; and what the rules cost in nats a note (the less, the more the model would have written so by
itself)."""

ORIGINALITY = """The longest row of notes that a piece shares with any piece of the training data, in rhythm and in
pitch (exact) or in intervals (transposed). Real music shares turns of phrase too, so what held-out music shares with
the same training data is the measure. Means, and notes that half, three quarters, ... of the pieces do not exceed
(transposed)."""

BASELINE = """The 5-gram knows nothing but which token follows the last four (interpolated Kneser-Ney, counted on the
training side); it is decoded under the same masks. <code>report.json</code> beside this page has every figure with
its interval."""

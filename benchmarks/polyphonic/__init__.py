"""The polyphonic benchmark: exact test likelihood of piano rolls and of chorales at 16th notes.

    python -m benchmarks.polyphonic --dataset jsb               train, keep the weights, print the figures
    python -m benchmarks.polyphonic --dataset jsb --evaluate    score the weights that are kept here

Nothing is told but what sounded before: no beat and no bar. The networks are told in what share of the frames at whole
multiples of a period before something changed, and for `jsb16` the position counted from the piece's start.

Nats a frame (`jsb16`: a voice and step), averaged over all frames, the first of each piece included. Training sees the
training split alone, every choice is made on valid, and test is scored once for each final model.
"""

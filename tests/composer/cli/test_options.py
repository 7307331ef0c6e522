"""What commands share: progress that a log can hold."""

from __future__ import annotations

from composer.cli import options


def test_a_log_has_a_line_a_minute(monkeypatch, capsys):
    now = 1000.0
    monkeypatch.setattr(options.time, "monotonic", lambda: now)
    with options.bar_progress("composing", "pieces") as progress:
        for done in range(13):
            progress(done, 40)
            now += 25
    said = capsys.readouterr()
    assert not said.out
    assert said.err.splitlines() == [
        "cadenza: composing: 3 of 40 pieces, about 15 min left",
        "cadenza: composing: 6 of 40 pieces, about 14 min left",
        "cadenza: composing: 9 of 40 pieces, about 13 min left",
        "cadenza: composing: 12 of 40 pieces, about 12 min left",
    ]


def test_short_work_is_silent(capsys):
    with options.bar_progress("composing") as progress:
        progress(1, 2)
        progress(2, 2)
    assert capsys.readouterr() == ("", "")

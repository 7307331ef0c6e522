"""MIDI files as bytes, made message by message with mido."""

import io

import mido
from mido import Message


def encoded(*tracks, kind=1, ticks_per_quarter=480):
    file = mido.MidiFile(type=kind, ticks_per_beat=ticks_per_quarter)
    file.tracks.extend(mido.MidiTrack(track) for track in tracks)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def on(pitch, time=0, velocity=80, channel=0):
    return Message("note_on", note=pitch, velocity=velocity, time=time, channel=channel)


def off(pitch, time=0, channel=0):
    return Message("note_off", note=pitch, time=time, channel=channel)


def rows(track):
    return [note[:4] for note in track]

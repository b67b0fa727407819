"""Speak one text with espeak-ng and write its samples to standard output, 16 bit, native order.

A program of its own, standard library only, since what espeak-ng says depends on what it has said
before in the same process: only a fresh process repeats to the sample. Called by build.py:

    python speak.py LIBRARY DATA VOICE RATE PITCH TEXT
"""

import ctypes
import sys

SEED = 1  # of the engine's noise and flutter
OUTPUT_SYNCHRONOUS, DONT_EXIT = 2, 0x8000
RATE, VOLUME, PITCH = 1, 2, 3  # espeak_PARAMETER
# The default of 100 clips some voices inside the engine. build.py sets the level afterwards.
QUIET = 40
CHARS_UTF8, PHONEMES = 1, 0x100
Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


def speak(library: str, data: str, voice: str, rate: int, pitch: int, text: str) -> bytes:
    """The samples, mono at 22,050 Hz.

    Args:
        library: path of libespeak-ng.
        data: path of the folder espeak-ng-data.
        voice: language and variant, "en-us+belinda". espeak-ng ignores a variant that it does not
            know, so the caller checks that its file exists.
        rate: words a minute, 80 to 450.
        pitch: 0 to 99, 50 is the voice's own.
        text: words, or phoneme mnemonics in double square brackets.

    Raises:
        RuntimeError: the engine does not start, has no such voice or says nothing.
    """
    engine = ctypes.CDLL(library)
    chunks: list[bytes] = []

    @Callback
    def receive(samples, count, _events):
        if samples and count > 0:
            chunks.append(ctypes.string_at(samples, 2 * count))
        return 0

    if engine.espeak_Initialize(OUTPUT_SYNCHRONOUS, 0, data.encode(), DONT_EXIT) != 22_050:
        raise RuntimeError(f"espeak-ng did not start with the data in {data}")
    engine.espeak_ng_SetRandSeed(ctypes.c_long(SEED))
    engine.espeak_SetSynthCallback(receive)
    if engine.espeak_SetVoiceByName(voice.encode()) != 0:
        raise RuntimeError(f"espeak-ng has no voice {voice}")
    for parameter, value in ((RATE, rate), (PITCH, pitch), (VOLUME, QUIET)):
        engine.espeak_SetParameter(parameter, value, 0)
    spoken = text.encode()
    flags = CHARS_UTF8 | PHONEMES
    engine.espeak_Synth(spoken, ctypes.c_size_t(len(spoken) + 1), 0, 1, 0, flags, None, None)
    engine.espeak_Synchronize()
    if not chunks:
        raise RuntimeError(f"espeak-ng said nothing for {text!r}")
    return b"".join(chunks)


if __name__ == "__main__":
    library, data, voice, rate, pitch, text = sys.argv[1:]
    sys.stdout.buffer.write(speak(library, data, voice, int(rate), int(pitch), text))

"""Sounds made from formulas, and the quantities that are measured on them.

Waveforms are float32 `(samples,)` with full scale [-1, 1]; they are computed in double precision.
Levels and physical quantities are float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

SAMPLE_RATE = 22_050  # Hz
MAX_SAMPLES = 30_000_000  # 22 minutes at SAMPLE_RATE: more is a mix-up of arguments
HEARING_THRESHOLD_PA = 20e-6  # Pa, RMS: 0 dB SPL
SPEED_OF_SOUND = 343.0  # m/s, in air at 20 °C
AIR_DENSITY = 1.2  # kg/m³, at 20 °C


def time_axis(duration_s: float, sample_rate: float = SAMPLE_RATE) -> np.ndarray:
    """Times of the samples: n / sample_rate for n = 0 ... round(duration_s * sample_rate) - 1.

    Args:
        duration_s: in seconds; at least one sample, at most 30 million.
        sample_rate: in Hz, > 0.

    Returns:
        Seconds, float64 `(samples,)`. The end, duration_s, is not among them.

    Raises:
        ValueError: an argument is out of range.
    """
    _check_number("duration_s", duration_s, "a positive number of seconds", positive=True)
    _check_number("sample_rate", sample_rate, "a positive number of Hz", positive=True)
    samples = round(duration_s * sample_rate)
    if not 1 <= samples <= MAX_SAMPLES:
        raise ValueError(
            f"duration_s must give 1 to {MAX_SAMPLES:,} samples; {duration_s} s at {sample_rate} "
            f"Hz give {samples:,}. Are the arguments in the right order?"
        )
    return np.arange(samples) / sample_rate


def tone(
    frequency_hz: float,
    duration_s: float = 1.0,
    amplitude: float = 1.0,
    phase: float = 0.0,
    sample_rate: float = SAMPLE_RATE,
) -> np.ndarray:
    """Sine wave: amplitude * sin(2 pi frequency_hz t + phase).

    Args:
        frequency_hz: >= 0. Above sample_rate / 2 it is heard elsewhere: see `alias_frequency`.
        duration_s: in seconds.
        amplitude: peak value; 1.0 is full scale.
        phase: in radians; pi / 2 makes it a cosine.
        sample_rate: in Hz.

    Returns:
        Waveform, float32 `(samples,)`.

    Raises:
        ValueError: an argument is out of range.
    """
    _check_number("frequency_hz", frequency_hz, "zero or a positive number of Hz", minimum=0)
    _check_number("amplitude", amplitude, "a finite number")
    _check_number("phase", phase, "a finite number of radians")
    t = time_axis(duration_s, sample_rate)
    return _waveform(amplitude * np.sin(2 * np.pi * frequency_hz * t + phase))


def complex_wave(
    fundamental_hz: float,
    amplitudes: Sequence[float],
    phases: Sequence[float] | None = None,
    duration_s: float = 1.0,
    sample_rate: float = SAMPLE_RATE,
) -> np.ndarray:
    """Sum of harmonics, n = 1, 2 ...: the sum of a_n sin(2 pi n fundamental_hz t + phase_n).

    Args:
        fundamental_hz: frequency of harmonic 1, > 0. Harmonics above sample_rate / 2 are folded
            back, as by any sampling.
        amplitudes: a_n, peak values of harmonics 1, 2, 3 ...; 0 leaves one out.
        phases: phase_n in radians, one an amplitude; None is all zero.
        duration_s: in seconds.
        sample_rate: in Hz.

    Returns:
        Waveform, float32 `(samples,)`, not rescaled: its peak is at most the sum of `amplitudes`.

    Raises:
        ValueError: an argument is out of range, or the lists differ in length.
    """
    _check_number("fundamental_hz", fundamental_hz, "a positive number of Hz", positive=True)
    amplitudes = _finite_vector("amplitudes", amplitudes)
    phases = np.zeros_like(amplitudes) if phases is None else _finite_vector("phases", phases)
    if phases.size != amplitudes.size:
        raise ValueError(
            f"phases must have one value for each of the {amplitudes.size} amplitudes, got "
            f"{phases.size}"
        )
    t = time_axis(duration_s, sample_rate)
    total = np.zeros_like(t)
    for n, (amplitude, phase) in enumerate(zip(amplitudes, phases, strict=True), start=1):
        if amplitude != 0:
            total += amplitude * np.sin(2 * np.pi * n * fundamental_hz * t + phase)
    return _waveform(total)


def chirp(
    start_hz: float,
    end_hz: float,
    duration_s: float = 1.0,
    kind: Literal["linear", "exponential"] = "linear",
    amplitude: float = 1.0,
    sample_rate: float = SAMPLE_RATE,
) -> np.ndarray:
    """Sine whose frequency glides from start_hz at t = 0 to end_hz at t = duration_s.

    Args:
        start_hz: >= 0; > 0 for an exponential glide.
        end_hz: likewise.
        duration_s: in seconds.
        kind: "linear" moves by equal Hz a second, "exponential" by equal intervals of pitch.
        amplitude: peak value.
        sample_rate: in Hz.

    Returns:
        Waveform, float32 `(samples,)`, with phase 0 at its start.

    Raises:
        ValueError: an argument is out of range.
    """
    if kind not in ("linear", "exponential"):
        raise ValueError(f'kind must be "linear" or "exponential", got {kind!r}')
    for name, value in (("start_hz", start_hz), ("end_hz", end_hz)):
        _check_number(name, value, "zero or a positive number of Hz", minimum=0)
        if kind == "exponential" and value == 0:
            raise ValueError(f"{name} must be above 0 Hz for an exponential glide, got {value}")
    _check_number("amplitude", amplitude, "a finite number")
    t = time_axis(duration_s, sample_rate)
    # The phase is the integral of the frequency.
    if kind == "linear" or start_hz == end_hz:
        cycles = start_hz * t + (end_hz - start_hz) * t**2 / (2 * duration_s)
    else:
        growth = np.log(end_hz / start_hz) / duration_s
        cycles = start_hz * np.expm1(growth * t) / growth
    return _waveform(amplitude * np.sin(2 * np.pi * cycles))


def noise(
    duration_s: float = 1.0,
    color: Literal["white", "pink"] = "white",
    level: float = 0.1,
    sample_rate: float = SAMPLE_RATE,
    *,
    rng: np.random.Generator | int,
) -> np.ndarray:
    """Gaussian noise of an exact level.

    Args:
        duration_s: in seconds.
        color: "white" has the same power in each Hz, "pink" in each octave (1 / f).
        level: RMS of the result, >= 0. Peaks are four to five times as high.
        sample_rate: in Hz.
        rng: generator, or a seed.

    Returns:
        Waveform, float32 `(samples,)`.

    Raises:
        ValueError: an argument is out of range.
    """
    if color not in ("white", "pink"):
        raise ValueError(f'color must be "white" or "pink", got {color!r}')
    _check_number("level", level, "zero or a positive RMS", minimum=0)
    samples = time_axis(duration_s, sample_rate).size
    wave = np.random.default_rng(rng).standard_normal(samples)
    if color == "pink" and samples > 1:
        spectrum = np.fft.rfft(wave)
        spectrum[0] = 0  # 1 / f has no value at 0 Hz
        spectrum[1:] /= np.sqrt(np.arange(1, spectrum.size))
        wave = np.fft.irfft(spectrum, samples)
    return _waveform(wave * (level / rms(wave)))


def adsr(
    duration_s: float,
    attack_s: float,
    decay_s: float,
    sustain: float,
    release_s: float,
    sample_rate: float = SAMPLE_RATE,
) -> np.ndarray:
    """Envelope of straight lines: 0 up to 1 (attack), down to `sustain`, held, down to 0 (release).

    Args:
        duration_s: of the whole, in seconds.
        attack_s: seconds of the rise, >= 0.
        decay_s: seconds of the fall to `sustain`, >= 0.
        sustain: level that is held, 0 to 1.
        release_s: seconds of the fall to 0, which ends with the sound, >= 0.
        sample_rate: in Hz.

    Returns:
        Factors from 0 to 1, float32 `(samples,)`, to multiply a waveform with.

    Raises:
        ValueError: an argument is out of range, or the parts are longer than the whole.
    """
    for name, value in (("attack_s", attack_s), ("decay_s", decay_s), ("release_s", release_s)):
        _check_number(name, value, "zero or a positive number of seconds", minimum=0)
    _check_number("sustain", sustain, "a number from 0 to 1", minimum=0)
    if sustain > 1:
        raise ValueError(f"sustain must be a number from 0 to 1, got {sustain}")
    t = time_axis(duration_s, sample_rate)
    parts_s = attack_s + decay_s + release_s
    if parts_s > duration_s * (1 + 1e-9):  # 0.1 + 0.2 is a little over 0.3
        raise ValueError(
            f"attack, decay and release take {parts_s:.4g} s together, more than duration_s = "
            f"{duration_s:.4g}. Shorten one, or make the sound longer."
        )
    corners = np.array([0, attack_s, attack_s + decay_s, duration_s - release_s, duration_s])
    return _waveform(np.interp(t, np.maximum.accumulate(corners), [0, 1, sustain, sustain, 0]))


def fade(waveform: np.ndarray, sample_rate: float, duration_s: float = 0.01) -> np.ndarray:
    """Fade a sound in and out along half a cosine, so that it starts and ends without a click.

    Args:
        waveform: `(samples,)`.
        sample_rate: in Hz.
        duration_s: seconds of each fade; both fit into the sound.

    Returns:
        New waveform, float32 `(samples,)`; its first and last sample are 0.

    Raises:
        ValueError: an argument is out of range, or the sound is too short.
    """
    waveform = _finite_vector("waveform", waveform)
    length = time_axis(duration_s, sample_rate).size
    if 2 * length > waveform.size:
        raise ValueError(
            f"two fades of {duration_s} s do not fit into {waveform.size / sample_rate:.4g} s of "
            "sound. Take a shorter duration_s."
        )
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)
    waveform[:length] *= ramp
    waveform[-length:] *= ramp[::-1]
    return _waveform(waveform)


def amplitude_envelope(waveform: np.ndarray) -> np.ndarray:
    """Outline of a wave: the magnitude of its analytic signal.

    The analytic signal keeps the positive frequencies, doubled, and drops the negative ones. The
    outline is what the ear follows where the wave is narrow in frequency: one tone, or a beat. The
    DFT takes the sound to be periodic, so the outline bends at both ends.

    Args:
        waveform: `(samples,)`, real.

    Returns:
        Amplitude at each sample, float32 `(samples,)`.

    Raises:
        ValueError: the waveform is empty, not one-dimensional, not real, or not finite.

    Source: Marple, "Computing the discrete-time analytic signal via FFT", 1999.
    """
    waveform = _finite_vector("waveform", waveform)
    samples = waveform.size
    spectrum = np.fft.fft(waveform)
    spectrum[1 : (samples + 1) // 2] *= 2
    spectrum[samples // 2 + 1 :] = 0
    return _waveform(np.abs(np.fft.ifft(spectrum)))


def rms(x: ArrayLike) -> float:
    """Root mean square of all values, in their unit. Empty: ValueError."""
    x = np.abs(np.asarray(x)).astype(np.float64)
    if x.size == 0:
        raise ValueError("rms of no values is undefined. Check the slice that made them.")
    return float(np.sqrt(np.mean(x**2)))


def amplitude_to_db(
    amplitude: ArrayLike, reference: float = 1.0, floor: float = 1e-10
) -> np.ndarray:
    """Level of an amplitude in decibels, 20 log10(|a| / reference).

    Full scale is 1.0 and 0 dB: the RMS of a full-scale sine is then at -3.01 dB, that of a
    full-scale square wave at 0 dB.

    Args:
        amplitude: any shape; linear amplitude in the unit of `reference`.
        reference: amplitude at 0 dB, > 0. Full scale is 1.0, hearing threshold 20e-6 Pa.
        floor: smallest amplitude told apart; quieter values are clamped to it.

    Returns:
        Level in dB, float64, shape of `amplitude`.

    Raises:
        ValueError: `reference` or `floor` is not positive.
    """
    _check_number("reference", reference, "a positive amplitude", positive=True)
    _check_number("floor", floor, "a positive amplitude", positive=True)
    magnitude = np.abs(np.asarray(amplitude)).astype(np.float64)
    return 20 * np.log10(np.maximum(magnitude, floor) / reference)


def db_to_amplitude(level_db: ArrayLike, reference: float = 1.0) -> np.ndarray:
    """Amplitude of a level in decibels, reference * 10^(level_db / 20): `amplitude_to_db` undone.

    Args:
        level_db: any shape; level in dB.
        reference: amplitude at 0 dB, > 0.

    Returns:
        Linear amplitude in the unit of `reference`, float64, shape of `level_db`.

    Raises:
        ValueError: `reference` is not positive.
    """
    _check_number("reference", reference, "a positive amplitude", positive=True)
    return reference * 10 ** (np.asarray(level_db, dtype=np.float64) / 20)


def quantise(
    x: ArrayLike,
    bits: int,
    kind: Literal["mid-rise", "mid-tread"] = "mid-rise",
    dither: Literal["rectangular", "triangular"] | None = None,
    rng: np.random.Generator | int | None = None,
) -> np.ndarray:
    """Round samples in [-1, 1) to 2^bits levels, step = 2 / 2^bits apart.

    "mid-rise" has a riser at 0: the levels are ±step/2, ±3 step/2 ... ±(1 - step/2), the same
    number on both sides, and none at 0. "mid-tread" has a tread there: 0, ±step ... up to 1 - step
    and down to -1, as two's complement integers have. Values beyond the outer levels get the
    outer level.

    Args:
        x: any shape, real; full scale [-1, 1).
        bits: 1 to 24.
        kind: "mid-rise" or "mid-tread".
        dither: noise added before rounding. "rectangular", one step wide, takes the error's mean
            off the signal; "triangular", two steps wide, its power as well. It isn't subtracted.
        rng: generator, or a seed; needed with dither.

    Returns:
        float32, shape of `x`; every level is exact.

    Raises:
        ValueError: an argument is out of range, or `rng` is missing.

    Source: Lipshitz, Wannamaker, Vanderkooy, "Quantization and dither: a theoretical survey", 1992.
    """
    if isinstance(bits, bool) or not isinstance(bits, int | np.integer) or not 1 <= bits <= 24:
        raise ValueError(f"bits must be a whole number from 1 to 24, got {bits!r}")
    if kind not in ("mid-rise", "mid-tread"):
        raise ValueError(f'kind must be "mid-rise" or "mid-tread", got {kind!r}')
    if dither not in (None, "rectangular", "triangular"):
        raise ValueError(f'dither must be None, "rectangular" or "triangular", got {dither!r}')
    if dither is not None and rng is None:
        raise ValueError("dither is random: give rng, a numpy generator or a seed")
    steps = _finite("x", x) * 2 ** (int(bits) - 1)  # in units of one step
    if dither is not None:
        rng = np.random.default_rng(rng)
        for _ in range(2 if dither == "triangular" else 1):
            steps = steps + rng.uniform(-0.5, 0.5, steps.shape)
    offset = 0.5 if kind == "mid-rise" else 0.0
    levels = np.floor(steps + 0.5 - offset)
    half = 2 ** (int(bits) - 1)
    return _waveform((np.clip(levels, -half, half - 1) + offset) / half)


def snr_db(signal: ArrayLike, approximation: ArrayLike) -> float:
    """Signal-to-noise ratio in dB, the noise being `signal - approximation`.

    Args:
        signal: any shape; not all zero.
        approximation: same shape.

    Returns:
        10 log10 of the ratio of the two powers; infinity where both are equal.

    Raises:
        ValueError: the shapes differ, or the signal is silent.
    """
    signal, approximation = _finite("signal", signal), _finite("approximation", approximation)
    if signal.shape != approximation.shape:
        raise ValueError(
            f"signal and approximation must have one shape, got {signal.shape} and "
            f"{approximation.shape}"
        )
    signal_power, noise_power = np.sum(signal**2), np.sum((signal - approximation) ** 2)
    if signal_power == 0:
        raise ValueError("signal is silent: it has no ratio to a noise")
    return float("inf") if noise_power == 0 else float(10 * np.log10(signal_power / noise_power))


def clip(x: ArrayLike, limit: float = 1.0) -> np.ndarray:
    """Cut off what lies beyond ±limit, as an overdriven amplifier does; float32, shape of `x`.

    Raises:
        ValueError: `limit` is not positive, or a value is not finite.
    """
    _check_number("limit", limit, "a positive number", positive=True)
    return _waveform(np.clip(_finite("x", x), -limit, limit))


def alias_frequency(frequency_hz: ArrayLike, sample_rate: float) -> np.ndarray:
    """Frequency at which a sampled tone is heard: its distance to the nearest multiple of the rate.

    Args:
        frequency_hz: any shape; frequency of the tone before sampling.
        sample_rate: in Hz, > 0.

    Returns:
        Frequency in Hz from 0 to sample_rate / 2, float64, shape of `frequency_hz`.

    Raises:
        ValueError: `sample_rate` is not positive, or a frequency is not finite.
    """
    _check_number("sample_rate", sample_rate, "a positive number of Hz", positive=True)
    frequency_hz = _finite("frequency_hz", frequency_hz)
    return np.abs(frequency_hz - sample_rate * np.round(frequency_hz / sample_rate))


def resonator(
    waveform: ArrayLike,
    frequency_hz: float,
    bandwidth_hz: float,
    sample_rate: float = SAMPLE_RATE,
) -> np.ndarray:
    """Sound through one resonance: y[n] = a x[n] + b y[n-1] + c y[n-2].

    Each output sample feeds on the two before it, so the filter rings on at its own frequency. The
    gain is 1 at 0 Hz and largest near `frequency_hz`.

    Args:
        waveform: `(samples,)`.
        frequency_hz: of the resonance, between 0 and sample_rate / 2.
        bandwidth_hz: width of the peak at half its power, > 0; the narrower, the longer it rings.
        sample_rate: in Hz.

    Returns:
        Waveform, float32 `(samples,)`.

    Raises:
        ValueError: an argument is out of range.

    Source: Klatt, "Software for a cascade/parallel formant synthesizer", 1980, equation 1.
    """
    waveform = _finite_vector("waveform", waveform)
    _check_number("sample_rate", sample_rate, "a positive number of Hz", positive=True)
    _check_number("frequency_hz", frequency_hz, "a positive number of Hz", positive=True)
    _check_number("bandwidth_hz", bandwidth_hz, "a positive number of Hz", positive=True)
    if frequency_hz >= sample_rate / 2:
        raise ValueError(
            f"frequency_hz must be below half the sample rate, {sample_rate / 2:g} Hz, got "
            f"{frequency_hz}"
        )
    from scipy.signal import lfilter  # only here: signals stays quick to import

    c = -np.exp(-2 * np.pi * bandwidth_hz / sample_rate)
    b = 2 * np.sqrt(-c) * np.cos(2 * np.pi * frequency_hz / sample_rate)
    a = 1 - b - c
    return _waveform(lfilter([a], [1, -b, -c], waveform))


def note_frequency(semitones_from_a4: ArrayLike) -> np.ndarray:
    """Frequency in Hz of a note in equal temperament, 440 Hz * 2^(semitones / 12), float64.

    Args:
        semitones_from_a4: any shape; 0 is A4, 12 the octave above, -9 middle C. A MIDI note number
            less 69.
    """
    return 440.0 * 2 ** (np.asarray(semitones_from_a4, dtype=np.float64) / 12)


def displacement(
    x_m: ArrayLike,
    t_s: ArrayLike,
    frequency_hz: float,
    amplitude_m: float,
    speed: float = SPEED_OF_SOUND,
) -> np.ndarray:
    """Where the air at rest at x has moved to at time t: s = A sin(k x - w t), a wave to the right.

    Args:
        x_m: places of rest in metres, any shape that broadcasts with `t_s`.
        t_s: times in seconds.
        frequency_hz: > 0; w = 2 pi frequency_hz.
        amplitude_m: largest displacement A in metres.
        speed: of sound, in m/s, > 0; k = w / speed.

    Returns:
        Displacement along x in metres, float64, the broadcast shape.

    Raises:
        ValueError: an argument is out of range.
    """
    return amplitude_m * np.sin(_wave_phase(x_m, t_s, frequency_hz, amplitude_m, speed))


def pressure(
    x_m: ArrayLike,
    t_s: ArrayLike,
    frequency_hz: float,
    amplitude_m: float,
    speed: float = SPEED_OF_SOUND,
    density: float = AIR_DENSITY,
) -> np.ndarray:
    """Sound pressure of the wave of `displacement`: p = -density speed² ds/dx.

    With s = A sin(k x - w t) that is p = -density speed w A cos(k x - w t). Air is dense where the
    displacement falls with x (neighbours move towards each other), so pressure and displacement are
    a quarter period apart: at a fixed place, pressure is ahead in time. The air's velocity is
    ds/dt = -w A cos(k x - w t): in a wave to the right, pressure is in phase with velocity,
    p = density speed ds/dt.

    Args:
        x_m: places of rest in metres, any shape that broadcasts with `t_s`.
        t_s: times in seconds.
        frequency_hz: > 0.
        amplitude_m: largest displacement A in metres.
        speed: of sound, in m/s, > 0.
        density: of the air at rest, in kg/m³, > 0.

    Returns:
        Deviation from the pressure at rest in pascal, float64, the broadcast shape.

    Raises:
        ValueError: an argument is out of range.
    """
    _check_number("density", density, "a positive number of kg/m³", positive=True)
    phase = _wave_phase(x_m, t_s, frequency_hz, amplitude_m, speed)
    return -density * speed * 2 * np.pi * frequency_hz * amplitude_m * np.cos(phase)


def _wave_phase(
    x_m: ArrayLike, t_s: ArrayLike, frequency_hz: float, amplitude_m: float, speed: float
) -> np.ndarray:
    """Phase k x - w t in radians of a wave to the right, its arguments checked."""
    _check_number("frequency_hz", frequency_hz, "a positive number of Hz", positive=True)
    _check_number("amplitude_m", amplitude_m, "a finite number of metres")
    _check_number("speed", speed, "a positive number of m/s", positive=True)
    omega = 2 * np.pi * frequency_hz
    return omega / speed * _finite("x_m", x_m) - omega * _finite("t_s", t_s)


def _check_number(
    name: str,
    value: float,
    expected: str,
    minimum: float = -np.inf,
    positive: bool = False,
) -> None:
    is_number = isinstance(value, Real) and not isinstance(value, bool) and np.isfinite(value)
    if not is_number or value < minimum or (positive and value <= 0):
        raise ValueError(f"{name} must be {expected}, got {value!r}")


def _finite(name: str, values: ArrayLike) -> np.ndarray:
    """A float64 copy of real, finite values of any shape."""
    try:
        array = np.asarray(values)
        if np.iscomplexobj(array):
            raise ValueError("got complex values; take .real or abs() first")
        array = array.astype(np.float64)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{name} must be real numbers: {error}") from error
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return array


def _finite_vector(name: str, values: ArrayLike) -> np.ndarray:
    """A float64 copy of real, finite values, `(n,)` with n > 0."""
    array = _finite(name, values)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be one row of values, got shape {array.shape}")
    return array


def _waveform(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=np.float32)

import math

import numpy as np
import pytest
import scipy.signal
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from course_utils import signals

RATE = signals.SAMPLE_RATE


def peak_hz(x, sample_rate):
    """Frequency of the highest peak, to a fraction of a bin: a parabola through the log."""
    magnitude = np.abs(np.fft.rfft(x * np.hanning(len(x)), 4 * len(x)))
    k = int(np.argmax(magnitude[1:-1])) + 1
    a, b, c = np.log(magnitude[k - 1 : k + 2] + 1e-30)
    return (k + 0.5 * (a - c) / (a - 2 * b + c)) * sample_rate / (4 * len(x))


def test_times_start_at_zero_and_leave_out_the_end():
    t = signals.time_axis(0.5, 8_000)
    assert t.dtype == np.float64
    np.testing.assert_array_equal(t, np.arange(4_000) / 8_000)


def test_a_tone_is_the_formula_in_single_precision():
    x = signals.tone(440, duration_s=2, amplitude=0.3, phase=0.7)
    n = np.arange(2 * RATE)
    assert x.dtype == np.float32 and x.shape == (2 * RATE,)
    np.testing.assert_allclose(x, 0.3 * np.sin(2 * np.pi * 440 * n / RATE + 0.7), atol=3e-8)


def test_a_long_tone_keeps_its_phase():
    x = signals.tone(10_000, duration_s=60)
    late = np.arange(59 * RATE, 60 * RATE)
    # 10,000 Hz repeats each second: the exact phase without large arguments.
    np.testing.assert_allclose(
        x[late], np.sin(2 * np.pi * (late * 10_000 % RATE) / RATE), atol=1e-6
    )


def test_a_complex_wave_is_the_sum_of_its_harmonics():
    x = signals.complex_wave(220, [0.5, 0, 0.25], [0, 1, -0.4], duration_s=0.5)
    parts = signals.tone(220, 0.5, 0.5) + signals.tone(660, 0.5, 0.25, phase=-0.4)
    np.testing.assert_allclose(x, parts, atol=1e-7)
    spectrum = np.abs(np.fft.rfft(x)) / (len(x) / 2)
    np.testing.assert_allclose(spectrum[[110, 220, 330, 440]], [0.5, 0, 0.25, 0], atol=1e-6)


def test_a_complex_wave_is_not_rescaled():
    assert np.abs(signals.complex_wave(100, [1, 1, 1], [np.pi / 2] * 3)).max() == pytest.approx(3)


@pytest.mark.parametrize(
    ("start", "end"), [(100, 5_000), (4_000, 50), (300, 300), (440.0, 440.0001)]
)
@pytest.mark.parametrize(("kind", "method"), [("linear", "linear"), ("exponential", "logarithmic")])
def test_a_chirp_equals_scipys(start, end, kind, method):
    x = signals.chirp(start, end, 1.5, kind, amplitude=0.8)
    t = np.arange(len(x)) / RATE
    expected = 0.8 * scipy.signal.chirp(t, start, 1.5, end, method=method, phi=-90)
    np.testing.assert_allclose(x, expected, atol=2e-6)


def test_a_chirp_may_start_at_zero_when_linear_only():
    assert signals.chirp(0, 1_000, 0.1)[0] == 0
    with pytest.raises(ValueError, match="start_hz must be above 0 Hz"):
        signals.chirp(0, 1_000, 0.1, "exponential")


@pytest.mark.parametrize("color", ["white", "pink"])
@pytest.mark.parametrize("duration_s", [0.5, 1.0001])
def test_noise_has_the_level_asked_for_and_repeats_by_its_seed(color, duration_s):
    x = signals.noise(duration_s, color, level=0.2, rng=7)
    assert x.dtype == np.float32
    assert signals.rms(x) == pytest.approx(0.2, rel=1e-6)
    np.testing.assert_array_equal(x, signals.noise(duration_s, color, level=0.2, rng=7))
    rng = np.random.default_rng(7)
    np.testing.assert_array_equal(x, signals.noise(duration_s, color, level=0.2, rng=rng))
    assert not np.array_equal(x, signals.noise(duration_s, color, level=0.2, rng=rng))


@pytest.mark.parametrize(("color", "db_per_octave"), [("white", 0.0), ("pink", -3.01)])
def test_the_spectrum_of_noise_falls_as_its_colour_says(color, db_per_octave):
    x = signals.noise(30, color, rng=3)
    frequencies, density = scipy.signal.welch(x, RATE, nperseg=4_096)
    octaves = [60 * 2**k for k in range(7)]
    levels = [
        10 * np.log10(density[(frequencies >= f) & (frequencies < 2 * f)].mean()) for f in octaves
    ]
    slope = np.polyfit(np.arange(len(levels)), levels, 1)[0]
    assert slope == pytest.approx(db_per_octave, abs=0.15)


def test_noise_is_gaussian():
    x = signals.noise(10, "white", level=1.0, rng=1).astype(float)
    assert np.mean(np.abs(x) < 1) == pytest.approx(math.erf(1 / math.sqrt(2)), abs=0.005)
    assert np.mean(x**4) == pytest.approx(3, abs=0.1)


def test_noise_needs_a_seed_or_generator():
    with pytest.raises(TypeError, match="rng"):
        signals.noise(1.0)


def test_adsr_goes_through_its_corners():
    envelope = signals.adsr(1.0, 0.1, 0.2, 0.5, 0.3, sample_rate=1_000)
    assert envelope.dtype == np.float32 and envelope.shape == (1_000,)
    np.testing.assert_allclose(
        envelope[[0, 50, 100, 200, 300, 500, 700, 850, 999]],
        [0, 0.5, 1, 0.75, 0.5, 0.5, 0.5, 0.25, 0.5 / 300],
        atol=1e-6,
    )


@given(
    parts=st.tuples(*[st.sampled_from([0, 0.001, 0.1, 0.2, 0.3]) for _ in range(3)]),
    sustain=st.floats(0, 1),
)
def test_adsr_is_a_factor_for_every_choice(parts, sustain):
    attack, decay, release = parts
    assume(attack + decay + release <= 0.6)
    envelope = signals.adsr(0.6, attack, decay, sustain, release, sample_rate=1_000)
    assert envelope.shape == (600,)
    assert np.isfinite(envelope).all() and envelope.min() >= 0 and envelope.max() <= 1
    assert envelope[0] == (0 if attack else (1 if decay else np.float32(sustain)))


def test_adsr_longer_than_the_sound_is_refused():
    with pytest.raises(ValueError, match=r"take 1\.1 s together, more than duration_s = 1"):
        signals.adsr(1.0, 0.5, 0.3, 0.5, 0.3)


def test_a_fade_ends_at_zero_leaves_the_middle_and_its_input_alone():
    x = np.ones(1_000, dtype=np.float32)
    y = signals.fade(x, 1_000, 0.1)
    assert (x == 1).all()
    assert y[0] == 0 and y[-1] == 0
    np.testing.assert_array_equal(y[100:900], 1)
    np.testing.assert_array_equal(y, y[::-1])
    assert y[50] == pytest.approx(0.5)
    assert (np.diff(y[:101]) > 0).all()


def test_a_fade_takes_the_click_off():
    x = signals.tone(1_000, 0.2, phase=np.pi / 2)

    def high(w):
        return np.abs(np.fft.rfft(w, 16_384))[4_096:].max()

    assert high(signals.fade(x, RATE)) < 0.02 * high(x)


def test_a_fade_longer_than_the_sound_is_refused():
    with pytest.raises(ValueError, match="Take a shorter duration_s"):
        signals.fade(np.ones(100), 1_000, 0.06)


@pytest.mark.parametrize("samples", [1, 2, 3, 8, 999, 1_000])
def test_the_envelope_equals_scipys_analytic_signal(samples):
    x = np.random.default_rng(samples).standard_normal(samples)
    np.testing.assert_allclose(
        signals.amplitude_envelope(x), np.abs(scipy.signal.hilbert(x)), rtol=2e-6, atol=1e-6
    )


def test_the_envelope_of_a_beat_is_its_slow_cosine():
    t = np.arange(RATE) / RATE
    pair = 0.4 * (signals.tone(440) + signals.tone(444))
    envelope = signals.amplitude_envelope(pair)
    np.testing.assert_allclose(envelope, 0.8 * np.abs(np.cos(2 * np.pi * 2 * t)), atol=1e-5)


def test_rms_of_what_is_known():
    assert signals.rms([3, -4, 3, -4]) == pytest.approx(math.sqrt(12.5))
    assert signals.rms(np.array([1 + 1j])) == pytest.approx(math.sqrt(2))
    assert signals.rms(np.full(4, 20_000, dtype=np.int16)) == 20_000
    with pytest.raises(ValueError, match="rms of no values"):
        signals.rms([])


def test_decibels_of_what_is_known():
    np.testing.assert_allclose(signals.amplitude_to_db([1, -10, 0.5]), [0, 20, -6.0206], atol=1e-4)
    assert signals.amplitude_to_db(0.0) == pytest.approx(-200)
    assert signals.amplitude_to_db(0.0, reference=2, floor=0.02) == pytest.approx(-40)
    assert signals.amplitude_to_db(np.float32([0.5])).dtype == np.float64
    for wrong in (0, -1, math.nan, math.inf, "1"):
        with pytest.raises(ValueError, match="reference must be a positive amplitude"):
            signals.amplitude_to_db(1, reference=wrong)
        with pytest.raises(ValueError, match="floor must be a positive amplitude"):
            signals.amplitude_to_db(1, floor=wrong)


@given(st.floats(-150, 150), st.floats(1e-3, 1e3))
def test_decibels_round_trip(level_db, reference):
    amplitude = signals.db_to_amplitude(level_db, reference)
    assert signals.amplitude_to_db(amplitude, reference, floor=1e-20) == pytest.approx(level_db)


def test_a_full_scale_sine_is_at_minus_three_decibels():
    level = signals.amplitude_to_db(signals.rms(signals.tone(440)))
    assert level == pytest.approx(-3.0103, abs=1e-4)


def test_mid_rise_levels():
    x = np.array([-2, -1, -0.6, -0.5, -0.1, 0, 0.1, 0.49, 0.5, 0.99, 1, 2])
    expected = [-0.75, -0.75, -0.75, -0.25, -0.25, 0.25, 0.25, 0.25, 0.75, 0.75, 0.75, 0.75]
    np.testing.assert_array_equal(signals.quantise(x, 2), np.float32(expected))
    np.testing.assert_array_equal(signals.quantise([-0.01, 0.01], 1), [-0.5, 0.5])


def test_mid_tread_levels():
    x = np.array([-2, -1, -0.76, -0.74, -0.26, -0.24, 0, 0.24, 0.25, 0.49, 0.74, 0.99, 2])
    expected = [-1, -1, -1, -0.5, -0.5, 0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.5]
    np.testing.assert_array_equal(signals.quantise(x, 2, "mid-tread"), np.float32(expected))


@settings(deadline=None)
@given(
    bits=st.integers(1, 24),
    kind=st.sampled_from(["mid-rise", "mid-tread"]),
    seed=st.integers(0, 99),
)
def test_quantising_uses_all_levels_and_errs_by_half_a_step(bits, kind, seed):
    step = 2.0 / 2**bits
    top = 1 - step / 2 if kind == "mid-rise" else 1 - step
    x = np.random.default_rng(seed).uniform(-1, top, 2_000)
    y = signals.quantise(x, bits, kind).astype(np.float64)
    assert np.abs(y - x).max() <= step / 2 + 1e-12
    offset = step / 2 if kind == "mid-rise" else 0
    np.testing.assert_array_equal((y - offset) / step, np.round((y - offset) / step))
    np.testing.assert_array_equal(signals.quantise(y, bits, kind), y)  # a level stays where it is
    if bits <= 6:
        assert len(np.unique(y)) == 2**bits


@pytest.mark.parametrize("bits", range(6, 17))
def test_a_bit_is_worth_six_decibels(bits):
    sine = signals.tone(997, duration_s=1)  # 997 is prime: no sample repeats within the second
    snr = signals.snr_db(sine, signals.quantise(sine, bits))
    assert snr == pytest.approx(6.02 * bits + 1.76, abs=0.5)


def test_the_rule_fails_for_a_coherent_tone():
    # A quarter of the rate visits four values only: theirs is the error, not a random one.
    sine = signals.tone(RATE / 4, duration_s=1, phase=0.1)
    snr = signals.snr_db(sine, signals.quantise(sine, 8))
    assert abs(snr - (6.02 * 8 + 1.76)) > 1


@pytest.mark.parametrize("dither", ["rectangular", "triangular"])
@pytest.mark.parametrize("kind", ["mid-rise", "mid-tread"])
def test_dither_takes_the_error_off_the_signal(dither, kind):
    quiet = signals.tone(440, duration_s=4, amplitude=0.4 / 128)  # 0.4 steps of 8 bits
    plain = signals.quantise(quiet, 8, kind) - quiet
    dithered = signals.quantise(quiet, 8, kind, dither, rng=5) - quiet

    def correlation(error):
        return abs(np.corrcoef(error, quiet)[0, 1])

    assert correlation(plain) > 0.3
    assert correlation(dithered) < 0.02
    if dither == "triangular":
        # In steps²: 1/12 of rounding and 1/12 of each of the two uniform noises.
        assert np.mean((dithered.astype(float) * 128) ** 2) == pytest.approx(3 / 12, rel=0.02)


def test_triangular_dither_keeps_the_noise_from_breathing():
    def power_in_steps(dither, value):
        x = np.full(200_000, value / 128)
        return np.var(signals.quantise(x, 8, "mid-tread", dither, rng=9).astype(float) * 128)

    # The noise of rectangular dither comes and goes with the signal, that of triangular stays.
    assert power_in_steps("rectangular", 0.0) == 0
    assert power_in_steps("rectangular", 0.5) == pytest.approx(0.25, rel=0.02)
    assert power_in_steps("triangular", 0.0) == pytest.approx(0.25, rel=0.02)
    assert power_in_steps("triangular", 0.5) == pytest.approx(0.25, rel=0.02)


def test_dither_repeats_by_its_seed_and_needs_one():
    x = signals.tone(440, 0.1)
    one, two = (signals.quantise(x, 4, dither="triangular", rng=3) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    with pytest.raises(ValueError, match="give rng"):
        signals.quantise(x, 4, dither="triangular")


def test_snr_of_what_is_known():
    assert signals.snr_db([1, -1], [1.1, -1.1]) == pytest.approx(20)
    assert signals.snr_db([1, -1], [1, -1]) == math.inf
    with pytest.raises(ValueError, match="silent"):
        signals.snr_db([0, 0], [1, 1])
    with pytest.raises(ValueError, match=r"one shape, got \(2,\) and \(3,\)"):
        signals.snr_db([1, 2], [1, 2, 3])


def test_clipping_cuts_at_the_limit():
    np.testing.assert_array_equal(
        signals.clip([-2, -0.5, 0.2, 0.7], 0.5), np.float32([-0.5, -0.5, 0.2, 0.5])
    )
    with pytest.raises(ValueError, match="limit must be a positive number"):
        signals.clip([1], -1)


@settings(deadline=None, max_examples=60)
@given(frequency=st.floats(50, 60_000), sample_rate=st.sampled_from([8_000, 16_000, 22_050]))
def test_an_aliased_tone_lands_where_the_formula_says(frequency, sample_rate):
    alias = float(signals.alias_frequency(frequency, sample_rate))
    assert 0 <= alias <= sample_rate / 2
    # Nearer than this to 0 or to the Nyquist limit, a peak runs into its own mirror image.
    assume(20 < alias < sample_rate / 2 - 20)
    sampled = signals.tone(frequency, duration_s=0.5, sample_rate=sample_rate)
    assert peak_hz(sampled, sample_rate) == pytest.approx(alias, abs=0.5)


def test_alias_of_the_corners_and_of_arrays():
    np.testing.assert_allclose(
        signals.alias_frequency([0, 1_000, 4_000, 5_000, 8_000, 9_000, 13_000], 8_000),
        [0, 1_000, 4_000, 3_000, 0, 1_000, 3_000],
    )


def test_notes():
    np.testing.assert_allclose(
        signals.note_frequency([0, 12, -12, -9, 3]), [440, 880, 220, 261.6256, 523.2511], atol=1e-4
    )


WAVE = {"frequency_hz": 500.0, "amplitude_m": 1e-6}


def sample_points():
    rng = np.random.default_rng(4)
    return rng.uniform(0, 5, 400), rng.uniform(0, 0.1, 400)


def test_displacement_travels_to_the_right_at_the_speed_of_sound():
    x, t = sample_points()
    later = signals.displacement(x + 343.0 * 0.0123, t + 0.0123, **WAVE)
    np.testing.assert_allclose(later, signals.displacement(x, t, **WAVE), atol=1e-16)
    assert signals.displacement(0.343 / 2, 0, **WAVE) == pytest.approx(1e-6)  # a quarter wave


def test_displacement_solves_the_wave_equation():
    x, t = sample_points()
    h, tau = 1e-4, 1e-4 / 400

    def s(dx, dt):
        return signals.displacement(x + dx, t + dt, speed=400.0, **WAVE)

    in_space = (s(h, 0) - 2 * s(0, 0) + s(-h, 0)) / h**2
    in_time = (s(0, tau) - 2 * s(0, 0) + s(0, -tau)) / tau**2
    scale = np.abs(in_time).max()
    np.testing.assert_allclose(in_time / scale, 400.0**2 * in_space / scale, atol=1e-6)


@pytest.mark.parametrize("medium", [{}, {"speed": 1_480.0, "density": 998.0}])
def test_pressure_is_minus_stiffness_times_strain(medium):
    x, t = sample_points()
    speed, density = medium.get("speed", 343.0), medium.get("density", 1.2)
    h = 1e-5
    strain = (
        signals.displacement(x + h, t, speed=speed, **WAVE)
        - signals.displacement(x - h, t, speed=speed, **WAVE)
    ) / (2 * h)
    p = signals.pressure(x, t, **WAVE, **medium)
    np.testing.assert_allclose(p, -density * speed**2 * strain, atol=1e-6 * np.abs(p).max())


def test_pressure_is_in_phase_with_the_velocity_of_the_air():
    x, t = sample_points()
    tau = 1e-8
    velocity = (
        signals.displacement(x, t + tau, **WAVE) - signals.displacement(x, t - tau, **WAVE)
    ) / (2 * tau)
    p = signals.pressure(x, t, **WAVE)
    np.testing.assert_allclose(p, 1.2 * 343 * velocity, atol=1e-6 * np.abs(p).max())


def test_pressure_is_a_quarter_period_ahead_of_displacement():
    x, t = sample_points()
    p = signals.pressure(x, t, **WAVE) / (1.2 * 343 * 2 * np.pi * 500 * 1e-6)
    s_next = signals.displacement(x, t + 1 / 500 / 4, **WAVE) / 1e-6
    np.testing.assert_allclose(p, s_next, atol=1e-9)


def test_pressure_is_high_where_the_air_is_dense():
    rest = np.linspace(0, 2, 4_001)
    moved = rest + signals.displacement(rest, 0.0, **WAVE)
    gap = np.diff(moved)
    middle = (rest[1:] + rest[:-1]) / 2
    assert np.corrcoef(gap, signals.pressure(middle, 0.0, **WAVE))[0, 1] < -0.999


def test_wave_fields_broadcast():
    p = signals.pressure(np.zeros((5, 1)), np.zeros(7), **WAVE)
    assert p.shape == (5, 7) and p.dtype == np.float64


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: signals.tone(-1), "frequency_hz must be zero or a positive number of Hz, got -1"),
        (
            lambda: signals.tone("440"),
            "frequency_hz must be zero or a positive number of Hz, got '4",
        ),
        (lambda: signals.tone(np.nan), "frequency_hz must be"),
        (lambda: signals.tone(True), "frequency_hz must be"),
        (lambda: signals.tone(440, 0), "duration_s must be a positive number of seconds, got 0"),
        (lambda: signals.tone(440, 1e-6), "duration_s must give 1 to 30,000,000 samples"),
        (lambda: signals.tone(440, 22_050), "Are the arguments in the right order"),
        (lambda: signals.tone(440, amplitude=np.inf), "amplitude must be a finite number, got inf"),
        (lambda: signals.tone(440, phase=None), "phase must be a finite number of radians"),
        (lambda: signals.tone(440, sample_rate=-8_000), "a positive number of Hz, got -8000"),
        (lambda: signals.complex_wave(0, [1]), "fundamental_hz must be a positive number"),
        (lambda: signals.complex_wave(1, []), "amplitudes must be one row of values"),
        (lambda: signals.complex_wave(1, [[1]]), "amplitudes must be one row of values"),
        (lambda: signals.complex_wave(1, ["x"]), "amplitudes must be real numbers"),
        (lambda: signals.complex_wave(1, [1, 1], [0]), "each of the 2 amplitudes, got 1"),
        (lambda: signals.chirp(1, 2, kind="log"), 'kind must be "linear" or "exponential"'),
        (lambda: signals.chirp(-1, 2), "start_hz must be zero or a positive"),
        (
            lambda: signals.noise(1, "brown", rng=0),
            'color must be "white" or "pink", got \'brown\'',
        ),
        (lambda: signals.noise(1, level=-1, rng=0), "level must be zero or a positive RMS"),
        (lambda: signals.adsr(1, 0, 0, 1.5, 0), "sustain must be a number from 0 to 1, got 1.5"),
        (lambda: signals.adsr(1, -1, 0, 1, 0), "attack_s must be zero or a positive"),
        (lambda: signals.fade(np.ones((2, 9)), 100), r"got shape \(2, 9\)"),
        (lambda: signals.amplitude_envelope([]), "waveform must be one row of values"),
        (lambda: signals.amplitude_envelope([1j]), "take .real"),
        (lambda: signals.quantise([0], 0), "bits must be a whole number from 1 to 24, got 0"),
        (lambda: signals.quantise([0], 8.0), "bits must be a whole number"),
        (lambda: signals.quantise([0], 25), "bits must be a whole number"),
        (lambda: signals.quantise([0], 8, "midrise"), 'kind must be "mid-rise" or "mid-tread"'),
        (lambda: signals.quantise([0], 8, dither="tpdf", rng=0), "dither must be None"),
        (lambda: signals.quantise([np.nan], 8), "x must be finite"),
        (lambda: signals.alias_frequency(1, 0), "sample_rate must be a positive"),
        (lambda: signals.displacement(0, 0, 0, 1), "frequency_hz must be a positive"),
        (lambda: signals.displacement(0, 0, 1, 1, 0), "speed must be a positive number of m/s"),
        (lambda: signals.displacement(np.nan, 0, 1, 1), "x_m must be finite"),
        (lambda: signals.pressure(0, 0, 1, 1, density=-1), "density must be a positive"),
    ],
)
def test_bad_input_is_refused_with_what_was_expected(call, says):
    with pytest.raises(ValueError, match=says):
        call()


@pytest.mark.parametrize(("frequency_hz", "bandwidth_hz"), [(500, 60), (2290, 90), (3010, 120)])
def test_resonator_peaks_where_it_should(frequency_hz, bandwidth_hz):
    click = np.zeros(2**16)
    click[0] = 1
    gain = np.abs(np.fft.rfft(signals.resonator(click, frequency_hz, bandwidth_hz)))
    f = np.fft.rfftfreq(len(click), 1 / signals.SAMPLE_RATE)
    assert gain[0] == pytest.approx(1, rel=1e-4)
    assert f[gain.argmax()] == pytest.approx(frequency_hz, abs=3)
    half = f[gain > gain.max() / np.sqrt(2)]
    assert half[-1] - half[0] == pytest.approx(bandwidth_hz, rel=0.03)


def test_resonator_is_its_recursion():
    x = np.random.default_rng(0).standard_normal(50)
    c = -np.exp(-2 * np.pi * 80 / 8000)
    b = 2 * np.exp(-np.pi * 80 / 8000) * np.cos(2 * np.pi * 700 / 8000)
    y = np.zeros(52)
    for n in range(50):
        y[n + 2] = (1 - b - c) * x[n] + b * y[n + 1] + c * y[n]
    np.testing.assert_allclose(signals.resonator(x, 700, 80, 8000), y[2:], atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((4000, 50, 8000), "below half the sample rate"), ((100, 0), "bandwidth_hz must be")],
)
def test_resonator_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        signals.resonator([1.0], *arguments)

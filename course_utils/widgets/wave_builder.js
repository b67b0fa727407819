const NAMES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
const GLIDE_S = 0.015; // how fast the sound follows a bar: soon, and without clicks

// 220 Hz is the note A3; a frequency more than 5 cents away from a note has no name.
function note(frequency) {
  const key = 69 + 12 * Math.log2(frequency / 440);
  const nearest = Math.round(key);
  if (Math.abs(key - nearest) > 0.05) return "";
  return ` · ${NAMES[nearest % 12]}${Math.floor(nearest / 12) - 1}`;
}

function render({ model, el }) {
  const ui = createExplorer({ model, el }, "wave", "Build a wave from its harmonics");
  const { colours, scene } = ui;
  const presets = model.get("_presets");
  const count = model.get("amplitudes").length;
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  const total = () => model.get("amplitudes").reduce((sum, a) => sum + a, 0);

  const stage = ui.canvas(ui.root, "wave-canvas", 230,
    "Two periods of the wave: the sum of the harmonics, and each harmonic faintly.");

  scene.draw = () => {
    const [amplitudes, phases] = [model.get("amplitudes"), model.get("phases_rad")];
    const frequency = model.get("fundamental_hz");
    const pen = stage.begin();
    const [left, right, top, bottom] = [1, stage.width - 1, 10, stage.height - 24];
    const middle = (top + bottom) / 2;
    const scale = (bottom - top) / 2 / Math.max(1, total());
    const angle = (x) => 4 * Math.PI * (x - left) / (right - left);

    pen.strokeStyle = pen.fillStyle = colours.ink;
    pen.globalAlpha = 0.3;
    pen.lineWidth = 1;
    line(pen, left, middle, right, middle);
    for (let i = 0; i <= 4; i += 1) {
      const x = left + i / 4 * (right - left);
      pen.globalAlpha = 0.2;
      line(pen, x, top, x, bottom);
      pen.globalAlpha = 0.75;
      pen.textAlign = ["left", "center", "center", "center", "right"][i];
      pen.fillText(`${(500 * i / frequency).toFixed(2)} ms`, x, stage.height - 6);
    }
    pen.textAlign = "left";

    // One pass per harmonic; the sum is gathered on the way.
    const sum = new Float64Array(Math.ceil(right) + 2);
    pen.strokeStyle = colours.blue;
    pen.globalAlpha = 0.55;
    amplitudes.forEach((a, i) => {
      if (a === 0) return;
      pen.beginPath();
      for (let x = left; x <= right; x += 1) {
        const y = a * Math.sin((i + 1) * angle(x) + phases[i]);
        sum[x] += y;
        pen.lineTo(x, middle - scale * y);
      }
      pen.stroke();
    });
    pen.globalAlpha = 1;
    pen.strokeStyle = colours.ink;
    pen.lineWidth = 2.5;
    pen.beginPath();
    for (let x = left; x <= right; x += 1) pen.lineTo(x, middle - scale * sum[x]);
    pen.stroke();
    report(amplitudes, frequency);
  };

  // Each column is a real range input under the fill that shows it: keys reach the input, a pointer
  // paints over all columns in one stroke.
  const bars = ui.root.appendChild(make("div", { class: "wave-bars", role: "group", "aria-label": "Amplitudes of the harmonics" }));
  const inputs = numbers.map((n) => {
    const input = make("input", {
      type: "range", min: 0, max: 1, step: 0.01, "data-harmonic": n, "aria-orientation": "vertical",
    });
    ui.listen(input, "input", () => setAmplitude(n - 1, Number(input.value)));
    const fill = make("div", { class: "wave-fill" });
    bars.append(make("div", { class: "wave-bar" }, input, fill, make("div", { class: "wave-name", "aria-hidden": "true" }, n)));
    return input;
  });
  const setAmplitude = (index, value) => {
    const amplitudes = [...model.get("amplitudes")];
    amplitudes[index] = clamp(value, 0, 1);
    ui.set("amplitudes", amplitudes);
  };
  function showBars() {
    const frequency = model.get("fundamental_hz");
    model.get("amplitudes").forEach((a, i) => {
      inputs[i].value = a;
      inputs[i].setAttribute("aria-label", `Harmonic ${i + 1}, ${hertz((i + 1) * frequency)}`);
      inputs[i].setAttribute("aria-valuetext", a.toFixed(2));
      inputs[i].parentNode.style.setProperty("--share", `${100 * a}%`);
    });
  }
  ui.drag(bars, (x, y, event) => {
    const index = clamp(Math.floor(x / bars.clientWidth * count), 0, count - 1);
    if (event.type === "pointerdown") {
      event.preventDefault();
      inputs[index].focus({ focusVisible: false });
    }
    setAmplitude(index, Math.round(100 * (1 - y / bars.clientHeight)) / 100);
  });

  const figures = ui.figures();
  function report(amplitudes, frequency) {
    const active = numbers.filter((n) => amplitudes[n - 1] > 0);
    figures([
      ["fundamental f", hertz(frequency)],
      ["period 1 / f", `${(1000 / frequency).toFixed(2)} ms`],
      ["highest harmonic", active.length ? hertz(active.at(-1) * frequency) : "none"],
      ["phases", phaseName()],
    ]);
    ui.tell(active.length
      ? `Harmonics ${active.join(", ")} of ${hertz(frequency)}, phases: ${phaseName()}. ` +
        `The sound is ${sound.isOn() ? "on" : "off"}.`
      : "All harmonics are at zero: silence.");
  }

  // Each harmonic is a sine and a cosine that run for ever, phase-locked to one pitch, and the bars are
  // their gains. Gains glide, so no change makes a click. Their sum is at most 1 before, after and
  // (as a mean of the two) during each change, so nothing ever clips.
  function build(context, output) {
    const pitch = new ConstantSourceNode(context, { offset: model.get("fundamental_hz") });
    const start = context.currentTime + 0.02;
    const gains = numbers.map((n) => ["imag", "real"].map((part) => {
      const terms = { real: new Float32Array(n + 1), imag: new Float32Array(n + 1) };
      terms[part][n] = 1;
      const oscillator = new OscillatorNode(context, {
        frequency: 0, periodicWave: new PeriodicWave(context, { ...terms, disableNormalization: true }),
      });
      const gain = new GainNode(context, { gain: 0 });
      pitch.connect(oscillator.frequency);
      oscillator.connect(gain).connect(output);
      oscillator.start(start);
      return gain.gain;
    }));
    pitch.start(start);
    return () => {
      const [amplitudes, phases] = [model.get("amplitudes"), model.get("phases_rad")];
      const bound = Math.max(1, total());
      const glide = (param, value) => param.setTargetAtTime(value, context.currentTime, GLIDE_S);
      glide(pitch.offset, model.get("fundamental_hz"));
      gains.forEach(([sine, cosine], i) => {
        glide(sine, amplitudes[i] * Math.cos(phases[i]) / bound);
        glide(cosine, amplitudes[i] * Math.sin(phases[i]) / bound);
      });
    };
  }
  const sound = createSound(ui.root, build, () => model.get("volume"));

  const buttons = ui.row("course-buttons");
  const soundButton = ui.button(buttons, "sound", "▶ Play the sound", () => {
    if (sound.isOn()) silence();
    else sound.start();
    showSound();
  });
  function showSound() {
    soundButton.textContent = sound.isOn() ? "■ Stop the sound" : "▶ Play the sound";
    soundButton.setAttribute("aria-pressed", sound.isOn());
    ui.redraw();
  }
  function silence() {
    sound.stop();
    showSound();
  }
  scene.leave = silence;

  const setPhases = (phases) => ui.set("phases_rad", phases);
  const phaseButtons = new Map([
    ["sine", () => numbers.map(() => 0)],
    ["cosine", () => numbers.map(() => Math.PI / 2)],
    ["random", () => numbers.map(() => 2 * Math.PI * Math.random())],
  ].map(([name, phases]) => [name, ui.button(buttons, `phases-${name}`, `${name} phases`, () => setPhases(phases()))]));
  function phaseName() {
    const phases = model.get("phases_rad");
    const same = phases.every((phase) => Math.abs(phase - phases[0]) < 1e-9);
    if (same && phases[0] === 0) return "sine";
    return same && Math.abs(phases[0] - Math.PI / 2) < 1e-9 ? "cosine" : "random";
  }
  const showPhases = () => {
    for (const [name, node] of phaseButtons) node.setAttribute("aria-pressed", name === phaseName());
  };

  const choices = ui.row("course-buttons");
  choices.append(make("span", { class: "course-group" }, "Start from"));
  for (const [name, [amplitudes, phase]] of Object.entries(presets))
    ui.button(choices, `preset-${name.replaceAll(" ", "-")}`, name, () => {
      ui.set("amplitudes", amplitudes);
      setPhases(numbers.map(() => phase));
    });

  const sliders = ui.row("course-sliders");
  ui.slider(sliders, {
    trait: "fundamental_hz", label: "Fundamental (by semitones)", step: 1,
    text: (v) => hertz(v) + note(v),
    toPosition: (v) => 12 * Math.log2(v / 55), toValue: (p) => 55 * 2 ** (p / 12),
  });
  ui.slider(sliders, { trait: "volume", label: "Volume", step: 0.01, text: (v) => `${Math.round(100 * v)} %` });
  ui.root.append(ui.status);

  for (const trait of ["fundamental_hz", "amplitudes"]) ui.watch(trait, showBars);
  ui.watch("phases_rad", showPhases);
  for (const trait of ["fundamental_hz", "amplitudes", "phases_rad", "volume"])
    ui.watch(trait, () => { sound.update(); ui.redraw(); });
  showBars();
  showPhases();
  return ui.close;
}

export default { render };

const WINDOW_S = 0.002;
// A sine that starts at zero, at exactly half the sample rate, would be sampled at its zeros only.
const START_PHASE = Math.PI / 4;
const SWEEP_HZ_PER_S = 900;
const GLIDE_S = 0.01;

// The frequency nearest to zero that has the same samples; negative where the phase runs backwards.
const folded = (frequency, rate) => frequency - rate * Math.ceil(frequency / rate - 0.5);

function render({ model, el }) {
  const ui = createExplorer({ model, el }, "aliasing", "A tone and its samples");
  const { colours, scene } = ui;
  const [, highest] = model.get("_limits").frequency_hz;
  const highestHeard = model.get("_limits").sample_rate_hz[1] / 2;
  const now = () => {
    const [frequency, rate] = [model.get("frequency_hz"), model.get("sample_rate_hz")];
    const signed = folded(frequency, rate);
    return { frequency, rate, signed, alias: Math.abs(signed), nyquist: rate / 2 };
  };

  const charts = ui.row("alias-charts");
  const waves = ui.canvas(charts, "alias-time", 250,
    "Two milliseconds of the tone, its samples as dots, and the lowest tone through the dots.");
  const fold = ui.canvas(charts, "alias-fold", 250,
    "Zigzag of the heard frequency over the true frequency, with the current point.");
  fold.node.classList.add("course-draggable");

  function drawWaves({ frequency, rate, signed }) {
    const pen = waves.begin();
    const [left, right, top, bottom] = [8, waves.width - 8, 34, waves.height - 30];
    const middle = (top + bottom) / 2;
    const toX = (t) => left + t / WINDOW_S * (right - left);
    const toY = (v) => middle - v * (bottom - top) / 2;
    const tone = (f) => (x) => toY(Math.sin(2 * Math.PI * f * (x - left) / (right - left) * WINDOW_S + START_PHASE));

    pen.strokeStyle = pen.fillStyle = colours.ink;
    pen.globalAlpha = 0.3;
    pen.lineWidth = 1;
    line(pen, left, middle, right, middle);
    pen.globalAlpha = 0.75;
    for (let ms = 0; ms <= 2; ms += 0.5) {
      pen.textAlign = ms === 0 ? "left" : ms === 2 ? "right" : "center";
      pen.fillText(`${ms} ms`, toX(ms / 1000), waves.height - 6);
    }
    pen.textAlign = "left";
    pen.globalAlpha = 0.9;
    pen.strokeStyle = colours.blue;
    pen.lineWidth = 1.25;
    curve(pen, left, right, tone(frequency), 0.5);
    pen.globalAlpha = 1;
    pen.strokeStyle = colours.red;
    pen.lineWidth = 3;
    pen.setLineDash([9, 6]);
    curve(pen, left, right, tone(signed));
    pen.setLineDash([]);
    pen.fillStyle = colours.ink;
    for (let n = 0; n / rate <= WINDOW_S + 1e-9; n += 1) dot(pen, toX(n / rate), tone(frequency)(toX(n / rate)), 4.5);

    // The key, above the curves.
    const key = [["tone", colours.blue, 1.25, []], ["heard", colours.red, 3, [9, 6]]];
    let x = left;
    for (const [text, colour, width, dashes] of key) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.setLineDash(dashes);
      line(pen, x, 12, x + 26, 12);
      pen.setLineDash([]);
      pen.fillText(text, x + 32, 16);
      x += 48 + pen.measureText(text).width;
    }
    dot(pen, x + 4, 12, 4.5);
    pen.fillText("samples", x + 14, 16);
  }

  const foldLeft = 34;
  const foldRight = () => fold.width - 12;
  function drawFold({ frequency, alias, rate, nyquist }) {
    const pen = fold.begin();
    const [left, right, top, bottom] = [foldLeft, foldRight(), 34, fold.height - 42];
    const toX = (f) => left + f / highest * (right - left);
    const toY = (f) => bottom - f / highestHeard * (bottom - top);
    pen.strokeStyle = pen.fillStyle = colours.ink;
    pen.lineWidth = 1;
    pen.globalAlpha = 0.75;
    pen.fillText("heard (kHz)", 2, 16);
    pen.textAlign = "center";
    pen.fillText("true frequency (kHz)", (left + right) / 2, fold.height - 6);
    for (let f = 0; f <= highest; f += 2000) pen.fillText(f / 1000, toX(f), bottom + 17);
    pen.textAlign = "right";
    for (let f = 0; f <= highestHeard; f += 2000) pen.fillText(f / 1000, left - 7, toY(f) + 4);
    pen.globalAlpha = 0.35;
    line(pen, left, bottom, right, bottom);
    line(pen, left, bottom, left, top);
    pen.setLineDash([2, 4]);
    pen.globalAlpha = 0.7;
    line(pen, left, toY(nyquist), right, toY(nyquist));
    if (nyquist <= highest) line(pen, toX(nyquist), bottom, toX(nyquist), toY(nyquist));
    pen.setLineDash([]);
    pen.fillText("Nyquist limit", right, toY(nyquist) - 6);
    pen.textAlign = "left";

    // The zigzag turns at every multiple of half the sample rate.
    pen.globalAlpha = 0.8;
    pen.lineWidth = 2;
    pen.beginPath();
    for (let f = 0; f < highest; f += nyquist) pen.lineTo(toX(f), toY(Math.abs(folded(f, rate))));
    pen.lineTo(toX(highest), toY(Math.abs(folded(highest, rate))));
    pen.stroke();

    pen.globalAlpha = 1;
    pen.strokeStyle = colours.red;
    pen.lineWidth = 1.25;
    pen.setLineDash([5, 4]);
    line(pen, toX(frequency), bottom, toX(frequency), toY(alias));
    line(pen, left, toY(alias), toX(frequency), toY(alias));
    pen.setLineDash([]);
    pen.fillStyle = colours.red;
    dot(pen, toX(frequency), toY(alias), 7);
  }

  scene.draw = () => {
    const state = now();
    drawWaves(state);
    drawFold(state);
    report(state);
  };

  const figures = ui.figures();
  function report({ frequency, rate, signed, alias, nyquist }) {
    ui.root.dataset.aliasHz = Number(alias.toFixed(3));
    figures([
      ["tone f", hertz(frequency)],
      ["sample rate", hertz(rate)],
      ["Nyquist limit", hertz(nyquist)],
      ["heard", hertz(alias)],
    ]);
    const start = `${hertz(frequency)} sampled at ${hertz(rate)}: `;
    let end = `the samples give ${hertz(alias)} instead, an alias`;
    if (frequency < nyquist) end = "less than half the sample rate, so the samples give the same tone back.";
    else if (frequency === nyquist) end = "exactly half: the pitch survives, amplitude and phase do not.";
    else if (alias < 1) end = "all samples are equal, 0 Hz: nothing to hear.";
    else end += signed < 0 ? " whose phase runs backwards." : ".";
    ui.tell(start + end);
  }

  let source = "original";
  const pitch = () => (source === "original" ? model.get("frequency_hz") : now().alias);
  function build(context, output) {
    const oscillator = new OscillatorNode(context, { frequency: pitch() });
    oscillator.connect(output);
    oscillator.start();
    return () => oscillator.frequency.setTargetAtTime(pitch(), context.currentTime, GLIDE_S);
  }
  const sound = createSound(ui.root, build, () => model.get("volume"));

  const buttons = ui.row("course-buttons");
  const listenTo = (name) => () => {
    if (sound.isOn() && source === name) sound.stop();
    else {
      source = name;
      sound.start();
      sound.update();
    }
    showButtons();
  };
  const soundButtons = [
    ["original", "the tone", ui.button(buttons, "hear-original", "", listenTo("original"))],
    ["samples", "what the samples give", ui.button(buttons, "hear-samples", "", listenTo("samples"))],
  ];
  const sweepButton = ui.button(buttons, "sweep", "", () => {
    if (!ui.isPlaying() && model.get("frequency_hz") >= highest) ui.set("frequency_hz", 0);
    sweep(!ui.isPlaying());
  });
  function sweep(wanted) {
    ui.play(wanted);
    showButtons();
  }
  function showButtons() {
    for (const [name, text, node] of soundButtons) {
      const on = sound.isOn() && source === name;
      node.textContent = on ? `■ Stop ${text}` : `▶ Hear ${text}`;
      node.setAttribute("aria-pressed", on);
    }
    ui.root.dataset.source = sound.isOn() ? source : "none";
    sweepButton.textContent = ui.isPlaying() ? "❚❚ Stop the sweep" : "↗ Sweep the tone upwards";
    sweepButton.setAttribute("aria-pressed", ui.isPlaying());
  }
  scene.advance = (seconds) => {
    ui.set("frequency_hz", Math.min(highest, model.get("frequency_hz") + SWEEP_HZ_PER_S * seconds));
    if (model.get("frequency_hz") === highest) sweep(false);
  };
  scene.leave = () => {
    sound.stop();
    sweep(false);
  };

  const sliders = ui.row("course-sliders");
  const frequencyInput = ui.slider(sliders, { trait: "frequency_hz", label: "Tone f", step: 50, text: hertz });
  ui.slider(sliders, { trait: "sample_rate_hz", label: "Sample rate", step: 100, text: hertz });
  ui.slider(sliders, { trait: "volume", label: "Volume", step: 0.01, text: (v) => `${Math.round(100 * v)} %` });
  ui.root.append(ui.status);
  const stopSweep = () => { if (ui.isPlaying()) sweep(false); };
  ui.listen(frequencyInput, "input", stopSweep);
  ui.drag(fold.node, (x) => {
    stopSweep();
    const share = (x - foldLeft) / (foldRight() - foldLeft);
    ui.set("frequency_hz", clamp(50 * Math.round(share * highest / 50), 0, highest));
  });

  for (const trait of ["frequency_hz", "sample_rate_hz", "volume"])
    ui.watch(trait, () => { sound.update(); ui.redraw(); });
  sweep(false);
  return ui.close;
}

export default { render };

const SETTLE_MS = 90; // a moving handle is filtered at most this often
const RANGE_DB = 90; // of the drawn spectra

function render({ model, el }) {
  const ui = createExplorer({ model, el }, "filter", "Filter bench");
  const { colours, scene } = ui;
  const bench = model.get("_bench");
  const { samples, rate, seconds, note } = readClips(model).get(model.get("clip"));
  const [lowest, highest] = model.get("_limits").gains_db;
  const [, highestHum] = model.get("_limits").notch_hz;
  const handles = bench.handles.filter((f) => f < rate / 2);

  // The spectrum is transformed once. `left` and `share` say between which handles each bin lies.
  const size = powerOfTwoFrom(samples.length + Math.floor(bench.silence * rate));
  const bins = size / 2 + 1;
  const spectrum = [new Float64Array(size), new Float64Array(size)];
  spectrum[0].set(samples);
  transform(size)(...spectrum);
  const amplitudes = Float64Array.from({ length: bins }, (_, k) => 2 * Math.hypot(spectrum[0][k], spectrum[1][k]) / samples.length);
  const [left, share] = [new Uint8Array(bins), new Float64Array(bins)];
  for (let k = 0; k < bins; k += 1) {
    [left[k], share[k]] = between(k * rate / size);
  }
  function between(frequency) {
    const f = clamp(frequency, bench.handles[0], bench.handles.at(-1));
    const above = clamp(bench.handles.findIndex((handle) => handle >= f), 1, bench.handles.length - 1);
    const [a, b] = [bench.handles[above - 1], bench.handles[above]];
    return [above - 1, Math.log(f / a) / Math.log(b / a)];
  }
  function notch(frequency, hum) {
    const nearest = clamp(Math.round(frequency / hum), 1, bench.notches);
    return 1 - Math.exp(-Math.LN2 * (2 * Math.abs(frequency - nearest * hum) / bench.width) ** 4);
  }
  const decibels = (gains_db, i, part) => gains_db[i] + part * (gains_db[i + 1] - gains_db[i]);

  // The gain of each bin, made anew when a handle or the notch has moved.
  const gains = new Float64Array(bins);
  let [made, heard, heardAt, filtered, softer_db] = ["", "", 0, samples, 0];
  const settings = () => JSON.stringify([model.get("gains_db"), model.get("notch_hz")]);
  function makeGains() {
    if (made === settings()) return;
    const [gains_db, hum] = [model.get("gains_db"), model.get("notch_hz")];
    for (let k = 0; k < bins; k += 1) gains[k] = Math.exp(Math.LN10 / 20 * decibels(gains_db, left[k], share[k]));
    if (hum) for (let k = 0; k * rate / size < (bench.notches + 1) * hum && k < bins; k += 1) gains[k] *= notch(k * rate / size, hum);
    made = settings();
  }

  // The way back: the transform of the conjugate is the conjugate of the inverse, times the size.
  function filter() {
    if (heard === settings()) return;
    makeGains();
    const begin = performance.now();
    const [re, im] = [new Float64Array(size), new Float64Array(size)];
    for (let k = 0; k < size; k += 1) {
      const gain = gains[k < bins ? k : size - k];
      re[k] = gain * spectrum[0][k];
      im[k] = -gain * spectrum[1][k];
    }
    transform(size)(re, im);
    let [peak, power] = [0, 0];
    for (let n = 0; n < samples.length; n += 1) {
      re[n] /= size;
      peak = Math.max(peak, Math.abs(re[n]));
      power += re[n] ** 2;
    }
    filtered = Float32Array.from(re.subarray(0, samples.length), (v) => v / Math.max(1, peak));
    softer_db = peak > 1 ? 20 * Math.log10(peak) : 0;
    [heard, heardAt] = [settings(), performance.now()];
    ui.root.dataset.filterMs = (heardAt - begin).toFixed(1);
    ui.root.dataset.probe = JSON.stringify({ peak, rms: Math.sqrt(power / samples.length), softer_db });
    player.update();
  }

  const stage = ui.root.appendChild(make("div", { class: "bench-stage" }));
  const desk = ui.canvas(stage, "bench-gains", 170, "Gain over frequency, with handles that can be dragged up and down.");
  desk.node.classList.add("course-draggable");
  const view = ui.canvas(ui.root, "bench-spectra", 220,
    "Magnitude spectrum of the recording, thin, and of the filtered recording over it, thick.");
  const [edge, right] = [40, () => desk.width - 14];
  const [top, bottom] = [16, 158];
  const octaves = Math.log(rate / 2 / bench.axis);
  const toX = (f) => edge + Math.log(f / bench.axis) / octaves * (right() - edge);
  const toHz = (x) => bench.axis * Math.exp((x - edge) / (right() - edge) * octaves);
  const toY = (db) => bottom - (db - lowest) / (highest - lowest) * (bottom - top);

  // Real range inputs lie where the handles are drawn: keys and screen readers use them.
  const inputs = handles.map((f, i) => {
    const input = make("input", {
      type: "range", class: "bench-handle", min: lowest, max: highest, step: 1, "data-handle": f,
      "aria-orientation": "vertical", "aria-label": `Gain at ${hertz(f)}`,
    });
    ui.listen(input, "input", () => setGain(i, Number(input.value)));
    for (const type of ["focus", "blur"]) ui.listen(input, type, ui.redraw);
    ui.listen(input, "change", filter);
    stage.append(input);
    return input;
  });
  function setGain(i, value) {
    const gains_db = [...model.get("gains_db")];
    gains_db[i] = clamp(Math.round(value), lowest, highest);
    ui.set("gains_db", gains_db);
  }
  function showHandles() {
    inputs.forEach((input, i) => {
      const gain = model.get("gains_db")[i];
      input.value = gain;
      input.setAttribute("aria-valuetext", `${gain} dB`);
    });
  }
  let held = 0;
  ui.drag(desk.node, (x, y, event) => {
    if (event.type === "pointerdown") {
      event.preventDefault();
      const away = (f) => Math.abs(toX(f) - x);
      held = handles.reduce((best, f, i) => (away(f) < away(handles[best]) ? i : best), 0);
      inputs[held].focus({ focusVisible: false, preventScroll: true });
    }
    setGain(held, lowest + (bottom - y) / (bottom - top) * (highest - lowest));
  });
  ui.listen(desk.node, "pointerup", () => filter());

  function grid(pen, from, to, names) {
    pen.strokeStyle = pen.fillStyle = colours.ink;
    pen.lineWidth = 1;
    pen.textAlign = "center";
    for (const f of [50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000]) {
      if (f > rate / 2) continue;
      pen.globalAlpha = 0.15;
      line(pen, toX(f), from, toX(f), to);
      pen.globalAlpha = 0.75;
      if (names) pen.fillText(f < 1000 ? f : `${f / 1000}k`, toX(f), to + 16);
    }
    pen.textAlign = "left";
  }
  function level(pen, text, y) {
    pen.globalAlpha = 0.2;
    line(pen, edge, y, right(), y);
    pen.globalAlpha = 0.75;
    pen.textAlign = "right";
    pen.fillText(text, edge - 6, y + 4);
    pen.textAlign = "left";
  }

  function drawGains() {
    const pen = desk.begin();
    const [gains_db, hum] = [model.get("gains_db"), model.get("notch_hz")];
    grid(pen, top, bottom, false);
    for (const db of [12, 0, -20, -40, -60]) level(pen, db, toY(db));
    pen.fillText("gain (dB)", edge + 2, 11);
    pen.globalAlpha = 1;
    pen.strokeStyle = pen.fillStyle = colours.red;
    pen.lineWidth = 2.5;
    curve(pen, edge, right(), (x) => {
      const f = toHz(x);
      // The middle of a notch may lie between two points of the curve.
      const middle = clamp(Math.round(f / hum), 1, bench.notches) * hum;
      const factor = Math.abs(toX(middle) - x) <= 0.25 ? 0 : notch(f, hum);
      const cut = hum ? 20 * Math.log10(Math.max(1e-9, factor)) : 0;
      return toY(Math.max(lowest, decibels(gains_db, ...between(f)) + cut));
    }, 0.5);
    handles.forEach((f, i) => {
      dot(pen, toX(f), toY(gains_db[i]), 7);
      if (inputs[i].matches(":focus")) {
        pen.strokeStyle = colours.ink;
        pen.lineWidth = 2;
        pen.beginPath();
        pen.arc(toX(f), toY(gains_db[i]), 11, 0, 2 * Math.PI);
        pen.stroke();
      }
      inputs[i].style.left = `${toX(f) - 8}px`;
      inputs[i].style.top = `${toY(gains_db[i]) - 8}px`;
    });
  }

  const loudest = Math.ceil(20 * Math.log10(amplitudes.reduce((a, b) => Math.max(a, b), 1e-9)) / 10) * 10 + 10;
  function drawSpectra() {
    const pen = view.begin();
    const [high, low] = [22, view.height - 42];
    const place = (db) => low - (clamp(db, loudest - RANGE_DB, loudest) - loudest + RANGE_DB) / RANGE_DB * (low - high);
    grid(pen, high, low, true);
    for (let db = loudest; db >= loudest - RANGE_DB; db -= 30) level(pen, db, place(db));
    pen.textAlign = "center";
    pen.fillText("frequency (Hz)", (edge + right()) / 2, view.height - 8);
    pen.textAlign = "left";
    // The largest bin under each pixel, so that no thin line of a hum is lost.
    const stroke = (factor) => curve(pen, edge, right(), (x) => {
      const [first, last] = [x - 0.5, x + 0.5].map((at) => Math.round(toHz(at) * size / rate));
      let largest = 1e-10;
      for (let k = first; k <= Math.min(Math.max(first, last - 1), bins - 1); k += 1)
        largest = Math.max(largest, amplitudes[k] * factor(k));
      return place(20 * Math.log10(largest));
    });
    pen.strokeStyle = colours.ink;
    pen.globalAlpha = 0.45;
    pen.lineWidth = 1;
    stroke(() => 1);
    pen.globalAlpha = 1;
    pen.strokeStyle = colours.blue;
    pen.lineWidth = 1.75;
    stroke((k) => gains[k]);
    // The key.
    let x = edge + 2;
    for (const [text, colour, width] of [["recording", colours.ink, 1], ["filtered", colours.blue, 2.5]]) {
      pen.strokeStyle = colour;
      pen.fillStyle = colours.ink;
      pen.lineWidth = width;
      line(pen, x, 9, x + 24, 9);
      pen.fillText(text, x + 30, 13);
      x += 46 + pen.measureText(text).width;
    }
    pen.fillText("spectrum (dB, a lasting full-scale sine is at 0)", x, 13);
  }

  scene.draw = () => {
    makeGains();
    if (heard !== settings()) {
      if (performance.now() - heardAt > SETTLE_MS) filter();
      else ui.redraw();
    }
    drawGains();
    drawSpectra();
    report();
  };

  const figures = ui.figures();
  const name = () => Object.keys(bench.presets).find((key) => bench.presets[key].join() === model.get("gains_db").join());
  function report() {
    const hum = model.get("notch_hz");
    const softer = softer_db ? `${softer_db.toFixed(1)} dB softer` : "as loud as it is";
    figures([
      ["gains", name() ?? "drawn by hand"],
      ["notches", hum ? `${hum.toFixed(1)} Hz × 1 to ${bench.notches}` : "off"],
      ["filtered sound is played", softer],
      ["at", source === "none" ? "stopped" : `${player.position().toFixed(1)} of ${seconds.toFixed(1)} s`],
    ]);
    ui.tell(`${note}Gains: ${name() ?? "drawn by hand"}. ${hum ? `Notches of ${bench.width} Hz at ${hum.toFixed(1)} Hz and its harmonics. ` : ""}` +
      (softer_db ? `The filtered sound would peak ${softer_db.toFixed(1)} dB above full scale, so it is played that much softer and does not clip.`
        : "The filtered sound stays within full scale."));
  }

  let source = "none";
  const player = createPlayer(ui.root, () => ({ samples: source === "filtered" ? filtered : samples, rate }), () => hear("none"));
  function hear(wanted) {
    if (wanted === "filtered") filter();
    source = wanted;
    if (wanted === "none") player.stop();
    else if (player.isOn()) player.update();
    else player.start(0);
    ui.play(wanted !== "none");
    ui.root.dataset.source = wanted;
    for (const [node, key, text] of choices) {
      node.textContent = source === key ? `■ Stop ${text}` : `▶ Hear ${text}`;
      node.setAttribute("aria-pressed", source === key);
    }
  }
  const buttons = ui.row("course-buttons");
  const choices = [["original", "the recording"], ["filtered", "it filtered"]].map(([key, text]) =>
    [ui.button(buttons, `hear-${key}`, "", () => hear(source === key ? "none" : key)), key, text]);
  scene.leave = () => hear("none");

  const starts = ui.row("course-buttons");
  starts.append(make("span", { class: "course-group" }, "Start from"));
  for (const [key, gains_db] of Object.entries(bench.presets))
    ui.button(starts, `preset-${key.replaceAll(" ", "-")}`, key, () => ui.set("gains_db", gains_db));

  // Left of its lowest frequency the slider stands on "off"; the box goes there and back.
  const sliders = ui.row("course-sliders");
  const box = make("input", { type: "checkbox", "data-action": "notches" });
  sliders.append(make("label", { class: "course-check" }, box, "notches at the hum"));
  let last = 50;
  const showBox = () => {
    last = model.get("notch_hz") || last;
    box.checked = model.get("notch_hz") > 0;
  };
  ui.listen(box, "change", () => ui.set("notch_hz", box.checked ? last : 0));
  ui.slider(sliders, {
    trait: "notch_hz", label: `Hum (${bench.lowestHum} to ${highestHum} Hz)`, step: 0.1, text: (v) => (v ? `${v.toFixed(1)} Hz` : "off"),
    toPosition: (v) => v || bench.lowestHum - 0.1, toValue: (p) => (p < bench.lowestHum - 0.05 ? 0 : Number(p.toFixed(1))),
  });
  ui.root.append(ui.status);

  ui.watch("gains_db", showHandles);
  ui.watch("notch_hz", showBox);
  for (const trait of ["gains_db", "notch_hz"]) ui.watch(trait, ui.redraw);
  showHandles();
  showBox();
  hear("none");
  return ui.close;
}

export default { render };

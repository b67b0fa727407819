const SWEEP_HZ_PER_S = 25;
const MOST_POINTS = 3000; // of the drawn winding; the centre of mass is that of all samples
const CELL_HZ = 0.5; // the visited part of the trace is kept in cells of this width

// Mean of x[n] exp(-2πi f n / rate). The arrow is turned from sample to sample, and set anew every 256,
// so that rounding does not add up.
function centreOfMass(samples, turnsPerSample) {
  const arrow = (turns) => [Math.cos(2 * Math.PI * turns), -Math.sin(2 * Math.PI * turns)];
  const [stepRe, stepIm] = arrow(turnsPerSample);
  let [sumRe, sumIm] = [0, 0];
  for (let begin = 0; begin < samples.length; begin += 256) {
    let [re, im] = arrow(turnsPerSample * begin % 1);
    const end = Math.min(begin + 256, samples.length);
    for (let n = begin; n < end; n += 1) {
      sumRe += samples[n] * re;
      sumIm += samples[n] * im;
      const turned = re * stepRe - im * stepIm;
      im = re * stepIm + im * stepRe;
      re = turned;
    }
  }
  return [sumRe / samples.length, sumIm / samples.length];
}

function render({ model, el }) {
  const ui = createExplorer({ model, el }, "winding", "The winding machine");
  const { colours, scene } = ui;
  const clips = readClips(model);
  const [, highest] = model.get("_limits").frequency_hz;

  // The piece that is wound, and all of its curve: one transform, padded with zeros to 0.4 Hz or less.
  let piece = null;
  function cutPiece() {
    const { samples, rate, seconds } = clips.get(model.get("clip"));
    const count = Math.min(samples.length, Math.floor(model.get("length_s") * rate + 0.5));
    const first = Math.min(Math.floor(model.get("start_s") * rate + 0.5), samples.length - count);
    const key = [model.get("clip"), first, count].join();
    if (piece?.key === key) return;
    const wound = samples.subarray(first, first + count);
    const size = powerOfTwoFrom(Math.max(count, rate / 0.4));
    const [re, im] = [new Float64Array(size), new Float64Array(size)];
    re.set(wound);
    transform(size)(re, im);
    const distances = Float64Array.from({ length: Math.ceil(highest * size / rate) + 1 },
      (_, k) => Math.hypot(re[k], im[k]) / count);
    const largest = distances.reduce((a, b) => Math.max(a, b), 0);
    const peak = wound.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
    const magnified = model.get("_magnifications").filter((factor) => factor === 1 || factor * largest <= peak).at(-1);
    piece = {
      key, whole: samples, rate, seconds, samples: wound, start: first / rate, length: count / rate, peak,
      step: rate / size, distances, largest, magnified, visited: new Uint8Array(highest / CELL_HZ + 1), last: null,
    };
  }

  // A drag leaves no gaps; a jump does not paint what lies between.
  function visit(frequency) {
    const cell = Math.round(frequency / CELL_HZ);
    const from = piece.last !== null && Math.abs(cell - piece.last) * CELL_HZ <= 30 ? piece.last : cell;
    piece.visited.fill(1, Math.min(from, cell), Math.max(from, cell) + 1);
    piece.last = cell;
  }

  const whole = ui.canvas(ui.root, "winding-whole", 46, "The whole sound, with the piece that is wound marked. Drag to move it.");
  whole.node.classList.add("course-draggable");
  const wave = ui.canvas(ui.root, "winding-wave", 120, "The piece over time, with a line where each turn ends.");
  const charts = ui.row("winding-charts");
  const plane = ui.canvas(charts, "winding-plane", 300,
    "The piece wound around the middle, with an arrow to its centre of mass.");
  const trace = ui.canvas(charts, "winding-trace", 300,
    "Distance of the centre over the winding frequency: faint the whole curve, strong what was visited.");
  trace.node.classList.add("course-draggable");
  const inset = 8;
  const [traceLeft, traceRight] = [54, () => trace.width - 18];

  // What changes only with the piece is drawn once, and copied into each frame.
  const layers = new Map();
  function layer(surface, pen, draw) {
    const { node, width, height } = surface;
    const key = [piece.key, node.width, colours.ink].join();
    if (layers.get(surface)?.key !== key) {
      const image = make("canvas", { width: node.width, height: node.height });
      const copy = image.getContext("2d");
      copy.setTransform(pen.getTransform());
      copy.font = pen.font;
      copy.strokeStyle = copy.fillStyle = colours.ink;
      draw(copy);
      layers.set(surface, { key, image });
    }
    pen.globalAlpha = pen.lineWidth = 1;
    pen.drawImage(layers.get(surface).image, 0, 0, width, height);
    pen.strokeStyle = pen.fillStyle = colours.ink;
  }

  function drawWhole() {
    const pen = whole.begin();
    const [left, right] = [inset, whole.width - inset];
    const toX = (t) => left + t / piece.seconds * (right - left);
    layer(whole, pen, (copy) => {
      copy.globalAlpha = 0.5;
      const loudest = piece.whole.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
      drawWave(copy, piece.whole, left, right, 20, 18 / loudest);
    });
    const [x, width] = [toX(piece.start), Math.max(4, toX(piece.length) - left)];
    pen.globalAlpha = 0.12;
    pen.fillRect(x, 1, width, 38);
    pen.globalAlpha = 1;
    pen.lineWidth = 1.5;
    pen.strokeRect(x, 1, width, 38);
  }

  function drawPiece(frequency) {
    const pen = wave.begin();
    const [left, right, middle] = [inset, wave.width - inset, 52];
    const toX = (t) => left + t / piece.length * (right - left);
    layer(wave, pen, (copy) => {
      copy.globalAlpha = 0.3;
      line(copy, left, middle, right, middle);
      copy.globalAlpha = 1;
      copy.strokeStyle = colours.blue;
      copy.lineWidth = 1.5;
      drawWave(copy, piece.samples, left, right, middle, 46 / piece.peak);
    });
    const turns = frequency * piece.length;
    if (turns >= 1 && turns < (right - left) / 4) {
      pen.globalAlpha = 0.6;
      pen.setLineDash([3, 3]);
      for (let m = 1; m <= turns; m += 1) line(pen, toX(m / frequency), 4, toX(m / frequency), 100);
      pen.setLineDash([]);
    }
    pen.globalAlpha = 1;
    if (turns >= 1) {
      // The first turn is the same colour here and in the plane.
      pen.save();
      pen.beginPath();
      pen.rect(left, 0, toX(1 / frequency) - left, 106);
      pen.clip();
      pen.strokeStyle = colours.red;
      pen.lineWidth = 3;
      drawWave(pen, piece.samples, left, right, middle, 46 / piece.peak);
      pen.restore();
    }
    pen.globalAlpha = 0.75;
    pen.fillText("0 ms", left, 117);
    pen.textAlign = "right";
    pen.fillText(`${(1000 * piece.length).toFixed(0)} ms`, right, 117);
    pen.textAlign = "center";
    pen.fillText(turns < 1 ? "less than one turn" : "dashed: a turn ends; thick: the first", (left + right) / 2, 117);
    pen.textAlign = "left";
  }

  function drawPlane(frequency, [re, im]) {
    const pen = plane.begin();
    const [x0, y0] = [plane.width / 2, plane.height / 2 - 8];
    const radius = Math.min(x0, y0) - 4;
    const scale = radius / piece.peak;
    pen.strokeStyle = pen.fillStyle = colours.ink;
    pen.lineWidth = 1;
    pen.globalAlpha = 0.3;
    line(pen, x0 - radius, y0, x0 + radius, y0);
    line(pen, x0, y0 - radius, x0, y0 + radius);
    pen.beginPath();
    pen.arc(x0, y0, radius, 0, 2 * Math.PI);
    pen.stroke();
    pen.globalAlpha = 0.75;
    pen.fillText("real", x0 + radius - 22, y0 - 5);
    pen.fillText("imaginary", x0 + 5, y0 - radius + 11);

    const { samples, rate } = piece;
    const points = clamp(4 * samples.length, 1000, MOST_POINTS);
    const each = (samples.length - 1) / (points - 1);
    const place = (i) => {
      const n = Math.min(i * each, samples.length - 1);
      const [below, share] = [Math.floor(n), n % 1];
      const value = scale * (samples[below] + share * ((samples[below + 1] ?? 0) - samples[below]));
      const angle = -2 * Math.PI * frequency * n / rate;
      return [x0 + value * Math.cos(angle), y0 - value * Math.sin(angle)];
    };
    const perTurn = frequency ? rate / frequency / each : points; // drawn points in one turn
    pen.strokeStyle = pen.fillStyle = colours.blue;
    pen.globalAlpha = points < MOST_POINTS ? 0.9 : 0.5;
    pen.beginPath();
    for (let i = 0; i < points; i += 1) {
      const [x, y] = place(i);
      // Too few points a turn: dots.
      if (perTurn < 8) pen.rect(x - 1, y - 1, 2, 2);
      else pen.lineTo(x, y);
    }
    if (perTurn < 8) pen.fill();
    else pen.stroke();
    if (frequency * piece.length >= 1 && perTurn >= 8) {
      pen.globalAlpha = 1;
      pen.strokeStyle = colours.red;
      pen.lineWidth = 2;
      pen.beginPath();
      for (let i = 0; i < perTurn; i += 1) pen.lineTo(...place(i));
      pen.stroke();
    }

    const [x, y] = [x0 + scale * piece.magnified * re, y0 - scale * piece.magnified * im];
    pen.globalAlpha = 1;
    pen.strokeStyle = pen.fillStyle = colours.ink;
    pen.lineWidth = 4;
    line(pen, x0, y0, x, y);
    dot(pen, x, y, 7);
    pen.textAlign = "center";
    const longer = piece.magnified > 1 ? `, drawn ${piece.magnified} × longer` : "";
    pen.fillText(`arrow to the centre of mass${longer}`, x0, plane.height - 4);
    pen.textAlign = "left";
  }

  function drawTrace(frequency, distance) {
    const pen = trace.begin();
    const [left, right, top, bottom] = [traceLeft, traceRight(), 26, trace.height - 42];
    const toX = (f) => left + f / highest * (right - left);
    const toY = (d) => bottom - d / (piece.largest || 1) * (bottom - top);
    const at = (f) => {
      const [k, share] = [Math.floor(f / piece.step), f / piece.step % 1];
      return piece.distances[k] + share * ((piece.distances[k + 1] ?? 0) - piece.distances[k]);
    };
    layer(trace, pen, (copy) => {
      copy.globalAlpha = 0.75;
      copy.fillText("distance of the centre of mass from the middle", 4, 13);
      copy.textAlign = "center";
      for (let f = 0; f <= highest; f += 200) copy.fillText(f, toX(f), bottom + 16);
      copy.fillText("winding frequency (Hz)", (left + right) / 2, trace.height - 8);
      copy.textAlign = "right";
      for (const d of [0, piece.largest]) copy.fillText(d.toPrecision(2), left - 6, toY(d) + 4);
      copy.globalAlpha = 0.4;
      line(copy, left, bottom, right, bottom);
      copy.beginPath();
      piece.distances.forEach((d, k) => { if (k * piece.step <= highest) copy.lineTo(toX(k * piece.step), toY(d)); });
      copy.stroke();
    });
    pen.strokeStyle = colours.blue;
    pen.lineWidth = 3;
    pen.beginPath();
    piece.visited.forEach((yes, cell) => {
      const f = cell * CELL_HZ;
      if (!yes) return;
      if (!piece.visited[cell - 1]) pen.moveTo(toX(f) - 0.5, toY(at(f)));
      pen.lineTo(toX(f), toY(at(f)));
    });
    pen.stroke();
    pen.strokeStyle = pen.fillStyle = colours.red;
    pen.lineWidth = 1.25;
    pen.setLineDash([4, 4]);
    line(pen, toX(frequency), bottom, toX(frequency), toY(distance));
    pen.setLineDash([]);
    dot(pen, toX(frequency), toY(distance), 6);
  }

  scene.draw = () => {
    if ([whole, wave, plane, trace].some((surface) => !surface.width)) return;
    cutPiece();
    const frequency = model.get("frequency_hz");
    visit(frequency);
    const centre = centreOfMass(piece.samples, frequency / piece.rate);
    const distance = Math.hypot(...centre);
    drawWhole();
    drawPiece(frequency);
    drawPlane(frequency, centre);
    drawTrace(frequency, distance);
    report(frequency, centre, distance);
  };

  const figures = ui.figures();
  function report(frequency, [re, im], distance) {
    const signed = (v, digits) => `${v < -0.5 / 10 ** digits ? "−" : ""}${Math.abs(v).toFixed(digits)}`;
    // At the middle there is no angle.
    const degrees = distance < 5e-6 ? "none" : `${signed(Math.atan2(im, re) * 180 / Math.PI, 0)}°`;
    const turns = (frequency * piece.length).toFixed(1);
    ui.root.dataset.probe = JSON.stringify({ hz: frequency, re, im, samples: piece.samples.length });
    figures([
      ["winding frequency f", `${frequency.toFixed(1)} Hz`],
      ["turns", turns],
      ["real part", signed(re, 5)],
      ["imaginary part", signed(im, 5)],
      ["distance", distance.toFixed(5)],
      ["angle", degrees],
    ]);
    ui.tell(`${clips.get(model.get("clip")).note}Wound clockwise at ${frequency.toFixed(1)} Hz, the piece of ` +
      `${(1000 * piece.length).toFixed(0)} ms makes ${turns} turns. Its centre lies ${distance.toFixed(5)} ` +
      `from the middle, angle ${degrees}. The largest distance up to ${hertz(highest)} is ${piece.largest.toFixed(5)}.`);
  }

  const buttons = ui.row("course-buttons");
  ui.select(buttons, { trait: "clip", label: "Sound", options: [...clips.keys()].map((name) => [name, name]) });
  const sweepButton = ui.button(buttons, "sweep", "", () => {
    if (!ui.isPlaying() && model.get("frequency_hz") >= highest) setFrequency(0);
    sweep(!ui.isPlaying());
  });
  function sweep(wanted) {
    ui.play(wanted);
    sweepButton.textContent = wanted ? "❚❚ Stop the sweep" : "↗ Sweep the winding frequency";
    sweepButton.setAttribute("aria-pressed", wanted);
  }
  const setFrequency = (f) => ui.set("frequency_hz", clamp(Number(f.toFixed(2)), 0, highest));
  scene.advance = (seconds) => {
    setFrequency(model.get("frequency_hz") + SWEEP_HZ_PER_S * seconds);
    if (model.get("frequency_hz") === highest) sweep(false);
  };
  scene.leave = () => sweep(false);

  const sliders = ui.row("course-sliders");
  const frequencyInput = ui.slider(sliders, {
    trait: "frequency_hz", label: "Winding frequency f", step: 0.1, text: (v) => `${v.toFixed(1)} Hz`,
  });
  ui.slider(sliders, {
    trait: "length_s", label: "Length of the piece", step: 0.02, text: (v) => `${(1000 * v).toFixed(0)} ms`,
    toPosition: Math.log10, toValue: (p) => Math.round(1000 * 10 ** p) / 1000,
  });
  ui.slider(sliders, { trait: "start_s", label: "Start of the piece", step: 0.01, text: (v) => `${v.toFixed(2)} s` });
  ui.root.append(ui.status);

  // An arrow key moves by 1 Hz, with Shift or as Page Up and Down by 10.
  const up = { ArrowRight: 1, ArrowUp: 1, PageUp: 10, ArrowLeft: -1, ArrowDown: -1, PageDown: -10 };
  ui.listen(frequencyInput, "keydown", (event) => {
    if (!(event.key in up)) return;
    event.preventDefault();
    sweep(false);
    const wide = event.shiftKey && event.key.startsWith("Arrow") ? 10 : 1;
    setFrequency(model.get("frequency_hz") + wide * up[event.key]);
  });
  ui.listen(frequencyInput, "input", () => { if (ui.isPlaying()) sweep(false); });
  ui.drag(trace.node, (x) => {
    sweep(false);
    setFrequency((x - traceLeft) / (traceRight() - traceLeft) * highest);
  });
  ui.drag(whole.node, (x) => {
    const middle = (x - inset) / (whole.width - 2 * inset) * piece.seconds;
    const [low, high] = model.get("_limits").start_s;
    ui.set("start_s", clamp(Number((middle - piece.length / 2).toFixed(3)), low, Math.min(high, piece.seconds - piece.length)));
  });

  for (const trait of ["clip", "frequency_hz", "start_s", "length_s"]) ui.watch(trait, ui.redraw);
  sweep(false);
  return ui.close;
}

export default { render };
